"""The approvals of a workspace: files `.sovereigncode/approvals/ap_….json`, proved by the audit chain.

Every change is in the chain before it is in the file, and in both when the method returns; if the process is
killed in between, an approval is worth less than it was, never more. One process at a time changes approvals,
so that one approval lets one call pass once.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, Iterator, NoReturn, Sequence

from foundation.errors import Refusal, Where
from foundation.files.replace import Folder
from foundation.host import Host
from sovereigncode.approvals.approval import Approval, Proof, State, judged, moment, new_id
from sovereigncode.approvals.call import Call, clean, optional
from sovereigncode.approvals.files import KIND, LARGEST, Listed, as_listed, has, loaded, names, write
from sovereigncode.audit.folders import WORKSPACE, made, not_read, not_written, opened
from sovereigncode.audit.lock import held
from sovereigncode.audit.record import Entry, Record, stamp
from sovereigncode.audit.store import AuditStore

FOLDER: Final = "approvals"
_LAST: Final = datetime.max.replace(tzinfo=timezone.utc)
_LONGEST_NOTE: Final = 2000


@dataclass(frozen=True)
class Asked:
    """What is asked: the call, its class, and what the user is shown."""

    call: Call
    tool_class: str
    summary: str
    diff: str | None = None
    tenant: str | None = None
    decision_id: str | None = None


class Approvals:
    """The approvals of the workspace `root`. For several threads and processes; holds nothing open.

    Every method raises Refusal: workspace_unusable for a folder that is not only ours, write_failed,
    in_progress after `wait_seconds`, chain_broken if the audit chain does not hold.
    """

    def __init__(self, root: Path, host: Host, audit: AuditStore, *, wait_seconds: float = 10.0) -> None:
        self._root = Path(os.path.realpath(root))
        self._host = host
        self._audit = audit
        self._wait_seconds = wait_seconds

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._root / WORKSPACE / FOLDER

    def request(self, asked: Asked, lifetime: timedelta) -> Approval:
        """Make a pending approval; it is recorded and on disk when this returns."""
        approval = self._made(asked, lifetime)
        with self._changing() as folder:
            self._begin(folder, [approval])
        return approval

    def ask(self, asks: Sequence[Asked], lifetime: timedelta) -> tuple[Listed, ...]:
        """For each call an approval of its own: one that is approved, else one that waits, else a new one.

        Nobody is asked twice for one call. What is new is recorded and on disk when this returns.
        """
        made = [self._made(asked, lifetime) for asked in asks]
        with self._changing() as folder:
            found = _each_its_own(self._open(folder), asks, (State.APPROVED, State.PENDING))
            self._begin(folder, [new for one, new in zip(found, made, strict=True) if one is None])
            return tuple(
                as_listed(folder, new) if one is None else one for one, new in zip(found, made, strict=True)
            )

    def listed(self) -> tuple[Listed, ...]:
        """Every approval, oldest first. Changes nothing."""
        with self._reading() as folder:
            if folder is None:
                return ()
            return self._judged([loaded(folder, name) for name in names(folder)])

    def get(self, approval_id: str) -> Listed:
        """One approval. Raises Refusal approval_not_found."""
        with self._reading() as folder:
            return self._found(folder, approval_id)

    def current(self, ids: Sequence[str]) -> tuple[Listed, ...]:
        """These approvals as they are now; one whose file is gone is invalid."""
        with self._reading() as folder:
            if folder is None:
                return tuple(Listed(one, State.INVALID, self.folder, why="its file is gone") for one in ids)
            return self._judged([loaded(folder, one) for one in ids])

    def approve(self, approval_id: str, by: str, note: str | None = None) -> Approval:
        """Say yes: only on what a user said at a terminal, in the console, or with an approver key.

        `by` says who. Raises Refusal approval_not_found, approval_invalid, and approval_decided if it
        is not pending any more.
        """
        return self._decide(approval_id, State.APPROVED, by, note)

    def reject(self, approval_id: str, by: str, note: str | None = None) -> Approval:
        """Say no; as `approve`."""
        return self._decide(approval_id, State.REJECTED, by, note)

    def consume(self, asks: Sequence[Asked], also: Sequence[Entry] = ()) -> tuple[Approval, ...] | None:
        """Use up one approval for each of these calls, or none at all and return None.

        `also` is recorded together with that, after it. The calls may pass once for each time that this
        returns approvals. Of several processes that ask for the same approval, one gets it.
        """
        with self._changing() as folder:
            found = _each_its_own(self._open(folder), asks, (State.APPROVED,))
            approved = [one.approval for one in found if one is not None and one.approval is not None]
            if len(approved) < len(asks):
                return None
            used = [replace(approval, state=State.USED) for approval in approved]
            self._audit.append([*(_entry(one, None) for one in used), *also])
            for one in used:
                write(folder, one)
            return tuple(used)

    def expire(self) -> tuple[Approval, ...]:
        """Write `expired` into what has expired, so that a clock that is set back later changes nothing."""
        with self._changing() as folder:
            now, expired = self._host.now(), []
            for listed in self._open(folder):
                approval = listed.approval
                if approval is None or listed.state is not State.EXPIRED or approval.state is State.EXPIRED:
                    continue
                if now >= moment(approval.expires):
                    expired.append(replace(approval, state=State.EXPIRED))
                    self._audit.append([_entry(expired[-1], None)])
                    write(folder, expired[-1])
            return tuple(expired)

    def _made(self, asked: Asked, lifetime: timedelta) -> Approval:
        now = self._host.now()
        approval = Approval(
            id=new_id(now, secrets.token_bytes(10)),
            created=stamp(now),
            expires=stamp(now + min(lifetime, _LAST - now)),
            state=State.PENDING,
            tenant=optional(asked.tenant),
            decision_id=optional(asked.decision_id),
            call=asked.call,
            tool_class=asked.tool_class,
            summary=clean(asked.summary),
            diff=optional(asked.diff),
        ).bound()
        if len(approval.text()) > LARGEST:
            raise Refusal(
                "request_invalid",
                f"this tool call is larger than {LARGEST} bytes, so nobody can judge it",
                next_step="make the change in smaller steps",
            )
        return approval

    def _begin(self, folder: Folder, made: Sequence[Approval]) -> None:
        if made:
            self._audit.append([_entry(approval, None) for approval in made])
        for approval in made:
            write(folder, approval)

    def _decide(self, approval_id: str, state: State, by: str, note: str | None) -> Approval:
        with self._changing() as folder:
            listed = self._found(folder, approval_id)
            if listed.state is State.INVALID or listed.approval is None:
                _refuse_invalid(listed)
            if listed.state is not State.PENDING:
                _refuse_decided(listed)
            decided = replace(
                listed.approval,
                state=state,
                decided_at=stamp(self._host.now()),
                decided_by=clean(by)[:_LONGEST_NOTE],
                note=None if note is None else clean(note)[:_LONGEST_NOTE],
            )
            self._audit.append([_entry(decided, decided.decided_by)])
            write(folder, decided)
            return decided

    @contextmanager
    def _changing(self) -> Iterator[Folder]:
        try:
            with (
                made(self._root, FOLDER, KIND) as folder,
                held(folder, KIND, self._wait_seconds),
            ):
                yield folder
        except OSError as problem:
            raise not_written(self.folder, problem) from None

    @contextmanager
    def _reading(self) -> Iterator[Folder | None]:
        try:
            folder = opened(self._root, FOLDER, KIND)
            if folder is None:
                yield None
                return
            with folder:
                yield folder
        except OSError as problem:
            raise not_read(self.folder, problem, KIND) from None

    def _found(self, folder: Folder | None, approval_id: str) -> Listed:
        if folder is None or not has(folder, approval_id):
            raise Refusal(
                "approval_not_found",
                "there is no approval with this id",
                where=Where(str(self.folder)),
                next_step="see which there are with: sovereigncode approvals list",
            )
        return self._judged([loaded(folder, approval_id)])[0]

    def _judged(self, read: Sequence[Listed]) -> tuple[Listed, ...]:
        """What has been read, judged by the chain as it is afterwards: the chain is always ahead."""
        records, now = self._audit.approvals(), self._host.now()
        found = []
        for one in read:
            if one.approval is None:
                found.append(one)
                continue
            state, why = judged(one.approval, map(_proof, records.get(one.id, ())), now)
            found.append(replace(one, state=state, why=why))
        return tuple(found)

    def _open(self, folder: Folder) -> tuple[Listed, ...]:
        """Those that may still be decided or used, oldest first: by the chain alone, most files are not."""
        chain = self._audit.approvals()
        over = {State.USED.value, State.REJECTED.value, State.EXPIRED.value}
        ids = [
            name
            for name in names(folder)
            if name in chain and over.isdisjoint(record.entry.decision or "" for record in chain[name])
        ]
        return self._judged([loaded(folder, name) for name in ids])


def _entry(approval: Approval, by: str | None) -> Entry:
    """The record of the state that it has."""
    return Entry(
        kind="approval",
        tenant=approval.tenant,
        capsule_id=approval.call.capsule_id,
        actor=by,
        action=approval.tool_class,
        decision=approval.state.value,
        decision_id=approval.decision_id,
        approval_id=approval.id,
        request_hash=approval.digest,
    )


def _proof(record: Record) -> Proof:
    return Proof(record.entry.decision, record.entry.request_hash)


def _each_its_own(
    listed: Sequence[Listed], asks: Sequence[Asked], states: Sequence[State]
) -> list[Listed | None]:
    """For each call an approval of the same call and tenant, in the first of these states that one has.

    Each is given out once, so a call that is made twice needs two.
    """
    free: dict[tuple[str, str | None], list[Listed]] = {}
    for state in states:
        for one in listed:
            if one.approval is not None and one.state is state:
                free.setdefault((one.approval.call.digest, one.approval.tenant), []).append(one)
    found = []
    for asked in asks:
        same = free.get((asked.call.digest, optional(asked.tenant)))
        found.append(same.pop(0) if same else None)
    return found


def _refuse_invalid(listed: Listed) -> NoReturn:
    raise Refusal(
        "approval_invalid",
        f"this approval does not count: {listed.why}",
        where=Where(str(listed.place)),
        next_step="let the agent ask again, then decide on the new approval",
    )


def _refuse_decided(listed: Listed) -> NoReturn:
    past = {State.EXPIRED: "has expired", State.USED: "was approved, and is used"}
    raise Refusal(
        "approval_decided",
        f"this approval {past.get(listed.state, f'is already {listed.state.value}')}",
        where=Where(str(listed.place)),
        next_step="let the agent ask again, then decide on the new approval",
    )
