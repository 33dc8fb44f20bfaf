"""Passes requests on to the real service and its streamed answers back, within a budget.

The product's config is not changed: opencode reaches this relay as api.gonkagate.com through the test proxy,
and the relay reaches the real one over verified TLS. The key is only in memory.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from dataclasses import dataclass, field
from typing import Callable, Final, Iterator

from tests.stand_in import COMPLETIONS, Answerer, RefusedError, Request

_OK: Final = 200
_TIMEOUT_SECONDS: Final = 120.0
_LINE_LIMIT: Final = 1 << 20

Connect = Callable[[], http.client.HTTPConnection]


@dataclass
class Budget:
    """What may be spent: so many requests, and so many tokens as the service itself counts them.

    A request that would come after either is used up is refused here and never sent.
    """

    requests: int
    tokens: int
    spent_requests: int = 0
    spent_tokens: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self) -> None:
        """One more request; RefusedError when there is nothing left."""
        with self._lock:
            if self.spent_requests >= self.requests or self.spent_tokens >= self.tokens:
                raise RefusedError(402, "spending_limit_reached")
            self.spent_requests += 1

    def add(self, tokens: int) -> None:
        """Count what an answer cost."""
        with self._lock:
            self.spent_tokens += tokens


def relay_to(host: str, budget: Budget, connect: Connect | None = None) -> Answerer:
    """An answerer that asks `host`; `connect` replaces the connection to it."""

    def default() -> http.client.HTTPConnection:
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, timeout=_TIMEOUT_SECONDS, context=context)

    def answer(request: Request) -> Iterator[str]:
        budget.take()
        connection = (connect or default)()
        try:
            # http.client puts a refused header value into its message, and this one is the key.
            connection.request("POST", COMPLETIONS, request.body, _headers(request))
            response = connection.getresponse()
        except (OSError, ValueError, http.client.HTTPException):
            connection.close()
            raise RefusedError(502, "service_unreachable") from None
        if response.status != _OK:
            status = response.status
            connection.close()
            raise RefusedError(status, "refused_by_the_service")
        return _events(connection, response, budget)

    return answer


def _headers(request: Request) -> dict[str, str]:
    dropped = ("host", "connection", "content-length", "accept-encoding", "transfer-encoding")
    return {name: value for name, value in request.headers.items() if name not in dropped}


def _events(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, budget: Budget
) -> Iterator[str]:
    try:
        while True:
            line = response.readline(_LINE_LIMIT)
            if not line:
                return
            if line.startswith(b"data:"):
                event = line[len(b"data:") :].strip().decode("utf-8", "replace")
                budget.add(_tokens(event))
                yield event
    finally:
        connection.close()


def _tokens(event: str) -> int:
    try:
        usage = json.loads(event).get("usage")
        return int(usage["total_tokens"]) if usage else 0
    except (ValueError, AttributeError, KeyError, TypeError):
        return 0
