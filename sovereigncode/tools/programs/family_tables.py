"""What the sub-commands of package managers, forges, containers and clouds do."""

from __future__ import annotations

from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, strictest
from sovereigncode.tools.programs.families import Does, Family, named_task, starts, task
from sovereigncode.tools.shell.syntax import Word

_SHELL, _NETWORK, _DELETE = ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE
_COMMIT, _PUBLISH, _UNKNOWN = ToolClass.COMMIT, ToolClass.PUBLISH, ToolClass.UNKNOWN


def _table(rows: Mapping[ToolClass, str], **others: Does) -> dict[str, Does]:
    """Names separated by commas; `_` in a keyword is a blank."""
    made: dict[str, Does] = {}
    for found, names in rows.items():
        made.update((name.strip(), found) for name in names.split(",") if name.strip())
    return {**made, **{name.replace("_", " "): does for name, does in others.items()}}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


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
    return call.is_a(_NETWORK if call.args else _SHELL)


def _git_of(call: Call) -> Reading:
    words = [Word("git", "git"), *call.args]
    return call.run(words)


_NPM_OPTIONS: Final = _words(
    "-C --prefix -w --workspace --registry --userconfig --loglevel --tag --otp --cache --omit --include --script-shell"
)
_NPM: Final = Family(
    _table(
        {
            _PUBLISH: "publish, unpublish, deprecate, undeprecate, dist-tag, owner, access, team, hook, org, profile, "
            "token, star, unstar, stage, trust",
            _COMMIT: "version",
            _DELETE: "uninstall, un, remove, rm, r, unlink, prune, cache",
            _NETWORK: "install, i, in, ins, inst, insta, instal, isnt, isnta, isntal, isntall, add, ci, clean-install, "
            "ic, install-clean, isntall-clean, install-test, it, install-ci-test, cit, sit, update, up, upgrade, udpate, "
            "outdated, audit, view, info, show, v, search, s, se, find, ping, whoami, login, adduser, add-user, logout, "
            "fund, doctor, diff, docs, home, bugs, issues, repo, dedupe, ddp, link, ln, stars",
            _SHELL: "pack, rebuild, rb, ls, list, la, ll, help, help-search, root, prefix, bin, explain, why, query, sbom, "
            "pkg, shrinkwrap, completion, config, c, get, set, install-scripts, edit, explore",
        },
        run=named_task, rum=named_task, urn=named_task, test=_SHELL, t=_SHELL, tst=_SHELL, start=_SHELL, stop=_SHELL,
        restart=_SHELL, exec=_npx, x=_npx, init=_create, create=_create, innit=_create,
    )
    | {"run-script": named_task},
    valued=_NPM_OPTIONS,
    flags=_words("-s --silent --quiet -q -g --global --yes -y --json --dry-run"),
    prefixes=True,
)  # fmt: skip
_YARN: Final = Family(
    _table(
        {
            _PUBLISH: "publish, npm publish, npm tag, npm logout, npm login, owner, tag, team, access",
            _COMMIT: "version",
            _DELETE: "remove, unlink, cache, autoclean, workspaces focus",
            _NETWORK: "install, add, upgrade, upgrade-interactive, up, import, outdated, audit, info, login, logout, npm, "
            "global, set, plugin, dedupe, link",
            _SHELL: "pack, list, why, config, bin, check, licenses, versions, help, rebuild, node, constraints, patch",
        },
        run=named_task, test=_SHELL, start=_SHELL, exec=starts(_SHELL), dlx=_npx, create=_create, init=_create,
        workspaces=task,
    ),
    valued=_words("--cwd --registry"),
)  # fmt: skip


def _yarn(call: Call) -> Reading:
    """yarn; a word that is not one of its commands is a task of package.json, or a program."""
    if call.args and call.args[0].exact == "workspace":
        return _yarn(Call(call.what, call.args[2:], call.context))
    return strictest([_YARN(call), named_task(call)] if call.args else [call.is_a(_NETWORK)])


