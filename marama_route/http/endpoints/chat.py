"""POST /v1/chat/completions and POST /v1/route: one decision, and for the first one its answer."""

from __future__ import annotations

import asyncio

from aiohttp import web

from marama_route.core import request as requests
from marama_route.core.decision import RouteDecision
from marama_route.core.errors import RequestRefusal
from marama_route.core.headers import traceparent
from marama_route.deciding import revoking
from marama_route.deciding.decide import Decided, Question, decide
from marama_route.deciding.run import Run
from marama_route.forwarding.ends import Job
from marama_route.forwarding.forward import forward
from marama_route.gate.gate import Gate
from marama_route.gate.treating import Case
from marama_route.http import answers
from marama_route.http.client import HttpClient
from marama_route.http.exchange import Exchange
from marama_route.http.gateway import Gateway


async def chat(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """A chat: decided, recorded, forwarded, and its outcome recorded in every case."""
    question = await _question(exchange, routing=False)
    decided = await decide(question, exchange.setup, gateway.moment(), gateway.verdicts)
    async with _run(gateway, exchange, decided) as run:
        gate = _gate(gateway, decided, run)
        if gate is not None:
            await gate.heard(question.payload["messages"])
        if decided.refusal is not None:
            raise decided.refusal
        if gate is None:
            raise RequestRefusal("internal_error", "there is no workspace in which tool calls are judged")
        revoking.require_allowed(decided)
        gateway.hand_over(exchange)
        job, client = _job(question, decided, exchange), HttpClient(exchange)
        denied = asyncio.ensure_future(revoking.until_denied(decided))
        try:
            await forward(job, exchange.setup.backends, gate, client, run, stop=denied)
        finally:
            denied.cancel()
            # Its outcome is known now, and recorded while the client goes on.
            exchange.decision = run.decision
    if exchange.response is None:
        raise RequestRefusal("internal_error", "nothing was answered")
    return exchange.response


async def route(gateway: Gateway, exchange: Exchange) -> web.StreamResponse:
    """The decision about a chat or a routing request, recorded, without running a model."""
    question = await _question(exchange, routing=True)
    decided = await decide(question, exchange.setup, gateway.moment(), gateway.verdicts)
    async with _run(gateway, exchange, decided):
        if decided.refusal is not None:
            raise decided.refusal
    return answers.json(decided.decision.to_json(), headers=exchange.answer_headers)


async def _question(exchange: Exchange, *, routing: bool) -> Question:
    headers = exchange.headers
    body = await exchange.body()
    payload = exchange.value(body)
    asked = requests.read(payload, routing=routing)
    return Question(exchange.caller, headers, body, payload, asked, dry_run=routing)


def _run(gateway: Gateway, exchange: Exchange, decided: Decided) -> Run:
    exchange.decision = decided.decision
    exchange.answer_headers.update(answers.of_decision(decided.decision))
    gateway.decided(decided)

    def on_end(decision: RouteDecision, failed: RequestRefusal | None) -> None:
        exchange.decision = decision
        gateway.ended(exchange, decision, failed)

    return Run(decided, gateway.records, on_end)


def _gate(gateway: Gateway, decided: Decided, run: Run) -> Gate | None:
    reading, decision = decided.chosen.reading, decided.decision
    if reading is None or decision.capsule_id is None:
        return None
    case = Case(
        tenant=decision.tenant,
        session_id=decision.session_id,
        capsule_id=decision.capsule_id,
        decision_id=decision.id,
        request=decided.call,
        models=decision.routed.models,
    )
    return Gate(gateway.bench(reading.folder), case, gateway.store, gateway.stop, run.asked)


def _job(question: Question, decided: Decided, exchange: Exchange) -> Job:
    return Job(
        payload=question.payload,
        models=decided.decision.routed.models,
        stream=question.asked.stream,
        include_usage=question.asked.include_usage,
        decision_id=decided.decision.id,
        traceparent=traceparent(exchange.request.headers.get("traceparent")),
    )
