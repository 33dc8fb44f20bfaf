"""Forges, containers, clouds and version control other than git: what their sub-commands do."""

from __future__ import annotations

from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass
from sovereigncode.tools.programs.calls import Call
from sovereigncode.tools.programs.families import Does, Family, starts, table, words

_SHELL, _NETWORK, _DELETE = ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE
_COMMIT, _PUBLISH, _UNKNOWN = ToolClass.COMMIT, ToolClass.PUBLISH, ToolClass.UNKNOWN

_GH: Final = Family(
    {
        **table({
            _NETWORK: "pr list, pr view, pr status, pr diff, pr checks, pr checkout, issue list, issue "
            "view, issue status, "
            "release list, release view, release download, release verify, repo view, repo list, repo "
            "clone, run list, "
            "run view, run watch, run download, workflow list, workflow view, gist list, gist view, gist "
            "clone, search, "
            "status, browse, auth status, label list, cache list, secret list, variable list, ruleset, "
            "org, project list, "
            "project view, codespace list, attestation verify",
            _SHELL: "help, completion, version, config, config get, config list",
            _DELETE: "cache delete",
            _UNKNOWN: "alias, extension, ext, copilot, codespace ssh, codespace, auth token, auth",
            _PUBLISH: "pr, issue, release, repo, run, workflow, gist, label, cache, secret, variable, "
            "project, ssh-key, "
            "gpg-key, attestation, release create, release upload, release edit, release delete, "
            "agent-task, preview",
        }),
    },
    valued=words("-R --repo --hostname"),
    other=_UNKNOWN,
)  # fmt: skip


def _gh_api(call: Call) -> Reading:
    """`gh api` reads, unless a method, a field or a body is given."""
    from sovereigncode.tools.programs.options import has

    sends = has(call.args, "XfF", "method", "field", "raw-field", "input") or "graphql" in str(call.args[:1])
    return call.is_a(_PUBLISH if sends else _NETWORK)


_DOCKER_NAMES: Final = {
    _PUBLISH: "push, image push, manifest push, plugin push, compose push, buildx imagetools, trust, "
    "manifest, login",
    _DELETE: "rm, rmi, container rm, container prune, image rm, image prune, volume rm, volume prune, "
    "network rm, "
    "network prune, system prune, builder prune, compose down, compose rm, kill, stack rm, service rm, "
    "secret rm, "
    "config rm, context rm, buildx rm, buildx prune",
    _NETWORK: "pull, build, buildx, buildx build, buildx bake, image pull, image build, compose pull, "
    "compose build, "
    "compose up, compose create, compose watch, search, logout, run, create, container run, container "
    "create, compose run, "
    "compose, container, image, network, volume, system, builder, plugin, stack, service, swarm, node, "
    "secret, config, "
    "context, scout, debug, compose start, compose restart, start, restart",
    _SHELL: "ps, images, logs, inspect, version, info, top, stats, port, diff, history, events, compose "
    "ps, compose logs, "
    "compose config, container ls, container list, container logs, container inspect, image ls, image "
    "inspect, "
    "image history, network ls, network inspect, volume ls, volume inspect, system df, system info, "
    "context ls, "
    "context show, stop, compose stop, wait, compose version, compose ls, cp, save, load, export, import, "
    "tag, image tag",
}
_RUN_OPTIONS: Final = "-e -v -p -w -u --name --env --volume --network --user --workdir --entrypoint"
_DOCKER: Final = Family(
    table(
        _DOCKER_NAMES,
        exec=starts(_SHELL, "-e --env -u --user -w --workdir --env-file", "-i -t -it -d", skip=1),
        container_exec=starts(_SHELL, "-e --env -u --user -w --workdir", "-i -t -it -d", skip=1),
        compose_exec=starts(_SHELL, "-e --env -u --user -w --workdir --index", "-T -d", skip=1),
        run=starts(_NETWORK, _RUN_OPTIONS, "-i -t -it --rm -d", skip=1),
        commit=_SHELL,
    ),
    valued=words("-H --host --context -c --config -l --log-level -f --file --profile --project-name "
    "--env-file"),
    other=_NETWORK,
)  # fmt: skip
_KUBECTL: Final = Family(
    table(
        {
            _NETWORK: "get, describe, logs, top, explain, version, api-resources, api-versions, "
            "cluster-info, diff, wait, "
            "auth, events, port-forward, config view, config current-context, config get-contexts, rollout "
            "status",
            _DELETE: "delete, drain, evict",
            _SHELL: "completion, kustomize, help",
            _UNKNOWN: "plugin",
        },
        exec=starts(_PUBLISH, "-n --namespace -c --container", "-i -t -it", skip=1),
    ),
    valued=words("-n --namespace --context --kubeconfig -s --server --cluster --user"),
    other=_PUBLISH,
)  # fmt: skip


