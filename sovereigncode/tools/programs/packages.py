"""Package managers and task runners: what their sub-commands do."""

from __future__ import annotations

from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, strictest
from sovereigncode.tools.programs.families import Does, Family, named_task, starts, table, task, words

_SHELL, _NETWORK, _DELETE = ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE
_COMMIT, _PUBLISH, _UNKNOWN = ToolClass.COMMIT, ToolClass.PUBLISH, ToolClass.UNKNOWN


def _named_program(call: Call) -> Reading:
    """`npx x`: a program that is fetched, then started."""
    return starts(_NETWORK, "-p --package -c --call", "-y --yes --no -q --quiet")(call)


def _npx(call: Call) -> Reading:
    scripts = [
        call.script(call.args[place + 1])
        for place, word in enumerate(call.args[:-1])
        if word.exact in ("-c", "--call")
    ]
    return strictest([_named_program(call), *scripts])


def _create(call: Call) -> Reading:
    """`npm init x` starts the package create-x."""
    named = any(not word.start.startswith("-") for word in call.args)
    return call.is_a(_NETWORK if named else _SHELL)


_NPM_OPTIONS: Final = words(
    "-C --prefix -w --workspace --registry --userconfig --loglevel --tag --otp --cache --omit --include "
    "--script-shell"
)
_NPM: Final = Family(
    table(
        {
            _PUBLISH: "publish, unpublish, deprecate, undeprecate, dist-tag, owner, access, team, hook, "
            "org, profile, "
            "token, star, unstar, stage, trust",
            _COMMIT: "version",
            _DELETE: "uninstall, un, remove, rm, r, unlink, prune, cache",
            _NETWORK: "install, i, in, ins, inst, insta, instal, isnt, isnta, isntal, isntall, add, ci, "
            "clean-install, "
            "ic, install-clean, isntall-clean, install-test, it, install-ci-test, cit, sit, update, up, "
            "upgrade, udpate, "
            "outdated, audit, view, info, show, v, search, s, se, find, ping, whoami, login, adduser, "
            "add-user, logout, "
            "fund, doctor, diff, docs, home, bugs, issues, repo, dedupe, ddp, link, ln, stars",
            _SHELL: "pack, rebuild, rb, ls, list, la, ll, help, help-search, root, prefix, bin, explain, "
            "why, query, sbom, "
            "pkg, shrinkwrap, completion, config, c, get, set, install-scripts, edit, explore",
        },
        run=named_task, rum=named_task, urn=named_task, test=_SHELL, t=_SHELL, tst=_SHELL, start=_SHELL,
        stop=_SHELL, restart=_SHELL, exec=_npx, x=_npx, init=_create, create=_create, innit=_create,
    )
    | {"run-script": named_task},
    valued=_NPM_OPTIONS,
    flags=words("-s --silent --quiet -q -g --global --yes -y --json --dry-run"),
    prefixes=True,
)  # fmt: skip
_YARN: Final = Family(
    table(
        {
            _PUBLISH: "publish, npm publish, npm tag, npm logout, npm login, owner, tag, team, access",
            _COMMIT: "version",
            _DELETE: "remove, unlink, cache, autoclean, workspaces focus",
            _NETWORK: "install, add, upgrade, upgrade-interactive, up, import, outdated, audit, info, "
            "login, logout, npm, "
            "global, set, plugin, dedupe, link",
            _SHELL: "pack, list, why, config, bin, check, licenses, versions, help, rebuild, node, "
            "constraints, patch",
        },
        run=named_task, test=_SHELL, start=_SHELL, exec=starts(_SHELL), dlx=_npx, create=_create,
        init=_create, workspaces=task,
    ),
    valued=words("--cwd --registry"),
)  # fmt: skip


def _yarn(call: Call) -> Reading:
    """yarn; a word that is not one of its commands is a task of package.json, or a program."""
    if call.args and call.args[0].exact == "workspace":
        return _yarn(Call(call.what, call.args[2:], call.context))
    return strictest([_YARN(call), named_task(call)] if call.args else [call.is_a(_NETWORK)])


