"""A proxy that tunnels TLS (CONNECT) to where a test wants it, and to nowhere else."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Mapping

from tests.stand_in.chat.line import Line
from tests.stand_in.chat.listening import Listener

_CONNECT_SECONDS: Final = 10.0
_IDLE_SECONDS: Final = 120.0
_PIECE: Final = 65536


@dataclass(frozen=True)
class Tunnelled:
    """One request to the proxy: what it asked for ("CONNECT api.example:443"), and the status that it got."""

    asked: str
    status: int


class ConnectProxy:
    """The running proxy; a context manager. `routes` says for "host:port" which port of this machine it is.

    With `credentials` ("user:password") it answers 407 without them. `misbehave` is for the next CONNECT.
    """

    def __init__(self, routes: Mapping[str, int], credentials: str | None = None) -> None:
        self.routes = dict(routes)
        self.asked: list[Tunnelled] = []
        self._credentials = credentials
        self._faults: list[int | Literal["close", "hang"]] = []
        self._listener = Listener(self._serve, "127.0.0.1", 0)

    def __enter__(self) -> ConnectProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    @property
    def mishaps(self) -> list[str]:
        """Tracebacks of faults of the proxy itself; must stay empty."""
        return self._listener.mishaps

    @property
    def url(self) -> str:
        """The value for HTTPS_PROXY, with the credentials."""
        user = "" if self._credentials is None else f"{self._credentials}@"
        return f"http://{user}127.0.0.1:{self._listener.port}"

    def misbehave(self, how: int | Literal["close", "hang"], *, times: int = 1) -> None:
        """Answer the next requests with this status, or not at all."""
        self._faults.extend([how] * times)

    def _serve(self, connection: socket.socket, number: int) -> None:
        line = Line(connection)
        incoming = line.request()
        if incoming is None:
            return
        asked = f"{incoming.method} {incoming.target}"
        fault = self._faults.pop(0) if self._faults else None
        if isinstance(fault, str):
            self.asked.append(Tunnelled(asked, 0))
            line.end(fault)
            return
        status = self._status(incoming.method, incoming.target, incoming.headers) if fault is None else fault
        self.asked.append(Tunnelled(asked, status))
        if status != 200:
            line.send(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
            return
        address = ("127.0.0.1", self.routes[incoming.target])
        with socket.create_connection(address, timeout=_CONNECT_SECONDS) as onward:
            line.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _join(connection, onward)

    def _status(self, method: str, target: str, headers: Mapping[str, str]) -> int:
        if self._credentials is not None:
            wanted = "Basic " + base64.b64encode(self._credentials.encode()).decode()
            if headers.get("proxy-authorization") != wanted:
                return 407
        return 200 if method == "CONNECT" and target in self.routes else 502


def _join(one: socket.socket, other: socket.socket) -> None:
    """Copy both ways until either side ends."""
    for connection in (one, other):
        connection.settimeout(_IDLE_SECONDS)
    back = threading.Thread(target=_copy, args=(other, one), daemon=True)
    back.start()
    _copy(one, other)
    back.join(_IDLE_SECONDS)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while True:
            data = source.recv(_PIECE)
            if not data:
                break
            target.sendall(data)
    except OSError:  # either end may leave as it likes
        pass
    for connection in (source, target):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
