"""One configured folder: its rules are read for every request, its chain and its approvals are one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from foundation.host import Host
from marama_route.core.hints import Rules
from marama_route.workspaces import marks
from sovereigncode import workspace as workspaces
from sovereigncode.approvals.store import Approvals
from sovereigncode.audit.log import AuditLog
from sovereigncode.content import Ignored
from sovereigncode.core.combined import Combined
from sovereigncode.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Reading:
    """What a folder says at one moment. The same object as before if both files have the same bytes."""

    folder: Folder
    workspace: Workspace
    rules: Rules = field(init=False)
    ignored: Ignored = field(init=False)

    def __post_init__(self) -> None:
        rules = self.workspace.rules
        entries = rules.personal_details.ignore if isinstance(rules, Combined) else ()
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "ignored", Ignored(entries))

    @property
    def tenant(self) -> str | None:
        """Whose workspace it is; None is everybody's, and also one whose policy cannot be read."""
        return None if self.workspace.policy is None else self.workspace.policy.tenant

    @property
    def capsule_id(self) -> str | None:
        """The id of the capsule, None if it cannot be read."""
        return None if self.workspace.capsule is None else self.workspace.capsule.capsule_id


class Folder:
    """A project's folder. `read` is for one thread at a time; `audit` and `approvals` block."""

    def __init__(self, root: Path, host: Host) -> None:
        self.root = root
        self.audit = AuditLog(root, host)
        self.approvals = Approvals(root, host, self.audit)
        self._now = host.now
        self._last: Reading | None = None
        self._marks: marks.Marks | None = None

    def read(self) -> Reading:
        """The rules as they are on disk now; never raises for what is in the folder."""
        last = self._last
        before = marks.of(self.root)
        if last is not None and before is not None and before == self._marks:
            return last
        now_ns = int(self._now().timestamp() * 1_000_000_000)
        read = workspaces.read(self.root, None if last is None else last.workspace)
        proves = before is not None and marks.settled(before, now_ns) and not read.faults
        self._marks = before if proves and before == marks.of(self.root) else None
        if last is None or read is not last.workspace:
            last = self._last = Reading(self, read)
        return last
