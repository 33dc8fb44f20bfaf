"""What is in the way in a file that setup may edit, and the smallest edit that removes it.

Setup may edit the user's own files and the project's, and never another layer. In user scope the edit is made
where the blocker is. In project scope an agent that the user's own config changes is corrected in the
project's file instead, so that nothing changes for other folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Iterable

from foundation.files.snapshot import Snapshot
from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.agents import starting_agents
from gonkagate_setup.judgement.expectation import Expectation
from gonkagate_setup.judgement.findings import DURABLE, Finding
from opencode_config import jsonc
from opencode_config.jsonc.operations import Operation, Remove, Repair, Set
from opencode_config.layers import MISSING, Path, lookup, merge
from opencode_config.places import PROJECT, USER, USER_NAMES, Environment
from opencode_config.survey import Survey
from opencode_config.v2_spelling import v1_path

# These decide whether opencode starts with GonkaGate; all others decide whether opencode offers it at all.
_OF_THE_START: Final = frozenset(
    {"model_overridden", "model_not_set", "agent_model_overridden", "agent_unusable"}
)


@dataclass(frozen=True)
class Proposal:
    """The edits, and the durable blockers that are not in a file that setup may edit."""

    repairs: tuple[Repair, ...]
    left: tuple[Finding, ...]


def of_the_start(finding: Finding) -> bool:
    """Whether the blocker only decides which model opencode starts with."""
    return finding.code in _OF_THE_START


def propose(
    expectation: Expectation,
    survey: Survey,
    blockers: Iterable[Finding],
    home: PurePath,
    target: PurePath | None,
) -> Proposal:
    """The edits after which the files no longer block.

    `survey` has the planned texts in place. `home` is the home folder without links, `target` the project
    file that setup writes in project scope, None in user scope.
    """
    found: dict[tuple[PurePath, Path], Repair] = {}
    left: list[Finding] = []
    for blocker in blockers:
        if expectation.available_only and of_the_start(blocker):
            continue
        repair = _repair(expectation, survey, blocker, home, target)
        if repair is not None:
            place = (repair.snapshot.real, repair.operation.path)
            # A value that has to override a lower file is set, even if a wrong one only had to be removed.
            if place not in found or isinstance(repair.operation, Set):
                found[place] = repair
        elif blocker.reach == DURABLE:
            left.append(blocker)
    repairs = list(found.values())
    return Proposal(tuple(_needed(expectation, survey, repairs)), tuple(left))


def texts_after(repairs: Iterable[Repair]) -> dict[PurePath, bytes | None]:
    """The bytes of the edited files, by real path; raises JsoncError if an edit cannot be made."""
    documents: dict[PurePath, jsonc.Document] = {}
    for repair in repairs:
        snapshot = repair.snapshot
        document = documents.get(snapshot.real) or jsonc.parse(jsonc.decode(snapshot.data or b""))
        documents[snapshot.real] = jsonc.apply(document, [repair.operation])
    return {real: document.text.encode() for real, document in documents.items()}


def _needed(expectation: Expectation, survey: Survey, repairs: list[Repair]) -> list[Repair]:
    """The edits without those that make no difference, for example in a list that a higher file replaces."""
    kept = list(repairs)
    for repair in reversed(repairs):
        fewer = [one for one in kept if one is not repair]
        if fewer and _suffice(expectation, survey, fewer, kept):
            kept = fewer
    return kept


def _suffice(expectation: Expectation, survey: Survey, fewer: list[Repair], more: list[Repair]) -> bool:
    """Whether fewer edits lead to no more predicted blockers, here and, in user scope, in other folders."""
    try:
        with_fewer = survey.replace(texts_after(fewer))
        with_more = survey.replace(texts_after(more))
    except jsonc.JsoncError:
        return False
    pairs = [(with_fewer, with_more)]
    if expectation.scope is Scope.USER:
        pairs.append((with_fewer.elsewhere(), with_more.elsewhere()))
    return all(_blocked(expectation, one) <= _blocked(expectation, two) for one, two in pairs)


def _blocked(expectation: Expectation, survey: Survey) -> set[tuple[object, ...]]:
    findings = verdict.predict(expectation, survey)
    return {(one.code, one.reach, one.path, one.key) for one in findings if one.blocks}


def _repair(
    expectation: Expectation, survey: Survey, blocker: Finding, home: PurePath, target: PurePath | None
) -> Repair | None:
    """The edit that removes the blocker; None if it is not in a file that setup may edit."""
    layer = blocker.layer
    snapshot = _editable(survey, blocker, home)
    if snapshot is None:
        return None
    operation: Operation | None
    if layer == USER and expectation.scope is Scope.PROJECT and of_the_start(blocker):
        reading = survey.readings.get(target) if target is not None else None
        if reading is None or reading.snapshot is None:
            return None
        layer = PROJECT
        snapshot = reading.snapshot
        operation = _override(expectation, survey, blocker)
    else:
        operation = _edit(expectation, survey, blocker, snapshot)
    if operation is None:
        return None
    return Repair(blocker.code, layer, snapshot, operation, _sentence(expectation, blocker.code, operation))


def _editable(survey: Survey, blocker: Finding, home: PurePath) -> Snapshot | None:
    """The file of the blocker, if it is one of the user's own or a project's, and no link leads elsewhere."""
    if blocker.path is None or not blocker.keys or blocker.layer not in (USER, PROJECT):
        return None
    path = type(survey.project_root)(blocker.path)
    reading = survey.readings.get(path)
    if reading is None or reading.snapshot is None or reading.document is None:
        return None
    real = reading.snapshot.real
    if blocker.layer == USER:
        own = {survey.real(survey.surroundings.user_folder / name) for name in USER_NAMES}
        return reading.snapshot if real in own else None
    root = survey.project_root
    within = root in path.parents and root in real.parents
    # Outside git, opencode also reads the parent folders; those below the home folder are the user's.
    above = real == path and home in path.parents
    return reading.snapshot if within or above else None


def _edit(expectation: Expectation, survey: Survey, blocker: Finding, snapshot: Snapshot) -> Operation | None:
    document = jsonc.parse(jsonc.decode(snapshot.data or b""))
    path, code = blocker.keys, blocker.code
    node = document.find(path)
    if node is None:
        return None
    own = path[:1] == ("provider",)
    name = expectation.model_key if own else expectation.profile.id
    # Only the user's own config may add a list to the provider at all; elsewhere it is removed.
    is_kept = blocker.layer == USER or not own
    if is_kept and path[-1] in ("enabled_providers", "whitelist"):
        return Set(path, [*node.value, name]) if isinstance(node.value, list) else None
    if is_kept and path[-1] in ("disabled_providers", "blacklist"):
        filled = _filled(survey, blocker)
        if not isinstance(node.value, list) or not isinstance(filled, list):
            return None
        return Set(path, [raw for raw, value in zip(node.value, filled) if value != name])
    if document.shadowed(path):
        # If only the last one were removed, an earlier one would take effect.
        return _right_value(expectation, survey, code, path)
    return Remove(path)


def _filled(survey: Survey, blocker: Finding) -> Any:
    """The blocker's value with its references filled in."""
    for environment in Environment:
        for layer in survey.layers(environment):
            if layer.name == blocker.path and layer.get(blocker.keys) is not MISSING:
                return layer.get(blocker.keys)
    return MISSING


