"""The changes of one setup as one value: preview, --dry-run and apply all use it.

Which file of a layer is written: the plain `opencode.json`, unless a sibling that outranks it holds anything
more than `$schema`, as opencode's own writer does (docs/opencode-facts.md#config-places-and-their-order).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePath
from typing import Any, Iterator, Mapping, Sequence

from foundation.errors import Refusal, Where
from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes import ownership
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.choice import Choice, Scope
from opencode_config import jsonc, schema_line
from opencode_config.jsonc.duplicates import Repeated, repeated
from opencode_config.jsonc.operations import Operation, Repair


class KeyAction(str, Enum):
    """What happens to the key file; PROTECT repairs its protection without rewriting it."""

    CREATE = "create"
    REPLACE = "replace"
    PROTECT = "protect"
    KEEP = "keep"


@dataclass(frozen=True)
class ConfigChange:
    """One config file: what it was, the operations, and its new bytes (`after`).

    `layer` is "user_config" or "project_config". `duplicates` are the keys on the way to the edited ones that
    appear more than once in the file.
    """

    snapshot: Snapshot
    layer: str
    operations: tuple[Operation, ...]
    before: str
    after: str
    duplicates: tuple[Repeated, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any byte differs."""
        return not self.snapshot.exists or self.before != self.after

    @property
    def action(self) -> str:
        """`create`, `update` or `keep`."""
        if not self.changed:
            return "keep"
        return "update" if self.snapshot.exists else "create"