_PNPM: Final = Family(
    {
        **table(
            {
                _PUBLISH: "publish, owner, dist-tag, access, team, unpublish, deprecate, deploy",
                _COMMIT: "version",
                _DELETE: "remove, rm, uninstall, un, unlink, prune, store, cache, clean, purge",
                _NETWORK: "install, i, add, update, up, upgrade, import, fetch, outdated, audit, info, "
                "view, link, ln, "
                "dedupe, env, runtime, self-update, setup, server, search, login, logout, whoami, "
                "install-test, it, ci",
                _SHELL: "pack, list, ls, la, ll, why, licenses, rebuild, rb, root, bin, config, c, help, "
                "patch, "
                "patch-commit, doctor, approve-builds",
            },
            run=named_task, test=_SHELL, t=_SHELL, start=_SHELL, exec=starts(_SHELL), dlx=_npx,
            create=_create, init=_SHELL,
        ),
        "run-script": named_task,
    },
    valued=words("-C --dir --filter -F --reporter --registry"),
    flags=words("-r --recursive -w --workspace-root -s --silent"),
    programs=False,
)  # fmt: skip


def _pnpm(call: Call) -> Reading:
    return strictest([_PNPM(call), named_task(call)])


_BUN: Final = Family(
    table(
        {
            _PUBLISH: "publish",
            _DELETE: "remove, rm, unlink",
            _NETWORK: "install, i, add, a, update, outdated, audit, info, link, upgrade, create, c, patch, "
            "pm cache",
            _SHELL: "build, init, test, pm, why, repl",
        },
        run=named_task, x=_npx,
    )
)  # fmt: skip
_PIP: Final = Family(
    table({
        _NETWORK: "install, download, wheel, search, index, lock",
        _DELETE: "uninstall, cache purge, cache remove",
        _SHELL: "list, show, freeze, check, config, cache, debug, inspect, hash, help, completion",
    }),
    valued=words("--python --proxy --log --cache-dir"),
    other=_NETWORK,
)  # fmt: skip
_UV: Final = Family(
    {
        **table(
            {
                _PUBLISH: "publish",
                _DELETE: "remove, cache clean, cache prune, pip uninstall, tool uninstall, python uninstall",
                _NETWORK: "sync, lock, add, pip, pip install, pip sync, pip compile, tool, tool install, "
                "tool upgrade, "
                "python, python install, self, self update, build, venv, export, auth",
                _SHELL: "pip list, pip show, pip freeze, pip check, pip tree, tree, version, cache, cache "
                "dir, tool list, "
                "tool dir, python list, python find, python dir, init, help, format",
            },
            run=starts(_NETWORK, "-p --python --with --extra --group --directory --project --package -C "
            "--env-file"),
            tool_run=_npx,
        )
    },
    valued=words("--directory --project --config-file --cache-dir --color -p --python"),
)  # fmt: skip
_POETRY: Final = Family(
    table(
        {
            _PUBLISH: "publish",
            _DELETE: "remove, cache, env remove",
            _NETWORK: "install, add, update, lock, search, sync, self, source",
            _SHELL: "build, check, show, env, version, config, export, init, new, about, shell, list, "
            "help, debug",
        },
        run=starts(_SHELL),
    ),
    valued=words("-C --directory -P --project"),
    other=_UNKNOWN,
)  # fmt: skip
_CARGO: Final = Family(
    table(
        {
            _PUBLISH: "publish, yank, owner, login, logout, release",
            _DELETE: "clean, uninstall, remove, rm",
            _NETWORK: "install, fetch, add, update, search, info, generate-lockfile, vendor, binstall, "
            "audit, outdated",
        },
    ),
    valued=words("--color --config -C -Z"),
)  # fmt: skip


def _cargo(call: Call) -> Reading:
    """cargo; `+nightly` chooses a toolchain."""
    chosen = bool(call.args) and call.args[0].start.startswith("+")
    return _CARGO(Call(call.what, call.args[1:] if chosen else call.args, call.context))


def _runner(call: Call) -> Reading:
    """`mise exec -- x`, `nix develop -c x`: one of the words behind `exec`, `run` or `--` is a program."""
    readings = [call.is_a(_NETWORK)]
    words = [word.text for word in call.args]
    begins = [at + 1 for at, text in enumerate(words) if text in _STARTING_WORDS]
    for begin in begins[:_MOST_TRIES]:
        tries = range(begin, min(begin + _MOST_TRIES, len(call.args)))
        readings += [call.run(call.args[at:]) for at in tries if not call.args[at].start.startswith("-")]
    readings += [
        call.script(call.args[at + 1]) for at, text in enumerate(words[:-1]) if text in _SCRIPT_OPTIONS
    ]
    return strictest(readings)


