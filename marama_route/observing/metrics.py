"""Numbers for Prometheus. Every label has few values: routes, statuses, models, backends, codes."""

from __future__ import annotations

from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from marama_route.core.decision import RouteDecision, State

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_OWN: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_BACKEND: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_USAGE: Final = (("prompt_tokens", "prompt"), ("completion_tokens", "completion"))


class Metrics:
    """The numbers of this process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests by route and status", "route", "status")
        self._own = Histogram(
            "marama_route_own_seconds",
            "From the first byte of a chat to its hand-over to a backend",
            registry=self._registry,
            buckets=_OWN,
        )
        self._backend = Histogram(
            "marama_route_backend_seconds",
            "Duration of one attempt at a backend",
            ("backend",),
            registry=self._registry,
            buckets=_BACKEND,
        )
        self._attempts = self._counter("attempts", "Attempts by backend and result", "backend", "result")
        self._tokens = self._counter("tokens", "Tokens as backends counted them", "model", "kind")
        self._decisions = self._counter("decisions", "Decisions by outcome and reason", "outcome", "reason")
        self._waiting = Gauge("marama_route_approvals_waiting", "Pending approvals", registry=self._registry)
        self._open = Gauge(
            "marama_route_open_chats", "Chats that are being answered", registry=self._registry
        )

    def answered(self, route: str, status: int) -> None:
        """A request of this route was answered with this status."""
        self._requests.labels(route, str(status)).inc()

    def handed_over(self, seconds: float) -> None:
        """A chat was handed over to forwarding, so long after it arrived."""
        self._own.observe(seconds)
        self._open.inc()

    def ended(self, decision: RouteDecision, *, handed_over: bool) -> None:
        """A pending decision has ended, of a chat that was handed over or not."""
        if handed_over:
            self._open.dec()
        for attempt in decision.attempts:
            result = "ok" if attempt.error is None else "failed"
            self._attempts.labels(attempt.backend, result).inc()
            if attempt.duration_ms is not None:
                self._backend.labels(attempt.backend).observe(attempt.duration_ms / 1000)
        self.decided(decision.outcome.state, ())
        model = decision.attempts[-1].model if decision.attempts else ""
        for field, kind in _USAGE:
            count = whole((decision.outcome.usage or {}).get(field))
            if count:
                self._tokens.labels(model, kind).inc(count)

    def decided(self, state: State, codes: tuple[str, ...]) -> None:
        """A decision has this outcome, for these reasons."""
        for code in codes or ("",):
            self._decisions.labels(state.value, code).inc()

    def text(self, approvals_waiting: int) -> bytes:
        """Everything in Prometheus' text format."""
        self._waiting.set(approvals_waiting)
        return generate_latest(self._registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"marama_route_{name}", what, labels, registry=self._registry)


def whole(count: Any) -> int | None:
    """A count of a backend, None for what is not one."""
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