_PNPM: Final = Family(
    {
        **_table(
            {
                _PUBLISH: "publish, owner, dist-tag, access, team, unpublish, deprecate, deploy",
                _COMMIT: "version",
                _DELETE: "remove, rm, uninstall, un, unlink, prune, store, cache, clean, purge",
                _NETWORK: "install, i, add, update, up, upgrade, import, fetch, outdated, audit, info, view, link, ln, "
                "dedupe, env, runtime, self-update, setup, server, search, login, logout, whoami, install-test, it, ci",
                _SHELL: "pack, list, ls, la, ll, why, licenses, rebuild, rb, root, bin, config, c, help, patch, "
                "patch-commit, doctor, approve-builds",
            },
            run=named_task, test=_SHELL, t=_SHELL, start=_SHELL, exec=starts(_SHELL), dlx=_npx, create=_create, init=_SHELL,
        ),
        "run-script": named_task,
    },
    valued=_words("-C --dir --filter -F --reporter --registry"),
    flags=_words("-r --recursive -w --workspace-root -s --silent"),
    programs=False,
)  # fmt: skip


def _pnpm(call: Call) -> Reading:
    return strictest([_PNPM(call), named_task(call)])


_BUN: Final = Family(
    _table(
        {
            _PUBLISH: "publish",
            _DELETE: "remove, rm, unlink",
            _NETWORK: "install, i, add, a, update, outdated, audit, info, link, upgrade, create, c, patch, pm cache",
            _SHELL: "build, init, test, pm, why, repl",
        },
        run=named_task, x=_npx,
    )
)  # fmt: skip
_PIP: Final = Family(
    _table({
        _NETWORK: "install, download, wheel, search, index, lock",
        _DELETE: "uninstall, cache purge, cache remove",
        _SHELL: "list, show, freeze, check, config, cache, debug, inspect, hash, help, completion",
    }),
    valued=_words("--python --proxy --log --cache-dir"),
    other=_NETWORK,
)  # fmt: skip
_UV: Final = Family(
    {
        **_table(
            {
                _PUBLISH: "publish",
                _DELETE: "remove, cache clean, cache prune, pip uninstall, tool uninstall, python uninstall",
                _NETWORK: "sync, lock, add, pip, pip install, pip sync, pip compile, tool, tool install, tool upgrade, "
                "python, python install, self, self update, build, venv, export, auth",
                _SHELL: "pip list, pip show, pip freeze, pip check, pip tree, tree, version, cache, cache dir, tool list, "
                "tool dir, python list, python find, python dir, init, help, format",
            },
            run=starts(_NETWORK, "-p --python --with --extra --group --directory --project --package -C --env-file"),
            tool_run=_npx,
        )
    },
    valued=_words("--directory --project --config-file --cache-dir --color -p --python"),
)  # fmt: skip
_POETRY: Final = Family(
    _table(
        {
            _PUBLISH: "publish",
            _DELETE: "remove, cache, env remove",
            _NETWORK: "install, add, update, lock, search, sync, self, source",
            _SHELL: "build, check, show, env, version, config, export, init, new, about, shell, list, help, debug",
        },
        run=starts(_SHELL),
    ),
    valued=_words("-C --directory -P --project"),
    other=_UNKNOWN,
)  # fmt: skip
_CARGO: Final = Family(
    _table(
        {
            _PUBLISH: "publish, yank, owner, login, logout, release",
            _DELETE: "clean, uninstall, remove, rm",
            _NETWORK: "install, fetch, add, update, search, info, generate-lockfile, vendor, binstall, audit, outdated",
        },
    ),
    valued=_words("--color --config -C -Z"),
)  # fmt: skip
_GH: Final = Family(
    {
        **_table({
            _NETWORK: "pr list, pr view, pr status, pr diff, pr checks, pr checkout, issue list, issue view, issue status, "
            "release list, release view, release download, release verify, repo view, repo list, repo clone, run list, "
            "run view, run watch, run download, workflow list, workflow view, gist list, gist view, gist clone, search, "
            "status, browse, auth status, label list, cache list, secret list, variable list, ruleset, org, project list, "
            "project view, codespace list, attestation verify",
            _SHELL: "help, completion, version, config, config get, config list",
            _DELETE: "cache delete",
            _UNKNOWN: "alias, extension, ext, copilot, codespace ssh, codespace, auth token, auth",
            _PUBLISH: "pr, issue, release, repo, run, workflow, gist, label, cache, secret, variable, project, ssh-key, "
            "gpg-key, attestation, release create, release upload, release edit, release delete, agent-task, preview",
        }),
    },
    valued=_words("-R --repo --hostname"),
    other=_UNKNOWN,
)  # fmt: skip


