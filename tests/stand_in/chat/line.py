"""One connection of a client: requests are read from it, and replies are sent step by step."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Mapping

from tests.stand_in.chat.reply import Then

# A client that neither sends nor reads for so long is given up.
_IDLE_SECONDS: Final = 120.0
_GATE_SECONDS: Final = 0.01
_HEAD_LIMIT: Final = 1 << 20
_PIECE: Final = 65536


class LeftError(OSError):
    """The client closed the connection."""


@dataclass(frozen=True)
class Incoming:
    """A request as it was read; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the client wants the connection closed after the response."""
        return self.headers.get("connection", "").lower() == "close"


class Line:
    """A connection. Its methods raise OSError when it breaks, LeftError when the client closed it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._read = b""

    def request(self) -> Incoming | None:
        """The next request; None when the client closed the connection instead."""
        self._socket.settimeout(_IDLE_SECONDS)
        while b"\r\n\r\n" not in self._read:
            if len(self._read) > _HEAD_LIMIT or not self._more():
                return None
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("content-length", "0")))
        return Incoming(method, target, headers, body)

    def _more(self) -> bool:
        data = self._socket.recv(_PIECE)
        self._read += data
        return bool(data)

    def _exactly(self, count: int) -> bytes:
        pieces = bytearray(self._read)
        while len(pieces) < count:
            data = self._socket.recv(_PIECE)
            if not data:
                raise LeftError
            pieces += data
        self._read = bytes(pieces[count:])
        return bytes(pieces[:count])

    def _line(self) -> bytes:
        while b"\r\n" not in self._read:
            if not self._more():
                raise LeftError
        line, _, self._read = self._read.partition(b"\r\n")
        return line

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = int(self._line().partition(b";")[0], 16)
            body += self._exactly(size)
            self._line()
            if size == 0:
                return bytes(body)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.settimeout(_IDLE_SECONDS)
        self._socket.sendall(data)

    def wait(self, seconds: float) -> None:
        """Let so much time pass; LeftError as soon as the client leaves."""
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(1)
        except socket.timeout:
            return
        if not data:
            raise LeftError
        self._read += data

    def wait_for(self, event: threading.Event) -> None:
        """Let time pass until the event is set; LeftError as soon as the client leaves."""
        while not event.is_set():
            self.wait(_GATE_SECONDS)

    def end(self, then: Then) -> None:
        """End as `then` says; "keep" does nothing."""
        while then == "hang":  # LeftError or a time-out ends it; what still comes is dropped
            self._socket.settimeout(_IDLE_SECONDS)
            if not self._socket.recv(_PIECE):
                raise LeftError
        if then == "reset":
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if then != "keep":
            self._socket.close()
