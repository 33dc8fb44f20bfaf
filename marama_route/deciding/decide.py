"""The decision about one request, in the order of the contract.

key -> body -> capsule and policy -> content check -> route -> decision and audit record stored -> backend.
The first two are `callers` and `core.request`, the last two `run`: before the last one nothing of the
messages has left the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from marama_route.core import hints, judged, routing
from marama_route.core.decision import RouteDecision, first_outcome, request_hash
from marama_route.core.errors import RequestRefusal
from marama_route.core.headers import Headers
from marama_route.core.registry import Resolved
from marama_route.core.request import Asked
from marama_route.core.routing import Routed
from marama_route.deciding import content
from marama_route.deciding.callers import Caller
from marama_route.deciding.content import Judged
from marama_route.deciding.setup import Setup
from marama_route.workspaces.choosing import Chosen
from sovereigncode.content import Verdicts
from sovereigncode.content.ignored import NONE
from sovereigncode.core.combined import Combined
from sovereigncode.core.request import Request

# A decision has no prompt; it is kept for a year (`retain_route_decision_days` of the original).
KEPT_SECONDS: Final = 365 * 86_400


@dataclass(frozen=True)
class Question:
    """A request that has been read: whose, what its headers and body say. `body` is as it came."""

    caller: Caller
    headers: Headers
    body: bytes
    payload: Any
    asked: Asked
    dry_run: bool = False


@dataclass(frozen=True)
class Moment:
    """What a decision takes from the world: its id, the time in whole seconds, backends that are left out."""

    decision_id: str
    now: int
    unavailable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decided:
    """A decision that is not yet on record, and what to record.

    `refusal` is the answer if nothing may be forwarded.
    """

    decision: RouteDecision
    chosen: Chosen
    call: Request
    found: Judged
    refusal: RequestRefusal | None


async def decide(question: Question, setup: Setup, moment: Moment, verdicts: Verdicts) -> Decided:
    """The decision; changes nothing.

    RequestRefusal model_not_found for a name that stands for nothing, internal_error if the content cannot
    be checked: both without a decision.
    """
    tenant, headers = question.caller.tenant, question.headers
    chosen = setup.workspaces.choose(tenant.id, headers.capsule_id)
    rules = chosen.rules
    call = judged.request_of(headers, rules, question.caller.actor, tenant.purpose)
    unknown: RequestRefusal | None = None
    try:
        resolved = setup.config.registry.resolve(question.asked.model)
    except RequestRefusal as not_found:
        resolved, unknown = Resolved(()), not_found
    understood = hints.understood(question.asked, resolved.wishes, headers, rules)
    routed = setup.router.route(question.asked.model, resolved, understood, rules, call, moment.unavailable)
    refusal, found = await _refusal(question, chosen, routed, unknown, verdicts)
    if unknown is not None and refusal is unknown:
        raise unknown
    routed = content.applied(found, routed)
    decision = RouteDecision(
        id=moment.decision_id,
        created=moment.now,
        expires=moment.now + KEPT_SECONDS,
        tenant=tenant.id,
        workspace=None if chosen.reading is None else str(chosen.reading.folder.root),
        capsule_id=None if chosen.reading is None else chosen.reading.capsule_id,
        session_id=headers.session_id,
        requested_model=question.asked.model,
        dry_run=question.dry_run,
        request=understood,
        routed=routed,
        request_hash=request_hash(question.body),
        config_hash=setup.config.hash,
        outcome=first_outcome(routed, dry_run=question.dry_run),
    )
    return Decided(decision, chosen, call, found, refusal)


async def _refusal(
    question: Question,
    chosen: Chosen,
    routed: Routed,
    unknown: RequestRefusal | None,
    verdicts: Verdicts,
) -> tuple[RequestRefusal | None, Judged]:
    """The first reason to answer no, in the order of the contract, and what the content check found."""
    rules = chosen.rules
    if not isinstance(rules, Combined) or routing.policy_denies(routed):
        return routing.refusal(routed), content.NOTHING
    ignored = NONE if chosen.reading is None else chosen.reading.ignored
    found = await content.judged(question.payload, len(question.body), rules, ignored, verdicts)
    if found.blocked:
        return found.refusal(), found
    return unknown or routing.refusal(routed), found
