"""Values as rows and rows as values: the same in every database. Nothing here asks a clock or a disk."""

from __future__ import annotations

import math
from typing import Any, Final, Mapping, Sequence

from marama_route import wire
from marama_route.core.decision import Outcome, RouteDecision, State
from marama_route.store.failures import DAMAGED, unusable
from marama_route.store.store import PassedCall

Row = Sequence[Any]
# A document nests less deep than this; what a backend's usage has below it is left out.
_DEEPEST: Final = 32


def of_decision(decision: RouteDecision, owner: str) -> Row:
    """A decision as (tenant, id, owner, state, expires, document); `owner` is the process that decided it."""
    return (
        text(decision.tenant),
        text(decision.id),
        owner,
        decision.outcome.state.value,
        decision.expires,
        _written(decision.to_json()),
    )


def document(data: object) -> Mapping[str, Any]:
    """The decision's JSON object. Refusal not_ready for bytes that are none."""
    try:
        value = wire.loads(data) if isinstance(data, bytes) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise unusable(DAMAGED)
    return value


def failed(data: object) -> bytes:
    """The document of a decision whose process ended before there was an outcome."""
    return _written({**document(data), "outcome": Outcome(State.FAILED).to_json()})


def of_call(call: PassedCall, kept_until: int) -> Row:
    """A passed call as its key (tenant, session, call) and the rest."""
    capsule_id = None if call.capsule_id is None else text(call.capsule_id)
    rest = (text(call.decision_id), capsule_id, text(call.tool_class), text(call.digest), kept_until)
    return (text(call.tenant), session(call.session_id), text(call.call_id), *rest)


def call(row: Row, session_id: str | None) -> PassedCall:
    """The passed call of a row (tenant, call, decision, capsule, class, digest)."""
    tenant, call_id, decision_id, capsule_id, tool_class, digest = row
    return PassedCall(tenant, session_id, call_id, decision_id, capsule_id, tool_class, digest)


def session(session_id: str | None) -> str:
    """A session as a part of a key, where null is equal to nothing; no header is an empty text."""
    return text(session_id or "")


def text(value: str) -> str:
    """What every database can keep: JSON may have half a character, PostgreSQL's texts have no NUL."""
    if value.isascii() and "\0" not in value:
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _written(value: Mapping[str, Any]) -> bytes:
    try:
        return wire.dumps(value)
    except (ValueError, RecursionError):
        return wire.dumps(_plain(value, _DEEPEST))


def _plain(value: Any, depth: int) -> Any:
    """The same without numbers that JSON does not have, and without endless depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _plain(one, depth - 1) for name, one in value.items()} if depth else None
    if isinstance(value, (list, tuple)):
        return [_plain(one, depth - 1) for one in value] if depth else None
    return value