def _right_value(expectation: Expectation, survey: Survey, code: str, path: Path) -> Operation:
    """A harmless value, to be set instead of a removal if a key appears more than once."""
    if code in ("model_overridden", "agent_model_overridden"):
        return Set(path, expectation.reference)
    if code == "agent_unusable":
        return Set(path, _usable(survey, path))
    if code == "provider_overridden":
        expected = lookup({"provider": {path[1]: expectation.profile.provider_config()}}, path)
        if expected is not MISSING:
            return Set(path, expected)
    return Remove(path, every=True)


def _override(expectation: Expectation, survey: Survey, blocker: Finding) -> Operation:
    """What to write into the project's file so that it overrides the user's own agents."""
    path = v1_path(blocker.keys)
    if blocker.code == "agent_unusable":
        return Set(path, _usable(survey, path))
    return Set(path, expectation.reference)


def _usable(survey: Survey, path: Path) -> Any:
    """The value of a key of the agents that opencode starts with."""
    if path[-1] == "default_agent":
        config = merge(survey.layers(Environment.DURABLE))
        return next(iter(starting_agents({**config, "default_agent": None})), "build")
    return "primary" if path[-1] == "mode" else False


def _sentence(expectation: Expectation, code: str, operation: Operation) -> str:
    key = ".".join(operation.path)
    name = expectation.model_key if operation.path[-1] in ("whitelist", "blacklist") else None
    name = name or expectation.profile.id
    if code in ("provider_not_enabled", "model_hidden") and isinstance(operation, Set):
        added = operation.path[-1] in ("enabled_providers", "whitelist")
        return f"adds {name} to {key}" if added else f"removes {name} from {key}"
    if code == "provider_disabled":
        return f"removes {name} from {key}"
    if isinstance(operation, Set):
        shown = operation.value if isinstance(operation.value, str) else str(operation.value).lower()
        return f"sets {key} to {shown}"
    if code == "agent_model_overridden":
        return f"removes {key} (the agent then uses `model`)"
    if code == "agent_unusable" and operation.path == ("default_agent",):
        return "removes default_agent (opencode then uses its own default)"
    return f"removes {key}"