def _gh_api(call: Call) -> Reading:
    """`gh api` reads, unless a method, a field or a body is given."""
    from sovereigncode.tools.programs.options import has

    sends = has(call.args, "XfF", "method", "field", "raw-field", "input") or "graphql" in str(call.args[:1])
    return call.is_a(_PUBLISH if sends else _NETWORK)


_DOCKER_NAMES: Final = {
    _PUBLISH: "push, image push, manifest push, plugin push, compose push, buildx imagetools, trust, manifest, login",
    _DELETE: "rm, rmi, container rm, container prune, image rm, image prune, volume rm, volume prune, network rm, "
    "network prune, system prune, builder prune, compose down, compose rm, kill, stack rm, service rm, secret rm, "
    "config rm, context rm, buildx rm, buildx prune",
    _NETWORK: "pull, build, buildx, buildx build, buildx bake, image pull, image build, compose pull, compose build, "
    "compose up, compose create, compose watch, search, logout, run, create, container run, container create, compose run, "
    "compose, container, image, network, volume, system, builder, plugin, stack, service, swarm, node, secret, config, "
    "context, scout, debug, compose start, compose restart, start, restart",
    _SHELL: "ps, images, logs, inspect, version, info, top, stats, port, diff, history, events, compose ps, compose logs, "
    "compose config, container ls, container list, container logs, container inspect, image ls, image inspect, "
    "image history, network ls, network inspect, volume ls, volume inspect, system df, system info, context ls, "
    "context show, stop, compose stop, wait, compose version, compose ls, cp, save, load, export, import, tag, image tag",
}
_DOCKER: Final = Family(
    _table(
        _DOCKER_NAMES,
        exec=starts(_SHELL, "-e --env -u --user -w --workdir --env-file", "-i -t -it -d", skip=1),
        container_exec=starts(_SHELL, "-e --env -u --user -w --workdir", "-i -t -it -d", skip=1),
        compose_exec=starts(_SHELL, "-e --env -u --user -w --workdir --index", "-T -d", skip=1),
        run=starts(_NETWORK, "-e -v -p -w -u --name --env --volume --network --user --workdir --entrypoint", "-i -t -it --rm -d", skip=1),
        commit=_SHELL,
    ),
    valued=_words("-H --host --context -c --config -l --log-level -f --file --profile --project-name --env-file"),
    other=_NETWORK,
)  # fmt: skip
_KUBECTL: Final = Family(
    _table(
        {
            _NETWORK: "get, describe, logs, top, explain, version, api-resources, api-versions, cluster-info, diff, wait, "
            "auth, events, port-forward, config view, config current-context, config get-contexts, rollout status",
            _DELETE: "delete, drain, evict",
            _SHELL: "completion, kustomize, help",
            _UNKNOWN: "plugin",
        },
        exec=starts(_PUBLISH, "-n --namespace -c --container", "-i -t -it", skip=1),
    ),
    valued=_words("-n --namespace --context --kubeconfig -s --server --cluster --user"),
    other=_PUBLISH,
)  # fmt: skip