def _cloud(call: Call) -> Reading:
    """A cloud's client: `list`, `describe` and the like read; all else changes what others see."""
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
    "gh": Family({**_GH.commands, "api": _gh_api}, _GH.valued, other=_UNKNOWN),
    "glab": Family(
        table(
            {
                _NETWORK: "mr list, mr view, mr diff, issue list, issue view, repo view, repo "
                "clone, ci list, "
                "ci view, ci status, ci trace, release list, release view"
            }
        ),
        other=_PUBLISH,
    ),
    "hub": Family(
        {**table({_PUBLISH: "push, release, pull-request, create, fork, delete, api"})}, other=_UNKNOWN
    ),
    "docker": _DOCKER,
    "podman": _DOCKER,
    "nerdctl": _DOCKER,
    "docker-compose": Family(
        {
            key.removeprefix("compose "): does
            for key, does in _DOCKER.commands.items()
            if key.startswith("compose ")
        },
        valued=_DOCKER.valued,
        other=_NETWORK,
    ),
    "kubectl": _KUBECTL,
    "oc": _KUBECTL,
    "helm": Family(
        table(
            {
                _NETWORK: "repo, search, pull, show, list, status, get, history, dependency",
                _DELETE: "uninstall",
                _SHELL: "lint, template, create, version, package, env",
            }
        ),
        other=_PUBLISH,
    ),
    "terraform": Family(
        table(
            {
                _SHELL: "fmt, validate, version, graph, output, console, show",
                _NETWORK: "init, plan, get, providers, refresh",
            }
        ),
        other=_PUBLISH,
    ),
    "tofu": Family(
        table({_SHELL: "fmt, validate, version, show, output", _NETWORK: "init, plan, get"}), other=_PUBLISH
    ),
    "pulumi": Family(table({_NETWORK: "preview, whoami", _SHELL: "version, about"}), other=_PUBLISH),
    **dict.fromkeys(("aws", "gcloud", "gsutil", "az", "doctl", "ibmcloud", "oci"), _cloud),
    "hg": Family(
        table(
            {
                _PUBLISH: "push",
                _COMMIT: "commit, ci, tag, merge, graft, backout, amend, histedit, rebase",
                _NETWORK: "pull, clone, incoming, outgoing",
                _DELETE: "purge, strip, revert, rollback",
                _SHELL: "status, st, log, diff, add, update, up, branches, heads, id, identify, "
                "summary, cat, files",
            }
        ),
        valued=words("-R --repository --cwd"),
        other=_UNKNOWN,
        prefixes=True,
    ),
    "svn": Family(
        table(
            {
                _PUBLISH: "commit, ci, import, copy, cp, mkdir, lock, propset",
                _NETWORK: "checkout, co, update, up, log, list, ls, export, info, blame, cat",
                _DELETE: "revert, cleanup, delete, rm",
                _SHELL: "status, st, diff, add",
            }
        ),
        other=_UNKNOWN,
    ),
    "jj": Family(
        table(
            {
                _PUBLISH: "git push",
                _NETWORK: "git fetch, git clone",
                _SHELL: "status, st, log, diff, show",
                _DELETE: "abandon",
            }
        ),
        other=_COMMIT,
    ),
    "vercel": Family(
        table({_NETWORK: "ls, list, logs, inspect, whoami, env, link", _SHELL: "dev, build"}),
        other=_PUBLISH,
        alone=_PUBLISH,
    ),
    "netlify": Family(table({_SHELL: "dev, build", _NETWORK: "status, link, login"}), other=_PUBLISH),
    "wrangler": Family(table({_SHELL: "dev, types", _NETWORK: "tail, whoami, login"}), other=_PUBLISH),
    "firebase": Family(table({_SHELL: "emulators:start, serve", _NETWORK: "login, use"}), other=_PUBLISH),
    "semantic-release": _PUBLISH,
    "release-it": _PUBLISH,
    "np": _PUBLISH,
    "standard-version": _COMMIT,
    "goreleaser": Family(table({_SHELL: "check, build, init"}), other=_PUBLISH),
    "changeset": Family(table({_PUBLISH: "publish, tag", _SHELL: "add, status, init, version"})),
    "vsce": Family(table({_SHELL: "package, ls"}), other=_PUBLISH),
    "ovsx": _PUBLISH,
    "pre-commit": Family(
        table({_NETWORK: "run, install, autoupdate, install-hooks", _DELETE: "clean, gc, uninstall"})
    ),
    "cz": Family(table({_COMMIT: "commit, c, bump"})),
    "act": _NETWORK,
}
