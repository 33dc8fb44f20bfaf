"""init: look around, ask, show the whole file, ask once, write it, and show two keys once."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.errors import Declined, Refusal, Where
from foundation.host import Host
from foundation.program import Report
from foundation.secrets import Secret
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import style, visible
from marama_route import config_file, places
from marama_route.commands import new_keys
from marama_route.commands.init import looking, runtimes, texts
from marama_route.commands.init.looking import Answering
from marama_route.commands.init.texts import Start
from marama_route.core import config as configs
from marama_route.core import keys
from marama_route.core.errors import Exit
from marama_route.core.keys import Key, Role
from sovereigncode import gateway_provider, shown, workspace
from sovereigncode.approvals.watching import coloured
from sovereigncode.core.capsule import IDENTIFIER, NAME
from sovereigncode.ui.questions import Questions, questions

JURISDICTION: Final = "NZ"
TENANT: Final = "local"
_SHOWN_ONCE: Final = "These keys are shown only now; the configuration has only their hashes."


@dataclass(frozen=True)
class _Made:
    client: Secret
    approver: Secret

    @property
    def kept(self) -> tuple[Key, ...]:
        """What the configuration keeps."""
        return (
            Key(keys.hash_of(self.client), Role.CLIENT),
            Key(keys.hash_of(self.approver), Role.APPROVER),
        )


def run(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    """Write a starting configuration. Raises Refusal, and then nothing was changed."""
    for name, value in (("jurisdiction", arguments.jurisdiction), ("tenant", arguments.tenant)):
        _require(name, value)
    path = places.config_file(host, arguments.config)
    folders = _workspaces(arguments.workspace or [], host)
    file = config_file.read(path)
    asking = questions(terminal, yes=arguments.yes)
    with terminal.progress("looking for model runtimes on this machine"):
        answering = looking.look(runtimes.RUNTIMES)
    made = _Made(new_keys.new(), new_keys.new())
    start = Start(
        tenant=arguments.tenant or asking.text("tenant", "What is this organisation called?", TENANT, _name),
        jurisdiction=arguments.jurisdiction
        or asking.text("jurisdiction", "In which region is this machine?", JURISDICTION, _region),
        keys=made.kept,
        workspaces=folders,
        answering=answering,
        gonkagate_key=_gonkagate_key(host),
    )
    text = texts.configuration(start)
    config, mistakes = configs.read(text.encode(), str(path))
    if config is None:
        raise RuntimeError(f"the new configuration is not valid: {len(mistakes)} mistakes")
    _consent(file.snapshot.data, text, path, asking)
    copy = _copy(path, host) if file.snapshot.exists else None
    with config_file.locked(host):
        config_file.replace(file.snapshot, text.encode(), copy=copy)
    return _report(path, copy, start, made, len(config.registry.models))


def _consent(before: bytes | None, text: str, path: Path, asking: Questions) -> None:
    old = None if before is None else before.decode("utf-8", "replace")
    preview = coloured(shown.diff(old, text, str(path)))
    if before is None:
        agreed = asking.confirm("Write this file?", f"\n{preview}")
    else:
        warning = style("This replaces the configuration that is there; its keys stop working.", "warning")
        agreed = asking.confirm("Replace the file?", f"\n{preview}\n{warning}", default=False)
    if not agreed:
        raise Declined("Nothing was written")


def _workspaces(named: list[str], host: Host) -> tuple[str, ...]:
    """The folders of --workspace, and the current one if it is a workspace."""
    found = []
    for name in named:
        folder = host.cwd / places.expanded(name, host)
        if not folder.is_dir():
            raise Refusal(
                "usage_error",
                "--workspace does not name a folder",
                where=Where(name),
                next_step="name a project's folder that exists",
            )
        found.append(str(folder.resolve()))
    if (workspace.folder_of(host.cwd) / workspace.CAPSULE).is_file():
        found.append(str(host.cwd.resolve()))
    return tuple(dict.fromkeys(found))


def _gonkagate_key(host: Host) -> str | None:
    """The key's file, if it is there. It is not opened."""
    return f"~/{'/'.join(places.GONKAGATE_KEY)}" if places.gonkagate_key(host).is_file() else None


def _copy(path: Path, host: Host) -> Path:
    return path.with_name(f"{path.name}.bak-{host.now().strftime('%Y%m%dT%H%M%SZ')}")


def _name(text: str) -> str | None:
    right = "Please use letters, digits, dots, colons, underscores and hyphens, at most 128."
    return right if [*IDENTIFIER.problems(text)] else None


def _region(text: str) -> str | None:
    return "Please use a short name of a region, for example NZ." if [*NAME.problems(text)] else None


def _require(name: str, value: str | None) -> None:
    wrong = None if value is None else (_name if name == "tenant" else _region)(value)
    if wrong is not None:
        raise Refusal(
            "usage_error", f"invalid value for --{name}", next_step=wrong.removeprefix("Please ").rstrip(".")
        )


def _report(path: Path, copy: Path | None, start: Start, made: _Made, models: int) -> Report:
    lines = [f"The configuration is {path}."]
    if copy is not None:
        lines.append(f"What was there before is {copy}.")
    lines += [*_found(start.answering, start.gonkagate_key is not None), ""]
    lines += [
        f"client key, for opencode and other programs: {made.client.reveal()}",
        f"approver key, for people who decide about tool calls: {made.approver.reveal()}",
        _SHOWN_ONCE,
        "",
        *_next(start, models),
    ]
    details = {
        "file": str(path),
        "replaced": None if copy is None else str(copy),
        "keys": {
            "client": {"key": made.client.reveal(), "hash": made.kept[0].hash},
            "approver": {"key": made.approver.reveal(), "hash": made.kept[1].hash},
        },
        "tenant": start.tenant,
        "workspaces": list(start.workspaces),
        "found": [
            {"runtime": one.runtime.name, "base_url": one.runtime.base_url, "models": one.names}
            for one in start.answering
        ],
        "gonkagate_key": start.gonkagate_key is not None,
    }
    return Report("init", Exit.DONE, f"{path} written", "\n".join(lines), details)


def _found(answering: tuple[Answering, ...], gonkagate: bool) -> list[str]:
    lines = [
        f"{one.runtime.title} answers at {one.runtime.base_url}; it has "
        + (", ".join(map(visible, one.names)) or "no models")
        + "."
        for one in answering
    ]
    if gonkagate:
        lines.append("gonkagate-setup has stored a key, so GonkaGate's models are there too, with tier 0.")
    missing = [one.title for one in runtimes.RUNTIMES if one.name not in {a.runtime.name for a in answering}]
    if missing:
        lines.append(f"Nothing answers at the ports of {', '.join(missing)}.")
    return lines


def _next(start: Start, models: int) -> list[str]:
    steps = []
    if not models:
        steps.append("start a model runtime, then run `marama-route init` again; or add models to the file")
    steps.append(f"export {_variable()}, set to the client key, for opencode")
    if not start.workspaces:
        steps.append("run `sovereigncode init` in a project's folder, and add that folder to `workspaces`")
    return [f"next: {step}" for step in (*steps, "marama-route check", "marama-route serve")]


def _variable() -> str:
    return gateway_provider.KEY.removeprefix("{env:").removesuffix("}")