def _cloud(call: Call) -> Reading:
    """A cloud's client: a word such as `list` or `describe` reads; everything else changes what others see."""
    words = [word.exact for word in call.args if not word.start.startswith("-")]
    if any(word is None for word in words):
        return call.unknown("what it does is known only when it runs")
    reading = (
        "list",
        "describe",
        "get",
        "show",
        "ls",
        "tail",
        "logs",
        "whoami",
        "help",
        "version",
        "head",
        "info",
        "status",
    )
    second = words[1:3] if len(words) > 1 else words
    if any(word and word.split("-")[0] in reading for word in second) or words[:1] in (["version"], ["help"]):
        return call.is_a(_NETWORK)
    deleting = any(
        word and word.split("-")[0] in ("delete", "rm", "rb", "remove", "terminate") for word in words
    )
    return (
        call.is_a(_DELETE).__add__(call.is_a(_PUBLISH))
        if deleting
        else call.is_a(_PUBLISH if words else _SHELL)
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
        _table({_NETWORK: "install, upgrade, upgrade-all, inject, reinstall, ensurepath", _DELETE: "uninstall, uninject",
                _SHELL: "list, environment"}, run=_npx), other=_NETWORK),
    "poetry": _POETRY,
    "pdm": Family(_table({_PUBLISH: "publish, release", _DELETE: "remove, cache", _NETWORK: "install, add, update, sync, lock"},
                         run=starts(_SHELL)), other=_NETWORK),
    "hatch": Family(_table({_PUBLISH: "publish, release", _DELETE: "clean", _SHELL: "build, test, version, fmt, new, status"},
                           run=task), other=_NETWORK),
    "rye": Family(_table({_PUBLISH: "publish"}, run=starts(_SHELL)), other=_NETWORK),
    "flit": Family(_table({_PUBLISH: "publish", _NETWORK: "install", _SHELL: "build, init"}), other=_UNKNOWN),
    "pipenv": Family(_table({_DELETE: "uninstall, clean"}, run=starts(_SHELL)), other=_NETWORK),
    "twine": Family(_table({_PUBLISH: "upload, register", _SHELL: "check"}), other=_PUBLISH),
    "cargo": _CARGO,
    "gh": Family({**_GH.commands, "api": _gh_api}, _GH.valued, other=_UNKNOWN),
    "glab": Family(_table({_NETWORK: "mr list, mr view, mr diff, issue list, issue view, repo view, repo clone, ci list, "
                           "ci view, ci status, ci trace, release list, release view"}), other=_PUBLISH),
    "hub": Family({**_table({_PUBLISH: "push, release, pull-request, create, fork, delete, api"})}, other=_UNKNOWN),
    "docker": _DOCKER,
    "podman": _DOCKER,
    "nerdctl": _DOCKER,
    "docker-compose": Family(
        {key.removeprefix("compose "): does for key, does in _DOCKER.commands.items() if key.startswith("compose ")},
        valued=_DOCKER.valued, other=_NETWORK),
    "kubectl": _KUBECTL,
    "oc": _KUBECTL,
    "helm": Family(_table({_NETWORK: "repo, search, pull, show, list, status, get, history, dependency", _DELETE: "uninstall",
                           _SHELL: "lint, template, create, version, package, env"}), other=_PUBLISH),
    "terraform": Family(_table({_SHELL: "fmt, validate, version, graph, output, console, show",
                                _NETWORK: "init, plan, get, providers, refresh"}), other=_PUBLISH),
    "tofu": Family(_table({_SHELL: "fmt, validate, version, show, output", _NETWORK: "init, plan, get"}), other=_PUBLISH),
    "pulumi": Family(_table({_NETWORK: "preview, whoami", _SHELL: "version, about"}), other=_PUBLISH),
    **dict.fromkeys(("aws", "gcloud", "gsutil", "az", "doctl", "flyctl", "fly", "heroku", "ibmcloud", "oci"), _cloud),
    "go": Family(_table({_NETWORK: "get, install, mod download, mod tidy, mod vendor, work sync", _DELETE: "clean",
                         _SHELL: "build, test, vet, fmt, list, doc, env, version, fix, tool, mod, work, bug"},
                        run=_SHELL, generate=_SHELL)),
    "deno": Family(_table({_PUBLISH: "publish, deploy", _UNKNOWN: "eval, repl", _NETWORK: "install, add, cache, upgrade, jsr, "
                           "outdated, vendor", _DELETE: "uninstall, remove, clean"}, task=named_task)),
    "gem": Family(_table({_PUBLISH: "push, yank, owner, signin", _NETWORK: "install, update, fetch, search, outdated, sources",
                          _DELETE: "uninstall, cleanup"})),
    "bundle": Family(_table({_NETWORK: "install, update, add, outdated, lock, package", _DELETE: "remove, clean"},
                            exec=starts(_SHELL)), other=_NETWORK),
    "composer": Family(_table({_NETWORK: "install, update, require, create-project, global, outdated, search, show, audit, "
                               "self-update", _DELETE: "remove, clear-cache", _SHELL: "dump-autoload, validate, check"},
                              run=task, exec=starts(_SHELL)) | {"run-script": task}, other=_UNKNOWN),
    "dotnet": Family(_table({_PUBLISH: "nuget push, nuget delete", _NETWORK: "restore, add, tool, workload, new, nuget",
                             _DELETE: "clean, remove", _SHELL: "build, test, run, format, list, sln, publish, pack"})),
    "nuget": Family(_table({_PUBLISH: "push, delete"}), other=_NETWORK),
    "mvn": task, "mvnw": task, "gradle": task, "gradlew": task, "ant": task, "sbt": task, "lein": task, "mill": task,
    "make": task, "gmake": task, "nmake": task, "ninja": task, "just": task, "task": task, "rake": task, "invoke": task,
    "inv": task, "fab": task, "nox": task, "tox": task, "poe": task, "doit": task, "gulp": task, "grunt": task,
    "turbo": task, "nx": task, "lerna": task, "rush": task, "mage": task, "bazel": task, "mix": task, "rebar3": task,
    "conda": Family(_table({_DELETE: "remove, uninstall, clean", _SHELL: "list, info, activate, deactivate, env list, config"},
                           run=starts(_SHELL, "-n --name -p --prefix")), other=_NETWORK),
    "hg": Family(_table({_PUBLISH: "push", _COMMIT: "commit, ci, tag, merge, graft, backout, amend, histedit, rebase",
                         _NETWORK: "pull, clone, incoming, outgoing", _DELETE: "purge, strip, revert, rollback",
                         _SHELL: "status, st, log, diff, add, update, up, branches, heads, id, identify, summary, cat, files"}),
                 valued=_words("-R --repository --cwd"), other=_UNKNOWN, prefixes=True),
    "svn": Family(_table({_PUBLISH: "commit, ci, import, copy, cp, mkdir, lock, propset",
                          _NETWORK: "checkout, co, update, up, log, list, ls, export, info, blame, cat",
                          _DELETE: "revert, cleanup, delete, rm", _SHELL: "status, st, diff, add"}), other=_UNKNOWN),
    "jj": Family(_table({_PUBLISH: "git push", _NETWORK: "git fetch, git clone",
                         _SHELL: "status, st, log, diff, show", _DELETE: "abandon"}), other=_COMMIT),
    "vercel": Family(_table({_NETWORK: "ls, list, logs, inspect, whoami, env, link", _SHELL: "dev, build"}), other=_PUBLISH),
    "netlify": Family(_table({_SHELL: "dev, build", _NETWORK: "status, link, login"}), other=_PUBLISH),
    "wrangler": Family(_table({_SHELL: "dev, types", _NETWORK: "tail, whoami, login"}), other=_PUBLISH),
    "firebase": Family(_table({_SHELL: "emulators:start, serve", _NETWORK: "login, use"}), other=_PUBLISH),
    "semantic-release": _PUBLISH, "release-it": _PUBLISH, "np": _PUBLISH, "standard-version": _COMMIT,
    "goreleaser": Family(_table({_SHELL: "check, build, init"}), other=_PUBLISH),
    "changeset": Family(_table({_PUBLISH: "publish, tag", _SHELL: "add, status, init, version"})),
    "vsce": Family(_table({_SHELL: "package, ls"}), other=_PUBLISH),
    "ovsx": _PUBLISH,
    "pre-commit": Family(_table({_NETWORK: "run, install, autoupdate, install-hooks", _DELETE: "clean, gc, uninstall"})),
    "cz": Family(_table({_COMMIT: "commit, c, bump"})),
    "act": _NETWORK,
}  # fmt: skip
