"""An approval as a value: its fields, its digest, and the state that it really has. Pure.

The file says what happened; the audit chain proves it. Whoever can write the file can write anything into it,
so a state counts only if the chain agrees:

| the chain has | the file may say | the approval is |
| --- | --- | --- |
| no `pending` with this digest | anything | invalid |
| `used` | anything | used |
| `rejected` | anything | rejected |
| `approved` with this digest | approved | approved, until it expires |
| `approved` with this digest | pending (the process was killed in between) | pending |
| `pending` only | pending | pending, until it expires |
| `pending` only | approved | invalid |
| `pending` only, or `approved` | rejected, used, expired | what the file says: that is never more |
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, Final, Iterable, Mapping, NamedTuple

from sovereigncode.approvals.call import Call, digest_of, strict_json

FIELDS: Final = (
    *("id", "created", "expires", "state", "tenant", "capsule_id", "session_id", "decision_id"),
    *("tool", "class", "summary", "arguments", "diff", "digest", "decided_at", "decided_by", "note"),
)
# A clock is set back by so much at most without an approval being held back: time services step by less.
SKEW: Final = timedelta(seconds=60)
_ID: Final = re.compile(r"ap_[0-9a-f]{32}\Z")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z")

_TEXTS: Final = ("id", "created", "expires", "state", "tool", "class", "summary", "digest")
_NULLABLE: Final = (
    *("tenant", "capsule_id", "session_id", "decision_id"),
    *("diff", "decided_at", "decided_by", "note"),
)
_Null: Final = type(None)


class State(str, Enum):
    """What an approval is. INVALID is never written: the file does not fit its digest or the chain."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"
    INVALID = "invalid"


_WRITTEN: Final = frozenset(state.value for state in State if state is not State.INVALID)


@dataclass(frozen=True)
class Approval:
    """The fields of the file. Times are UTC, written as in the audit chain (record.stamp).

    `digest` covers every field but `state`, `decided_at`, `decided_by` and `note`.
    """

    id: str
    created: str
    expires: str
    state: State
    tenant: str | None
    decision_id: str | None
    call: Call
    tool_class: str
    summary: str
    diff: str | None
    digest: str = ""
    decided_at: str | None = None
    decided_by: str | None = None
    note: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The file's fields, in the order of FIELDS."""
        return {
            "id": self.id,
            "created": self.created,
            "expires": self.expires,
            "state": self.state.value,
            "tenant": self.tenant,
            "capsule_id": self.call.capsule_id,
            "session_id": self.call.session_id,
            "decision_id": self.decision_id,
            "tool": self.call.tool,
            "class": self.tool_class,
            "summary": self.summary,
            "arguments": self.call.arguments,
            "diff": self.diff,
            "digest": self.digest,
            "decided_at": self.decided_at,
            "decided_by": self.decided_by,
            "note": self.note,
        }

    def bound(self) -> Approval:
        """The same with the digest that belongs to it. Raises ValueError if it cannot be canonical JSON."""
        return replace(self, digest=self._digest())

    @property
    def fits(self) -> bool:
        """Whether the digest belongs to the fields that it covers."""
        return self.digest == self._digest()

    def _digest(self) -> str:
        changing = ("state", "digest", "decided_at", "decided_by", "note")
        return digest_of({name: value for name, value in self.as_json().items() if name not in changing})

    def text(self) -> bytes:
        """The file."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False).encode("utf-8") + b"\n"


@dataclass(frozen=True)
class Proof:
    """What one `approval` record of the verified chain says: the new state, and the digest it is about."""

    state: str | None
    digest: str | None


class Judged(NamedTuple):
    """What an approval really is. `why` is a sentence if it is INVALID."""

    state: State
    why: str | None = None


def new_id(now: datetime, random: bytes) -> str:
    """`ap_` and a UUID of version 7 (RFC 9562, section 5.7) as hex; `random` are 10 random bytes."""
    milliseconds = max(0, int(now.astimezone(timezone.utc).timestamp() * 1000))
    value = milliseconds.to_bytes(6, "big") + random[:10]
    version = bytes([0x70 | value[6] & 0x0F])
    variant = bytes([0x80 | value[8] & 0x3F])
    return "ap_" + (value[:6] + version + value[7:8] + variant + value[9:]).hex()


def is_id(text: str) -> bool:
    """Whether this can be an approval's id, and so a file's name."""
    return _ID.match(text) is not None


def parsed(name: str, data: bytes) -> Approval:
    """The approval of the file `<name>.json`. Raises ValueError with what is wrong with it."""
    try:
        value = strict_json(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError("this is not JSON") from None
    _require(
        isinstance(value, dict) and value.keys() == set(FIELDS), "its fields are not those of an approval"
    )
    _require(all(isinstance(value[one], str) for one in _TEXTS), "a field has the wrong type")
    _require(all(isinstance(value[one], (str, _Null)) for one in _NULLABLE), "a field has the wrong type")
    _require(value["state"] in _WRITTEN, "its state is not one of those that are written")
    _require(is_id(value["id"]) and value["id"] == name, "its id is not the name of the file")
    _require(all(map(_is_time, _times(value))), "a time is not written as times are")
    call = Call(value["tool"], value["arguments"], value["capsule_id"], value["session_id"])
    approval = Approval(
        id=value["id"],
        created=value["created"],
        expires=value["expires"],
        state=State(value["state"]),
        tenant=value["tenant"],
        decision_id=value["decision_id"],
        call=call,
        tool_class=value["class"],
        summary=value["summary"],
        diff=value["diff"],
        digest=value["digest"],
        decided_at=value["decided_at"],
        decided_by=value["decided_by"],
        note=value["note"],
    )
    try:
        fits = approval.fits
    except (ValueError, RecursionError):
        fits = False
    _require(fits, "its digest does not fit, so it was changed by hand")
    return approval


def judged(approval: Approval, proofs: Iterable[Proof], now: datetime) -> Judged:
    """What the approval is at this moment, by the table at the top of this module."""
    said = {proof.state for proof in proofs if proof.digest == approval.digest}
    if State.PENDING.value not in said:
        return Judged(State.INVALID, "the audit chain has no record of this request")
    for final in (State.USED, State.REJECTED):
        if final.value in said or approval.state is final:
            return Judged(final)
    if approval.state is State.APPROVED and State.APPROVED.value not in said:
        return Judged(State.INVALID, "it says approved, but the audit chain has no record of that")
    if approval.state is State.EXPIRED or State.EXPIRED.value in said or not _is_current(approval, now):
        return Judged(State.EXPIRED)
    return Judged(approval.state)


def moment(text: str) -> datetime:
    """A time of an approval. Raises ValueError."""
    return datetime.fromisoformat(text[:-1] + "+00:00")


def _is_current(approval: Approval, now: datetime) -> bool:
    """Whether it counts at this moment: before it expires, and not before it was made or decided.

    A clock that was set back would give it more time than was asked for.
    """
    latest = max(approval.created, approval.decided_at or "")
    return moment(latest) - now <= SKEW and now < moment(approval.expires)


def _times(value: Mapping[str, Any]) -> list[str]:
    times = (value["created"], value["expires"], value["decided_at"])
    return [time for time in times if time is not None]


def _is_time(text: str) -> bool:
    try:
        return _TIME.match(text) is not None and moment(text) is not None
    except ValueError:
        return False


def _require(fulfilled: bool, otherwise: str) -> None:
    if not fulfilled:
        raise ValueError(otherwise)
