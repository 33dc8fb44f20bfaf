"""GET /v1/route/{id}, the stored decision; POST /v1/policy/evaluate, one request judged by the rules."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from aiohttp import web

from marama_route.core import decision as decisions
from marama_route.core.errors import RequestRefusal, invalid
from marama_route.core.headers import Headers
from marama_route.deciding.entries import bounded
from marama_route.http import answers
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway
from sovereigncode.audit.record import Entry
from sovereigncode.core import request as requests
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import decide
from sovereigncode.core.request import SHAPE, Request

_PREFIX: Final = "pd_"


async def stored(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The decision with this id. RequestRefusal decision_not_found, also for another tenant's."""
    found = await gateway.store.get(exchange.caller.tenant.id, exchange.argument)
    if found is None:
        raise RequestRefusal("decision_not_found", "this tenant has no decision with this id")
    return answers.json(found)


async def evaluate(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The policy's decision about the request in the body, recorded before it is answered."""
    headers, caller = exchange.headers, exchange.caller
    body = await exchange.body()
    given = _given(exchange.value(body))
    chosen = exchange.setup.workspaces.choose(caller.tenant.id, headers.capsule_id)
    rules = chosen.rules
    default = rules.default_purpose if isinstance(rules, Combined) else None
    purpose = headers.purpose or given.purpose or default or caller.tenant.purpose
    scopes = given.consent_scopes | _scopes(headers)
    request = replace(given, purpose=purpose, consent_scopes=scopes)
    decided = decide(rules, request)
    random = secrets.token_bytes(decisions.RANDOM_BYTES)
    made = decisions.new_id(int(gateway.host.now().timestamp() * 1000), random)
    decision_id = _PREFIX + made.removeprefix(decisions.PREFIX)
    capsule_id = None if chosen.reading is None else chosen.reading.capsule_id
    entry = Entry(
        kind="policy",
        decision=decided.decision,
        tenant=caller.tenant.id,
        capsule_id=capsule_id,
        actor=caller.actor,
        purpose=purpose,
        action=request.action,
        model=request.model_id,
        reasons=bounded(decided.reasons),
        obligations=decided.obligations,
        audit_tags=decided.audit_tags,
        decision_id=decision_id,
        request_hash=decisions.request_hash(body),
    )
    await gateway.records.append(gateway.records.chain(chosen, caller.tenant.id), [entry])
    answer = {
        "id": decision_id,
        "object": "policy.decision",
        "tenant": caller.tenant.id,
        "capsule_id": capsule_id,
        **decided.to_json(),
    }
    return answers.json(answer, headers={answers.DECISION_ID: decision_id})


def _given(value: object) -> Request:
    request, problems = requests.parse(value)
    if request is None:
        place = problems[0].place
        named = str(place[0]) if place and place[0] in SHAPE.fields else None
        raise invalid(named, problems[0].message)
    return request


def _scopes(headers: Headers) -> frozenset[str]:
    return frozenset() if headers.consent_scope is None else frozenset({headers.consent_scope})
