"""The changes of `init`, as one value that the preview and the writing both use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Mapping, Sequence

from foundation.errors import Refusal, Where
from foundation.files import reading
from foundation.files.links import require_within
from foundation.files.snapshot import Snapshot
from opencode_config import jsonc, schema_line
from opencode_config.jsonc.operations import Set
from opencode_config.places import JSON_NAMES
from sovereigncode import gateway_provider as provider
from sovereigncode import permissions
from sovereigncode.commands.init import texts
from sovereigncode.commands.init.answers import Answers, Options
from sovereigncode.core.words import ToolClass, ToolRule
from sovereigncode.workspace import CAPSULE, POLICY, Workspace

_CONFIG_LIMIT: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class FileChange:
    """One file: what it was (None: there was none) and what it becomes; `operations` for an edit by keys."""

    snapshot: Snapshot
    before: str | None
    after: str
    operations: tuple[Set, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it is written at all."""
        return self.before != self.after


@dataclass(frozen=True)
class Plan:
    """Every file in the order in which it is written, and what opencode must say afterwards."""

    files: tuple[FileChange, ...]
    wanted: Mapping[str, Any]
    tools: Mapping[ToolClass, ToolRule]

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """The files that are written."""
        return tuple(file for file in self.files if file.changed)


def make(
    answers: Answers,
    options: Options,
    workspace: Workspace,
    configs: Sequence[Config],
    resolved: Mapping[str, Any],
) -> Plan:
    """The plan; `configs` are the project's opencode.json and .jsonc.

    `resolved` is what opencode makes of all its configs before the change. Raises Refusal config_invalid with
    the place for a config that cannot be edited.
    """
    config, tools, wanted = _config(answers, configs, resolved)
    capsule, policy = (_snapshot(workspace, name) for name in (CAPSULE, POLICY))
    files = [_capsule(answers, options, capsule)]
    if policy.data is None:
        files.append(FileChange(policy, None, texts.policy(answers, tools)))
    else:
        # A policy that is there is the organisation's.
        files.append(FileChange(policy, policy.data.decode(), policy.data.decode()))
        tools = {name: workspace.policy.tools[name] for name in tools} if workspace.policy else {}
    return Plan((*files, config), wanted, tools)


@dataclass(frozen=True)
class Config:
    """One of the project's configs, as it was read."""

    file: Snapshot
    document: jsonc.Document


def read_configs(root: Path) -> tuple[Config, ...]:
    """The project's opencode.json and opencode.jsonc, low to high.

    Raises Refusal config_invalid with the place, unsafe_link for a link out of the project, unreadable.
    """
    found = []
    for name in JSON_NAMES:
        path = root / name
        snapshot = reading.read_snapshot(path, limit=_CONFIG_LIMIT)
        require_within(path, Path(snapshot.real), root)
        try:
            document = jsonc.parse(jsonc.decode(snapshot.data or b""))
        except jsonc.JsoncError as problem:
            raise _invalid(snapshot, problem) from None
        found.append(Config(snapshot, document))
    return tuple(found)


def _snapshot(workspace: Workspace, name: str) -> Snapshot:
    path = workspace.folder / name
    return next((file for file in workspace.files if file.path == path), Snapshot(path, path, None))


def _capsule(answers: Answers, options: Options, file: Snapshot) -> FileChange:
    """A new capsule, or the old one with only what options change."""
    if file.data is None:
        return FileChange(file, None, texts.capsule(answers))
    before = file.data.decode()
    operations = []
    if options.sensitivity is not None:
        operations.append(Set(("sensitivity",), answers.sensitivity))
    if options.jurisdiction is not None:
        operations.append(Set(("jurisdiction",), answers.jurisdiction))
    if options.purposes:
        operations.append(Set(("allowed_purposes",), list(answers.purposes)))
    after = jsonc.apply(jsonc.parse(before), operations).text
    return FileChange(file, before, after, tuple(operations))


def _config(
    answers: Answers, configs: Sequence[Config], resolved: Mapping[str, Any]
) -> tuple[FileChange, dict[ToolClass, ToolRule], Mapping[str, Any]]:
    entry = provider.entry(key=answers.key, tenant=answers.tenant, capsule=answers.capsule_id)
    target = _target(configs)
    file, document = target.file, target.document
    operations = provider.operations(entry)
    if file.data is None:
        operations.insert(0, Set((schema_line.KEY,), schema_line.URL))
    own = document.value.get("permission")
    effective = resolved.get("permission")
    added = permissions.additions(own, effective)
    # The other of the two files counts too: what is missing here may be there.
    others = [
        one.document.value["permission"]
        for one in configs
        if one is not target and "permission" in one.document.value
    ]
    if any(not isinstance(one, dict) for one in others):
        added = []
    added = [one for one in added if not any(one.path[-1] in other for other in others)]
    operations += added
    try:
        after = jsonc.apply(document, operations).text
    except jsonc.JsoncError as problem:
        raise _invalid(file, problem) from None
    tools = permissions.tools(permissions.merged(effective, added), resolved.get("agent"))
    before = None if file.data is None else document.text
    return FileChange(file, before, after, tuple(operations)), tools, entry


def _target(configs: Sequence[Config]) -> Config:
    """The file that has the provider already, else the one that counts more, else a new opencode.json."""
    for config in reversed(configs):
        if config.document.find(("provider", provider.ID)) is not None:
            return config
    return next((one for one in reversed(configs) if one.file.exists), configs[0])


def _invalid(file: Snapshot, problem: jsonc.JsoncError) -> Refusal:
    return Refusal(
        "config_invalid",
        f"opencode would refuse this config: {problem.reason}",
        where=Where(str(file.path), problem.line, problem.column),
        next_step="correct this place, then run this command again",
    )