@dataclass(frozen=True)
class Plan:
    """Everything that a setup will write except the setup record, in the order in which it is written.

    `joins`: a project is used in addition to the setup for every folder, which is kept. `repairs` are those
    of the edits that only remove what is in the way.
    """

    choice: Choice
    key: KeyAction
    configs: tuple[ConfigChange, ...]
    joins: bool = False
    repairs: tuple[Repair, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any byte or mode on disk would differ."""
        return self.key is not KeyAction.KEEP or any(config.changed for config in self.configs)

    @property
    def texts(self) -> dict[Any, bytes]:
        """New bytes by real path, for the prediction."""
        return {config.snapshot.real: config.after.encode() for config in self.configs}


@dataclass(frozen=True)
class _File:
    snapshot: Snapshot
    document: jsonc.Document


def build(
    profile: Profile,
    choice: Choice,
    key: KeyAction,
    user_files: Sequence[Snapshot],
    project_files: Sequence[Snapshot],
    state: State | None,
    *,
    joins: bool = False,
) -> Plan:
    """Plan a setup; `joins` as in Plan, with project scope only.

    `user_files` are the global config.json, opencode.json and opencode.jsonc, `project_files` the
    project root's opencode.json and opencode.jsonc, both low to high. Raises Refusal
    managed_config_parse_failed or managed_config_merge_failed, each with file, line and column,
    managed_config_read_only with the file.
    """
    user = _distinct([_open(snapshot) for snapshot in user_files])
    user_paths = {file.snapshot.real for file in user}
    project = _distinct([_open(shot) for shot in project_files if shot.real not in user_paths])
    if choice.scope is Scope.PROJECT and any(shot.real in user_paths for shot in project_files):
        raise Refusal(
            "project_scope_unavailable",
            "This folder's opencode.json is opencode's user config, so it cannot be a project file",
            where=Where(str(project_files[0].path)),
            next_step="choose user scope: --scope user",
        )
    owned = frozenset(
        profile.reference(key)
        for key in (choice.model.key, state.model_key if state is not None else None)
        if key is not None and not choice.available_only
    )
    changes = [
        *_user_changes(profile, choice, user, frozenset() if joins else owned),
        *_project_changes(profile, choice, project, owned),
    ]
    return Plan(choice=choice, key=key, configs=tuple(changes), joins=joins)


def _user_changes(
    profile: Profile, choice: Choice, files: Sequence[_File], stale: frozenset[str]
) -> Iterator[ConfigChange]:
    """What changes in the user's files; `stale` are the references that a setup of other scope left there."""
    target = _target(files)
    activated = choice.scope is Scope.USER and not choice.available_only
    for file in files:
        if file is not target:
            operations = ownership.outranked_operations(profile, file.document, stale)
        else:
            config = file.document.value
            operations = [
                *ownership.schema_operations(config),
                *ownership.provider_operations(profile, file.document),
                *(
                    ownership.activation_operations(config, profile.reference(choice.model.key))
                    if activated
                    else ownership.stale_activation(file.document, stale)
                ),
            ]
        yield from _change(file, "user_config", operations, file is target)


def _project_changes(
    profile: Profile, choice: Choice, files: Sequence[_File], stale: frozenset[str]
) -> Iterator[ConfigChange]:
    """What changes in the project's own files; `stale` as in _user_changes."""
    activated = choice.scope is Scope.PROJECT and not choice.available_only
    target = _target(files) if activated else None
    for file in files:
        config = file.document.value
        operations = (
            [
                *ownership.schema_operations(config),
                *ownership.activation_operations(config, profile.reference(choice.model.key)),
            ]
            if file is target
            else ownership.stale_activation(file.document, stale)
        )
        yield from _change(file, "project_config", operations, file is target)


def repaired(plan: Plan, repairs: Sequence[Repair]) -> Plan:
    """The plan with these edits on top; raises Refusal as `build`."""
    by_file: dict[PurePath, list[Repair]] = {}
    for repair in repairs:
        by_file.setdefault(repair.snapshot.real, []).append(repair)
    configs: list[ConfigChange] = []
    for config in plan.configs:
        more = by_file.pop(config.snapshot.real, [])
        operations = [*config.operations, *(repair.operation for repair in more)]
        configs += (
            _change(_open(config.snapshot), config.layer, operations, is_target=True) if more else [config]
        )
    for more in by_file.values():
        file, operations = _open(more[0].snapshot), [repair.operation for repair in more]
        configs += _change(file, more[0].layer, operations, is_target=True)
    return replace(plan, configs=tuple(configs), repairs=tuple(repairs))


def project_target(plan: Plan) -> PurePath | None:
    """The project file in which the plan names the model, None if it names none there."""
    for config in plan.configs:
        if config.layer == "project_config" and "model" in jsonc.parse(config.after).value:
            return config.snapshot.path
    return None


def _open(snapshot: Snapshot) -> _File:
    return _File(snapshot, parsed(snapshot))


def parsed(snapshot: Snapshot) -> jsonc.Document:
    """The config in a snapshot; Refusal managed_config_parse_failed with file, line and column."""
    try:
        return jsonc.parse(jsonc.decode(snapshot.data or b""))
    except jsonc.JsoncError as problem:
        filled_in = any(start in (snapshot.data or b"") for start in (b"{env:", b"{file:"))
        why = "opencode cannot read this file either"
        if filled_in:
            why = "this file is not valid JSONC until opencode has replaced its {env:} and {file:} references"
        raise Refusal(
            "managed_config_parse_failed",
            f"{why}: {problem.reason}",
            where=Where(str(snapshot.path), problem.line, problem.column),
            next_step="correct that line, then run this command again",
        ) from None


def _distinct(files: Sequence[_File]) -> list[_File]:
    """One entry per real file, under its highest name: a link and its target are one file."""
    last = {file.snapshot.real: file for file in files}
    return [file for file in files if last[file.snapshot.real] is file]


def _target(files: Sequence[_File]) -> _File:
    candidates = [file for file in files if file.snapshot.path.name != "config.json"]
    top = candidates[-1]
    return top if len(candidates) == 1 or _says_more(top.document.value) else candidates[-2]


def _says_more(value: Mapping[str, Any]) -> bool:
    return any(key != schema_line.KEY for key in value)


def _change(
    file: _File, layer: str, operations: list[Operation], is_target: bool
) -> tuple[ConfigChange, ...]:
    """The change, or none: a file that stays as it is counts only if the settings belong in it."""
    if not operations and not (is_target and file.snapshot.exists):
        return ()
    document = file.document
    try:
        after = jsonc.apply(document, operations)
    except jsonc.JsoncError as problem:
        raise Refusal(
            "managed_config_merge_failed",
            f"GonkaGate's settings cannot be added here: {problem.reason}",
            where=Where(str(file.snapshot.path), problem.line, problem.column),
            next_step="make it an object, or remove it, then run this command again",
        ) from None
    if after.text != document.text:
        _require_writable(file.snapshot)
    return (
        ConfigChange(
            snapshot=file.snapshot,
            layer=layer,
            operations=tuple(operations),
            before=document.text,
            after=after.text,
            duplicates=repeated(document, operations),
        ),
    )


def _require_writable(snapshot: Snapshot) -> None:
    # A read-only file could still be replaced; but whoever made it read-only did not want it changed.
    if snapshot.mode is not None and not snapshot.mode & 0o222:
        raise Refusal(
            "managed_config_read_only",
            "this file is read-only, but GonkaGate's settings belong in it",
            where=Where(str(snapshot.path)),
            next_step="make it writable, or use the tool that manages it, then run this command again",
        )
