"""Answers: JSON, errors in OpenAI's envelope, and the headers that every one of them has."""

from __future__ import annotations

from typing import Any, Final, Mapping, Sequence

from aiohttp import web

from foundation.errors import Refusal
from marama_route import wire
from marama_route.core.decision import RouteDecision
from marama_route.core.errors import CODES, RequestRefusal, envelope

REQUEST_ID: Final = "x-request-id"
DECISION_ID: Final = "x-marama-decision-id"
MODEL: Final = "x-marama-model"
POLICY: Final = "x-marama-policy"
JSON: Final = "application/json"
SERVER: Final = "marama-route"
RETRY_SECONDS: Final = 5
# What refusals of the packages below mean over HTTP.
_KINDS: Final[Mapping[str, str]] = {
    "approval_not_found": "approval_not_found",
    "approval_decided": "approval_decided",
    "approval_invalid": "approval_decided",
}


def json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=wire.dumps(value), status=status, headers=headers, content_type=JSON)


def listed(items: Sequence[Any]) -> web.Response:
    """A list."""
    return json({"object": "list", "data": list(items)})


def error(refusal: Refusal, decision_id: str | None = None, *, status: int | None = None) -> web.Response:
    """A refusal as an answer; `status` if it is not that of its code."""
    known = understood(refusal)
    kind = CODES[known.kind]
    headers = {}
    if kind.retry_after:
        headers["Retry-After"] = str(known.retry_after or RETRY_SECONDS)
    body = wire.error(envelope(known, decision_id))
    return web.Response(body=body, status=status or kind.status, headers=headers, content_type=JSON)


def understood(refusal: Refusal) -> RequestRefusal:
    """The refusal with a code of the table.

    What the packages below refuse is about files of this machine: their sentences stay here.
    """
    if refusal.kind in CODES:
        if isinstance(refusal, RequestRefusal):
            return refusal
        return RequestRefusal(refusal.kind, refusal.message, next_step=refusal.next_step)
    code = _KINDS.get(refusal.kind)
    if code is not None:
        return RequestRefusal(code, refusal.message)
    return RequestRefusal(
        "not_ready",
        f"the gateway cannot use its files ({refusal.kind})",
        next_step="`marama-route check` says what is wrong",
    )


def of_decision(decision: RouteDecision) -> dict[str, str]:
    """The headers of an answer about a chat."""
    headers = {DECISION_ID: decision.id}
    if decision.routed.selected is not None:
        headers[MODEL] = decision.routed.selected.id
    if decision.routed.policy is not None:
        headers[POLICY] = decision.routed.policy.decision
    return headers
