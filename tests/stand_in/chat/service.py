"""The service itself: it listens, judges each request, and replies as it was programmed to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ContextManager, Final, Iterator, Literal, Sequence

from tests.stand_in.chat import bodies
from tests.stand_in.chat.line import Incoming, Line
from tests.stand_in.chat.listening import Listener
from tests.stand_in.chat.programmed import Programmed
from tests.stand_in.chat.received import Outcome, Received, overlapping, violations
from tests.stand_in.chat.reply import Reply, Step, Then
from tests.stand_in.chat.rules import Maker, What

if TYPE_CHECKING:
    from tests.stand_in.authority import Authority

MODELS: Final = ("fugu", "fugu-ultra")
KEY: Final = "chat-stand-in-key"
OnConnect = Literal["close", "reset", "hang"]
_WAIT_SECONDS: Final = 30.0
_HANDSHAKE_SECONDS: Final = 30.0


class ChatStandIn(Programmed):
    """The running service; a context manager. `base_url` and `key` are what a client needs.

    `requests` grows in order of arrival. `violations` has what was wrong with any of them, `mishaps` the
    faults of the stand-in itself. Only `key` is served, others get 401; `models` are listed and served.
    `unfinished` counts connections that ended in the middle of a request, `handshakes_failed` those in TLS.
    """

    def __init__(
        self,
        *,
        key: str = KEY,
        models: Sequence[str] = MODELS,
        authority: Authority | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str = "/v1",
    ) -> None:
        super().__init__()
        self.key = key
        self.models: tuple[str, ...] = tuple(models)
        self.requests: list[Received] = []
        self.violations: list[str] = []
        self.unfinished = 0
        self.handshakes_failed = 0
        self._path = path
        self._context = None if authority is None else authority.context
        self._on_connect: list[OnConnect] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._listener = Listener(self._serve, host, port)

    def __enter__(self) -> ChatStandIn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        self._listener.close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._listener.port

    @property
    def base_url(self) -> str:
        """What a client takes as the base URL; with TLS the host is "localhost"."""
        host = f"[{self._listener.host}]" if ":" in self._listener.host else self._listener.host
        scheme, name = ("http", host) if self._context is None else ("https", "localhost")
        return f"{scheme}://{name}:{self.port}{self._path}"

    @property
    def mishaps(self) -> list[str]:
        """Tracebacks of faults of the stand-in; must stay empty."""
        return self._listener.mishaps

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return self._listener.accepted

    @property
    def chats(self) -> list[Received]:
        """The chat requests alone."""
        return [request for request in self.requests if request.method == "POST"]

    @property
    def overlaps(self) -> list[tuple[Received, Received]]:
        """The pairs of requests of one slot that were under way at the same time."""
        return overlapping(self.chats)

    # What happens to connections.

    def clear(self) -> None:
        """Answer everything as usual from now on."""
        super().clear()
        self._on_connect.clear()

    def on_connect(self, how: OnConnect, *, times: int = 1) -> None:
        """Close or reset the next connections, or let them hang, before anything is read or any TLS."""
        self._on_connect.extend([how] * times)

    def refusing(self) -> ContextManager[None]:
        """Nobody listens meanwhile: connections are refused."""
        return self._listener.refusing()

    # What it received.

    def wait_for(self, count: int, *, slot: str | None = None, seconds: float = _WAIT_SECONDS) -> None:
        """Return once so many chat requests (of this slot) arrived; TimeoutError otherwise."""

        def enough() -> bool:
            return sum(slot in (None, request.slot) for request in self.chats) >= count

        with self._changed:
            if not self._changed.wait_for(enough, seconds):
                raise TimeoutError(f"no {count} chat requests within {seconds} s")

    def wait_until_idle(self, seconds: float = _WAIT_SECONDS) -> None:
        """Return once no request is under way; TimeoutError otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: all(one.ended for one in self.requests), seconds):
                raise TimeoutError(f"requests are under way after {seconds} s")

    # How it does it.

    def _serve(self, connection: socket.socket, number: int) -> None:
        if self._on_connect:
            Line(connection).end(self._on_connect.pop(0))
            return
        if self._context is not None:
            connection.settimeout(_HANDSHAKE_SECONDS)
            try:
                connection = self._context.wrap_socket(connection, server_side=True)
            except (OSError, ssl.SSLError):
                self.handshakes_failed += 1
                return
        with connection:
            self._converse(Line(connection), number)

    def _converse(self, line: Line, number: int) -> None:
        while True:
            try:
                incoming = line.request()
            except ssl.SSLError:  # since TLS 1.3 a client refuses the certificate after the handshake
                self.handshakes_failed += 1
                return
            except OSError:
                self.unfinished += 1
                return
            if incoming is None:
                return
            request, what = self._note(incoming, number)
            reply = self._reply(request, what)
            request.status = reply.status
            if not self._send(line, request, reply) or incoming.closes:
                return

    def _note(self, incoming: Incoming, number: int) -> tuple[Received, What | None]:
        kinds: dict[tuple[str, str], What] = {
            ("POST", f"{self._path}/chat/completions"): "chat",
            ("GET", f"{self._path}/models"): "models",
        }
        with self._changed:
            request = Received(
                number=len(self.requests) + 1,
                connection=number,
                method=incoming.method,
                path=incoming.target,
                headers=incoming.headers,
                body=incoming.body,
                arrived=time.monotonic(),
            )
            self.requests.append(request)
            self._changed.notify_all()
        what = kinds.get((request.method, request.path))
        if what == "chat":
            self.violations += [f"request {request.number}: {text}" for text in violations(request.body)]
        elif what is None or request.body:
            self.violations.append(
                f"request {request.number}: {request.method} {request.path} with {len(request.body)} bytes"
            )
        return request, what

    def _reply(self, request: Received, what: What | None) -> Reply:
        if what is None:
            return bodies.error(404, "not_found")
        if request.key != self.key:
            return bodies.error(401, "invalid_api_key", "Incorrect API key provided")
        if what == "chat" and not (request.messages and request.model):
            return bodies.error(400, "invalid_request")
        make = self._rules.take(request, what) or self._usual(request, what)
        return make(request)

    def _usual(self, request: Received, what: What) -> Maker:
        if what == "models":
            return lambda _: bodies.models(self.models)
        if request.model not in self.models:
            return lambda _: bodies.error(404, "model_not_found")
        return bodies.completion

    def _send(self, line: Line, request: Received, reply: Reply) -> bool:
        """Carry out a reply; whether the connection is kept."""
        then: Then = "close"
        pending: Step | None = None
        try:
            for step in reply.steps():
                if isinstance(step, str):
                    then = step
                    break
                if pending is not None:
                    self._do(line, pending)
                pending = step
            # The request has ended before the client can know it and send another one.
            if then != "hang":
                self._end(request, "cut" if reply.is_cut else "answered")
            if pending is not None:
                self._do(line, pending)
            line.end(then)
        except OSError:
            self._end(request, "stopped" if self._stopping else "left")
            return False
        return then == "keep"

    def _do(self, line: Line, step: Step) -> None:
        if isinstance(step, bytes):
            line.send(step)
        elif isinstance(step, threading.Event):
            line.wait_for(step)
        elif isinstance(step, float):
            line.wait(step)

    def _end(self, request: Received, outcome: Outcome) -> None:
        with self._changed:
            request.outcome = outcome
            request.ended = request.ended or time.monotonic()
            self._changed.notify_all()


@contextmanager
def chat_stand_in(*, strict: bool = True, **options: Any) -> Iterator[ChatStandIn]:
    """A running `ChatStandIn`. AssertionError at the end for mishaps and, if `strict`, for violations."""
    with ChatStandIn(**options) as service:
        yield service
    assert service.mishaps == [], service.mishaps
    if strict:
        assert service.violations == [], service.violations
