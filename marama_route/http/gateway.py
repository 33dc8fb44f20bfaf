"""What every request shares, and the parts of it that a configuration replaces."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Awaitable, Callable, Sequence

from foundation.host import Host
from marama_route.backends.client import Backends
from marama_route.core import decision as decisions
from marama_route.core.decision import RouteDecision, State
from marama_route.core.errors import RequestRefusal
from marama_route.deciding.decide import Decided, Moment
from marama_route.deciding.records import Records
from marama_route.deciding.setup import Setup
from marama_route.gate.bench import Bench
from marama_route.http.exchange import Exchange
from marama_route.observing.lines import Lines
from marama_route.observing.metrics import Metrics, whole
from marama_route.store.store import Store
from marama_route.workspaces.folder import Folder
from sovereigncode.audit.record import Entry
from sovereigncode.content import Verdicts


@dataclass(eq=False)
class Gateway:
    """`setup` is replaced when the configuration is read again; a request keeps the one of its start.

    `stop` is set when the gateway ends. `private`: it is reached from this machine only, directly.
    """

    host: Host
    store: Store
    records: Records
    verdicts: Verdicts
    metrics: Metrics
    lines: Lines
    setup: Setup
    backends: Backends
    private: bool
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    benches: dict[Folder, Bench] = field(default_factory=dict)

    def moment(self) -> Moment:
        """A new decision's id, and the world as it is now."""
        now = self.host.now().timestamp()
        return Moment(
            decisions.new_id(int(now * 1000), secrets.token_bytes(decisions.RANDOM_BYTES)),
            int(now),
            self.backends.unavailable,
        )

    def decided(self, decided: Decided) -> None:
        """A decision was made: count it, if it has ended with that."""
        state, policy = decided.decision.outcome.state, decided.decision.routed.policy
        if state is not State.PENDING:
            codes = () if policy is None or policy.allowed else tuple(one.code for one in policy.reasons)
            code = () if decided.refusal is None else (decided.refusal.kind,)
            self.metrics.decided(state, tuple(dict.fromkeys(codes)) or code)

    def hand_over(self, exchange: Exchange) -> None:
        """A chat goes to forwarding now."""
        exchange.handed_over = asyncio.get_running_loop().time()
        self.metrics.handed_over(exchange.handed_over - exchange.started)

    def ended(self, exchange: Exchange, decision: RouteDecision, failed: RequestRefusal | None) -> None:
        """A decision has ended; `failed` is why that is not on record."""
        self.metrics.ended(decision, handed_over=exchange.handed_over is not None)
        if failed is not None:
            self.lines.write(
                "outcome_not_recorded",
                {"request_id": exchange.id, "decision_id": decision.id, "message": failed.message},
            )

    def answered(self, exchange: Exchange, now: float) -> None:
        """A request has been answered: one line, without content, and a count."""
        self.metrics.answered(exchange.route, exchange.status)
        decision, caller = exchange.decision, exchange.known
        fields: dict[str, object] = {
            "request_id": exchange.id,
            "tenant": None if caller is None else caller.tenant.id,
            "method": exchange.request.method if exchange.route != "-" else "-",
            "route": exchange.route,
            "status": exchange.status,
            "total_ms": _ms(now - exchange.started),
        }
        if decision is not None:
            usage = decision.outcome.usage or {}
            fields |= {
                "decision_id": decision.id,
                "model": decision.attempts[-1].model if decision.attempts else None,
                "outcome": decision.outcome.state.value,
                "finish_reason": decision.outcome.finish_reason,
                "own_ms": _ms((exchange.handed_over or now) - exchange.started),
                "attempts": len(decision.attempts),
                "prompt_tokens": whole(usage.get("prompt_tokens")),
                "completion_tokens": whole(usage.get("completion_tokens")),
            }
        self.lines.write("request", fields)

    def bench(self, folder: Folder) -> Bench:
        """What the gates of one folder share; another one for other tool names."""
        names = self.setup.config.tools
        bench = self.benches.get(folder)
        if bench is None or bench.names != names:
            bench = Bench(folder.root, self.host, folder.approvals, self._recording(folder), names=names)
            self.benches[folder] = bench
        return bench

    def _recording(self, folder: Folder) -> Callable[[Sequence[Entry]], Awaitable[None]]:
        async def record(entries: Sequence[Entry]) -> None:
            await self.records.append(folder.audit, entries)

        return record


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
