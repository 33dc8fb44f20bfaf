"""A workspace read from disk: bounded, links out of it refused, and whatever is wrong said with its place.

Nothing here raises for what is in the files: a file that cannot be read or understood is a fault, and with
a fault there are no rules, so everything is denied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Callable, Final, TypeVar

from foundation.errors import Refusal, Where
from foundation.files import reading
from foundation.files.links import require_within
from foundation.files.snapshot import Snapshot
from sovereigncode.core import capsule as capsules
from sovereigncode.core import tenant_policy
from sovereigncode.core.capsule import Capsule
from sovereigncode.core.combined import Combined, combine
from sovereigncode.core.decision import CAPSULE_INVALID, CAPSULE_MISSING, POLICY_INVALID, Reason, Unusable
from sovereigncode.core.shapes import Problem
from sovereigncode.core.tenant_policy import TenantPolicy
from sovereigncode.documents import json_text, yaml_text
from sovereigncode.documents.placed import Document, DocumentError

FOLDER: Final = ".sovereigncode"
CAPSULE: Final = "capsule.json"
POLICY: Final = "tenant-policy.yaml"
LIMIT: Final = 64 * 1024
_AGAIN: Final = "then run this command again"
_Value = TypeVar("_Value")
_Parse = Callable[[Any], "tuple[_Value | None, tuple[Problem, ...]]"]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a file of a workspace; `code` is the one that a denial gives."""

    code: str
    message: str
    where: Where
    next_step: str

    def reason(self, root: Path) -> Reason:
        """The same in a decision, without the folder that the workspace is in."""
        name = Path(self.where.name)
        inner = name.relative_to(root).as_posix() if name.is_relative_to(root) else name.name
        return Reason(self.code, f"{Where(inner, self.where.line, self.where.column)}: {self.message}")


@dataclass(frozen=True)
class Workspace:
    """What was read: capsule and policy if they are right, and everything that is wrong.

    `root` is the project's folder. `files` are the two files as they were read, if they could be read.
    """

    root: Path
    capsule: Capsule | None = None
    policy: TenantPolicy | None = None
    faults: tuple[Fault, ...] = ()
    files: tuple[Snapshot, ...] = ()

    @property
    def folder(self) -> Path:
        """`.sovereigncode` in the project's folder."""
        return folder_of(self.root)

    @property
    def tenant(self) -> str:
        """Whose policy it is; `local` without one."""
        return "local" if self.policy is None else self.policy.tenant

    @property
    def rules(self) -> Combined | Unusable:
        """What counts: both combined, or why nothing is allowed."""
        if self.faults or self.capsule is None:
            return Unusable(tuple(fault.reason(self.root) for fault in self.faults))
        return combine(self.capsule, self.policy)


def folder_of(root: Path) -> Path:
    """`.sovereigncode` in the project's folder."""
    return root / FOLDER


def read(root: Path, before: Workspace | None = None) -> Workspace:
    """The workspace of a project's folder, read once.

    `before` is what an earlier reading found: if both files have the same bytes, it is the result.
    """
    folder = folder_of(root)
    first, no_capsule = _file(root, folder / CAPSULE, CAPSULE_INVALID)
    second, no_policy = _file(root, folder / POLICY, POLICY_INVALID)
    files = tuple(file for file in (first, second) if file is not None)
    faults = [*no_capsule, *no_policy]
    if before is not None and not faults and _texts(files) == _texts(before.files):
        return before
    capsule, wrong_capsule = _parsed(first, CAPSULE_INVALID, json_text.read, capsules.parse)
    policy, wrong_policy = _parsed(second, POLICY_INVALID, yaml_text.read, tenant_policy.parse)
    faults = [*no_capsule, *wrong_capsule, *no_policy, *wrong_policy]
    if first is not None and not first.exists:
        faults.insert(0, _missing(folder / CAPSULE))
    return Workspace(root, capsule, policy, tuple(faults), files)


def _texts(files: tuple[Snapshot, ...]) -> list[tuple[PurePath, bytes | None]]:
    return [(file.path, file.data) for file in files]


def understood(
    name: str, code: str, data: bytes, read_text: Callable[[bytes], Document], parse: _Parse[_Value]
) -> tuple[_Value | None, tuple[Fault, ...]]:
    """What the bytes of a file mean, or everything that is wrong with them."""
    fault = partial(Fault, code, next_step=f"correct this place, {_AGAIN}")
    try:
        document = read_text(data)
    except DocumentError as problem:
        return None, (fault(problem.message, Where(name, problem.line, problem.column)),)
    value, problems = parse(document.value)
    return value, tuple(fault(_worded(problem), document.where(problem, name)) for problem in problems)


def meaning(path: Path, data: bytes) -> tuple[object, tuple[Fault, ...]]:
    """What one of the two files means, by its name, if it had these bytes."""
    if path.name == CAPSULE:
        return understood(str(path), CAPSULE_INVALID, data, json_text.read, capsules.parse)
    return understood(str(path), POLICY_INVALID, data, yaml_text.read, tenant_policy.parse)


def _file(root: Path, path: Path, code: str) -> tuple[Snapshot | None, tuple[Fault, ...]]:
    try:
        file = reading.read_snapshot(path, limit=LIMIT)
        require_within(path, Path(file.real), root)
    except Refusal as refusal:
        fault = Fault(code, refusal.message, refusal.where or Where(str(path)), refusal.next_step)
        return None, (fault,)
    return file, ()


def _parsed(
    file: Snapshot | None, code: str, read_text: Callable[[bytes], Document], parse: _Parse[_Value]
) -> tuple[_Value | None, tuple[Fault, ...]]:
    if file is None or file.data is None:
        return None, ()
    return understood(str(file.path), code, file.data, read_text, parse)


def _missing(path: Path) -> Fault:
    return Fault(
        CAPSULE_MISSING,
        "this workspace has no capsule",
        Where(str(path)),
        "run `sovereigncode init` in the project's folder, or name that folder with --cwd",
    )


def _worded(problem: Problem) -> str:
    named = ".".join(str(part) for part in problem.place)
    return f"{named}: {problem.message}" if named else problem.message
