"""One response as it goes over the wire: right by default, and wrong in every way that a field names."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field, replace
from typing import Any, Final, Iterator, Literal, Union

Framing = Literal["length", "chunked", "close"]
Then = Literal["keep", "close", "reset", "hang"]
Header = tuple[str, Union[str, bytes]]
# What a connection does in turn: send bytes, wait so many seconds or for an event, or end in this way.
Step = Union[bytes, float, threading.Event, Then]

# As much is sent at a time, so that a client that leaves is noticed.
_PIECE: Final = 65536


@dataclass(frozen=True)
class Reply:
    """A response.

    `after` is the seconds before its first byte, `gate` an event that is waited for first, `drip` the seconds
    before each byte of the body. `framing` says how the body's end is marked; `announced` is a Content-Length
    other than the true one. `interim` are bytes that come before it, such as 1xx responses. `head` replaces
    status line and headers. The body is sent `repeat` times.

    `head_bytes` and `body_bytes` cut it off after so many bytes of the head or the body; `then` is what
    happens to the connection after the last byte that is sent: "keep" for the next request, "close", "reset"
    (RST) or "hang" until the client leaves.
    """

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    headers: tuple[Header, ...] = ()
    after: float = 0.0
    gate: threading.Event | None = field(default=None, repr=False)
    drip: float = 0.0
    framing: Framing = "length"
    announced: int | None = None
    interim: tuple[bytes, ...] = ()
    head: bytes | None = None
    repeat: int = 1
    head_bytes: int | None = None
    body_bytes: int | None = None
    then: Then = "keep"

    def but(self, **fields: Any) -> Reply:
        """The same with other values for these fields; `headers` are added to the present ones."""
        if "headers" in fields:
            fields["headers"] = (*self.headers, *fields["headers"])
        return replace(self, **fields)

    @property
    def is_cut(self) -> bool:
        """Whether the client gets less than the whole of it."""
        return self.head_bytes is not None or self.body_bytes is not None

    def steps(self) -> Iterator[Step]:
        """What is done, in order; the last step is how the connection goes on."""
        if self.gate is not None:
            yield self.gate
        if self.after:
            yield float(self.after)
        yield from self.interim
        head = self._head()
        if self.head_bytes is not None:
            yield head[: self.head_bytes]
            yield self._end()
            return
        yield head
        yield from self._body()
        yield self._end()

    def _end(self) -> Then:
        closes = self.is_cut or self.framing == "close" or self.head is not None
        return "close" if closes and self.then == "keep" else self.then

    def _head(self) -> bytes:
        if self.head is not None:
            return self.head
        reason = http.client.responses.get(self.status, "Some Status")
        lines = [f"HTTP/1.1 {self.status} {reason}".encode()]
        lines += [name.encode() + b": " + _bytes(value) for name, value in self.headers]
        if self.framing == "chunked":
            lines.append(b"Transfer-Encoding: chunked")
        elif self.framing == "length":
            length = len(self.body) * self.repeat if self.announced is None else self.announced
            lines.append(b"Content-Length: %d" % length)
        if self._end() != "keep":
            lines.append(b"Connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _body(self) -> Iterator[Step]:
        left = len(self.body) * self.repeat if self.body_bytes is None else self.body_bytes
        size = 1 if self.drip else _PIECE
        for _ in range(self.repeat):
            for at in range(0, len(self.body), size):
                piece = self.body[at : at + min(size, left)]
                if not piece:
                    return
                left -= len(piece)
                if self.drip:
                    yield float(self.drip)
                yield b"%x\r\n%s\r\n" % (len(piece), piece) if self.framing == "chunked" else piece
        if self.framing == "chunked" and self.body_bytes is None:
            yield b"0\r\n\r\n"


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
