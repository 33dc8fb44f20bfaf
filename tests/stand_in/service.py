"""The server: a CONNECT proxy in front, TLS for `api.gonkagate.com` behind it, chat completions inside."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import traceback
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Iterator

from tests.stand_in.authority import Authority
from tests.stand_in.protocol import Answerer, chat_completions, model_list
from tests.stand_in.records import Exchange, Fault, RefusedError, Request, Tunnel

HOST: Final = "api.gonkagate.com"
COMPLETIONS: Final = "/v1/chat/completions"
_CHUNK_PAUSE: Final = 0.01
_IDLE_SECONDS: Final = 30


class StandIn:
    """The running stand-in; a context manager.

    `requests` and `tunnels` grow in order of arrival; `streamed` has the number of chunks of each answer that
    was streamed to its end, `exchanges` every streamed answer; `mishaps` holds faults of the stand-in itself
    and must stay empty. Only keys given to `accept` are served: others get 401, deactivated ones 403.
    `answerers` has the paths that take a POST; a test may add to it and replace in it.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.requests: list[Request] = []
        self.tunnels: list[Tunnel] = []
        self.streamed: list[int] = []
        self.exchanges: list[Exchange] = []
        self.answerers: dict[str, Answerer] = {COMPLETIONS: chat_completions}
        self.mishaps: list[str] = []
        self._accepted: set[str] = set()
        self._deactivated: set[str] = set()
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Where it listens: the proxy, and the service itself over plain HTTP."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead opencode (and Python's ssl) here for the real host name."""
        certificate = str(self.authority.certificate)
        return {
            "HTTPS_PROXY": self.address,
            "HTTP_PROXY": self.address,
            "NODE_EXTRA_CA_CERTS": certificate,
            "SSL_CERT_FILE": certificate,
        }

    def accept(self, key: str) -> None:
        """Serve requests that carry `key`."""
        self._accepted.add(key)

    def deactivate(self, key: str) -> None:
        """Answer requests that carry `key` with 403 account_deactivated."""
        self._deactivated.add(key)

    def misbehave(self, fault: Fault) -> None:
        """Queue a fault; the oldest one that fits a request is used up first."""
        with self._lock:
            self._faults.extend([fault] * fault.times)

    @property
    def completions(self) -> list[Request]:
        """The chat-completions requests that were not for a title."""
        return [request for request in self.requests if request.path == COMPLETIONS and not request.is_title]

    @property
    def titles(self) -> list[Request]:
        """The requests for a session title."""
        return [request for request in self.requests if request.is_title]

    def take_fault(self, path: str) -> Fault:
        """The fault for a request to `path`; one that does nothing when none is queued."""
        with self._lock:
            for fault in self._faults:
                if fault.path in (None, path):
                    self._faults.remove(fault)
                    return fault
        return Fault()

    def wait(self, seconds: float) -> None:
        """Sleep, but wake at once when the stand-in stops."""
        self._stopping.wait(seconds)

    def verdict(self, key: str | None) -> tuple[int, str]:
        """Status and error code for a key; (200, "") when it is served."""
        if key in self._deactivated:
            return 403, "account_deactivated"
        return (200, "") if key in self._accepted else (401, "invalid_api_key")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def track(self, connection: socket.socket, *, is_open: bool) -> None:
        (self._connections.add if is_open else self._connections.discard)(connection)

    def close_connections(self) -> None:
        for connection in tuple(self._connections):
            with suppress(OSError):  # closed meanwhile
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        self.stand_in.mishaps.append(traceback.format_exc())


class _DroppedError(Exception):
    """The connection is to be closed without another word."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = _IDLE_SECONDS

    def setup(self) -> None:
        super().setup()
        self._host = ""
        self.server.track(self.connection, is_open=True)

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            pass  # the client went first
        finally:
            self.server.track(self.connection, is_open=False)
            self.connection.close()

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, _DroppedError):  # clients leave without goodbye: opencode ends while a title streams
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing: requests are recorded, not logged."""

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0]
        status = 200 if host == HOST else 502
        self.server.stand_in.tunnels.append(Tunnel(host, status))
        if status != 200:
            self.send_response(status, "Only the stand-in is reachable")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._host = host
        self._continue_with_tls()

    def _continue_with_tls(self) -> None:
        plain = self.connection
        wrapped = self.server.stand_in.authority.context.wrap_socket(plain, server_side=True)
        self.server.track(plain, is_open=False)
        self.server.track(wrapped, is_open=True)
        self.rfile.close()
        self.connection = self.request = wrapped
        self.rfile = wrapped.makefile("rb")
        self.wfile = _TlsWriter(wrapped)  # type: ignore[assignment]
        self.close_connection = False

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        stand_in = self.server.stand_in
        if not self.path.startswith("/"):  # a proxied plain-HTTP request: no such host here
            self._send_json(502, {"error": {"code": "unreachable"}})
            return
        fault = stand_in.take_fault(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = self._host or headers.get("host", "")
        request = Request(self.command, host, self.path, headers, body, 0)
        events: Iterator[str] = iter(())
        status, code = self._judge(request, fault)
        if status == 200 and self.command == "POST":
            try:
                events = stand_in.answerers[self.path](request)
            except RefusedError as refusal:
                status, code = refusal.status, refusal.code
        request = Request(self.command, host, self.path, headers, body, status)
        stand_in.requests.append(request)
        if fault.delay:
            stand_in.wait(fault.delay)
        if fault.drop_after == 0:
            raise _DroppedError
        if fault.body is not None or fault.location is not None:
            self._send_as_told(status, fault)
            return
        if status != 200:
            self._send_json(status, {"error": {"message": f"stand-in: {code}", "code": code}})
        elif self.path == "/v1/models":
            self._send_json(200, model_list())
        else:
            self._stream(request, events, fault.drop_after)

    def _judge(self, request: Request, fault: Fault) -> tuple[int, str]:
        known = {("GET", "/v1/models"), *(("POST", path) for path in self.server.stand_in.answerers)}
        if (request.method, request.path) not in known:
            return 404, "not_found"
        if fault.status is not None:
            return fault.status, fault.code
        return self.server.stand_in.verdict(request.key)

    def _send_as_told(self, status: int, fault: Fault) -> None:
        body = fault.body or b""
        self.send_response(status)
        if fault.location is not None:
            self.send_header("Location", fault.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        pieces = [body[at : at + 1] for at in range(len(body))] if fault.pause else [body]
        for piece in pieces:
            self.wfile.write(piece)
            self.server.stand_in.wait(fault.pause)

    def _send_json(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, request: Request, events: Iterator[str], drop_after: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        exchange = Exchange(request)
        self.server.stand_in.exchanges.append(exchange)
        for count, event in enumerate(events):
            if count == drop_after:
                raise _DroppedError
            exchange.events.append(event)
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            time.sleep(_CHUNK_PAUSE)
        self.wfile.write(b"0\r\n\r\n")
        exchange.ended = True
        self.server.stand_in.streamed.append(len(exchange.events))


class _TlsWriter:
    """The unbuffered writer that http.server expects, on a TLS socket."""

    closed = False

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> int:
        self._connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True