_STARTING_WORDS: Final = ("exec", "run", "x", "--", "-c", "--command", "console")
_SCRIPT_OPTIONS: Final = ("--run", "-c", "--command", "-C")
_MOST_TRIES: Final = 4
_RUNNERS: Final = (
    "mise asdf nvm fnm volta pyenv rbenv nix nix-shell direnv devbox pixi op aws-vault doppler "
    "dotenvx infisical chamber foreman rustup conda mamba micromamba rtx proto hermit flox heroku fly flyctl"
)
_TASK_RUNNERS: Final = (
    "mvn mvnw gradle gradlew ant sbt lein mill make gmake nmake ninja just task rake invoke inv fab nox tox "
    "poe doit gulp grunt turbo nx lerna rush mage bazel mix rebar3"
)
FAMILIES: Final[Mapping[str, Does]] = {
    "npm": _NPM,
    "yarn": _yarn,
    "yarnpkg": _yarn,
    "pnpm": _pnpm,
    "bun": _BUN,
    "npx": _npx,
    "pnpx": _npx,
    "bunx": _npx,
    "uvx": _npx,
    "pip": _PIP,
    "uv": _UV,
    "pipx": Family(
        table(
            {
                _NETWORK: "install, upgrade, upgrade-all, inject, reinstall, ensurepath",
                _DELETE: "uninstall, uninject",
                _SHELL: "list, environment",
            },
            run=_npx,
        ),
        other=_NETWORK,
    ),
    "poetry": _POETRY,
    "pdm": Family(
        table(
            {
                _PUBLISH: "publish, release",
                _DELETE: "remove, cache",
                _NETWORK: "install, add, update, sync, lock",
            },
            run=starts(_SHELL),
        ),
        other=_NETWORK,
    ),
    "hatch": Family(
        table(
            {
                _PUBLISH: "publish, release",
                _DELETE: "clean",
                _SHELL: "build, test, version, fmt, new, status",
            },
            run=task,
        ),
        other=_NETWORK,
    ),
    "rye": Family(table({_PUBLISH: "publish"}, run=starts(_SHELL)), other=_NETWORK),
    "flit": Family(table({_PUBLISH: "publish", _NETWORK: "install", _SHELL: "build, init"}), other=_UNKNOWN),
    "pipenv": Family(table({_DELETE: "uninstall, clean"}, run=starts(_SHELL)), other=_NETWORK),
    "twine": Family(table({_PUBLISH: "upload, register", _SHELL: "check"}), other=_PUBLISH),
    "cargo": _cargo,
    "corepack": starts(_NETWORK),
    "go": Family(
        table(
            {
                _NETWORK: "get, install, mod download, mod tidy, mod vendor, work sync",
                _DELETE: "clean",
                _SHELL: "build, test, vet, fmt, list, doc, env, version, fix, tool, mod, work, bug",
            },
            run=_SHELL,
            generate=_SHELL,
        )
    ),
    "deno": Family(
        table(
            {
                _PUBLISH: "publish, deploy",
                _UNKNOWN: "eval, repl",
                _NETWORK: "install, add, cache, upgrade, jsr, outdated, vendor",
                _DELETE: "uninstall, remove, clean",
            },
            task=named_task,
        )
    ),
    "gem": Family(
        table(
            {
                _PUBLISH: "push, yank, owner, signin",
                _NETWORK: "install, update, fetch, search, outdated, sources",
                _DELETE: "uninstall, cleanup",
            }
        )
    ),
    "bundle": Family(
        table(
            {_NETWORK: "install, update, add, outdated, lock, package", _DELETE: "remove, clean"},
            exec=starts(_SHELL),
        ),
        other=_NETWORK,
    ),
    "composer": Family(
        table(
            {
                _NETWORK: "install, update, require, create-project, global, outdated, "
                "search, show, audit, "
                "self-update",
                _DELETE: "remove, clear-cache",
                _SHELL: "dump-autoload, validate, check",
            },
            run=task,
            exec=starts(_SHELL),
        )
        | {"run-script": task},
        other=_UNKNOWN,
    ),
    "dotnet": Family(
        table(
            {
                _PUBLISH: "nuget push, nuget delete",
                _NETWORK: "restore, add, tool, workload, new, nuget",
                _DELETE: "clean, remove",
                _SHELL: "build, test, run, format, list, sln, publish, pack",
            }
        )
    ),
    "nuget": Family(table({_PUBLISH: "push, delete"}), other=_NETWORK),
    **dict.fromkeys(_TASK_RUNNERS.split(), task),
    **dict.fromkeys(_RUNNERS.split(), _runner),
}
