"""The files that are about to be written: whether they can be, checked before anything is, and how."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Iterable, Iterator, Sequence, Tuple

from foundation.errors import Refusal, Where
from foundation.files import writable
from foundation.files.snapshot import Snapshot
from foundation.transaction import Protect, Role
from foundation.transaction.changes import Change
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.judgement.findings import NOTICE, Finding
from gonkagate_setup.store import Store

Target = Tuple[Snapshot, Role]  # noqa: UP006  # evaluated, and Python 3.9 is the oldest


def of_plan(plan: Plan, key_file: Snapshot, state_file: Snapshot) -> list[Target]:
    """What a setup will write, except for the notes next to the setup record."""
    targets = [(config.snapshot, Role(config.layer)) for config in plan.configs if config.changed]
    if plan.key in (KeyAction.CREATE, KeyAction.REPLACE):
        targets.append((key_file, Role.SECRET))
    return [*targets, (state_file, Role.STATE)]


def of_changes(changes: Sequence[Change]) -> list[Target]:
    """What these changes will write or remove."""
    return [(change.snapshot, change.role) for change in changes if not isinstance(change, Protect)]


def require_writable(store: Store, targets: Sequence[Target]) -> None:
    """Raise Refusal for the first target that cannot be written, naming the file or folder in the way.

    managed_config_read_only for a config, managed_secret_write_failed or managed_state_write_failed for a
    file of the store.
    """
    found = writable.folder_obstacle(store.folder)
    if found is not None:
        _refuse(Role.STATE, store.folder, found)
    for snapshot, role in targets:
        found = writable.obstacle(snapshot)
        if found is None and role is Role.PROJECT_CONFIG and snapshot.exists:
            found = writable.folder_obstacle(store.backups)
        if found is not None:
            _refuse(role, Path(snapshot.real), found)


def _refuse(role: Role, path: Path, found: writable.Obstacle) -> None:
    place = "it" if found.place == path else str(found.place)
    raise Refusal(
        "managed_config_read_only" if role.backed_up else role.failure("write"),
        f"this cannot be written, because {place} {found.why}; nothing was changed",
        where=Where(str(path)),
        next_step=found.next_step,
    )


def notices(targets: Iterable[Target]) -> Iterator[Finding]:
    """Notices about a config that is written in place, or that has other names (hard links)."""
    for snapshot, role in targets:
        if not role.backed_up or not snapshot.exists:
            continue
        name = shlex.quote(str(snapshot.path))
        in_place = writable.in_place(snapshot)
        if in_place is not None:
            yield Finding(
                "config_written_in_place",
                NOTICE,
                role.value,
                f"this file is written in place: {in_place}",
                "no action needed; if a run is interrupted, the next one repairs this file",
                where=Where(str(snapshot.path)),
            )
        elif snapshot.links > 1:
            others = snapshot.links - 1
            names = "another name" if others == 1 else f"{others} other names"
            yield Finding(
                "config_has_other_names",
                NOTICE,
                role.value,
                f"this file has {names} (hard links); only this one gets the new content",
                f"to link them again: find ~ -inum {_inode(snapshot)}, then for each: ln -f {name} OTHER",
                where=Where(str(snapshot.path)),
            )


def _inode(snapshot: Snapshot) -> str:
    return "NUMBER" if snapshot.identity is None else str(snapshot.identity[1])
