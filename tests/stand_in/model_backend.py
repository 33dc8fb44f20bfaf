"""A server of models on loopback for the gateway's tests: it answers as it is told to, also wrongly.

    with ModelBackend() as backend:
        backend.answers = [whole({"choices": []}), stream(chunk("Hello"), finish())]
        ...backend.base_url...
        assert backend.requests[0].json()["model"] == "qwen3-coder:30b"

Each request takes the next answer, and the last one stays. Without answers it says "Hello" to everybody. It
runs in a thread of its own, so that tests with an event loop and tests with real processes can use it alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Sequence, Union

_LARGEST = 64 * 1024 * 1024
_BOUND = 30.0


@dataclass(frozen=True)
class Pause:
    """Nothing is sent for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Until:
    """Nothing is sent until the test sets this."""

    event: threading.Event


@dataclass(frozen=True)
class Hang:
    """Nothing more is sent; the connection stays open until the client closes it."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset (RST)."""


@dataclass(frozen=True)
class Close:
    """The connection is closed (FIN)."""


@dataclass(frozen=True)
class Repeat:
    """The same bytes again and again, as fast as the client takes them."""

    data: bytes
    times: int


Step = Union[bytes, Pause, Until, Hang, Reset, Close, Repeat]
Answer = Sequence[Step]
Pairs = Sequence[tuple[str, str]]


@dataclass
class Received:
    """One request as it came. `gone` is set when the client closes, at `gone_at` of the monotonic clock."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    answered: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    gone_at: float = 0.0
    sent: int = 0

    def header(self, name: str) -> str | None:
        """The value of a header; AssertionError if it came twice."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)


Answerer = Callable[[Received], Answer]


class ModelBackend:
    """The server; `base_url` ends in /v1. `answers` and `requests` may be used from every thread."""

    def __init__(
        self,
        answers: Sequence[Answer] = (),
        *,
        answerer: Answerer | None = None,
        context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.answers: list[Answer] = list(answers)
        self.requests: list[Received] = []
        self.connections = 0
        self.open = 0
        self.base_url = ""
        self.port = 0
        self._answerer = answerer
        self._context = context
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._more = threading.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.AbstractServer | None = None

    def __enter__(self) -> ModelBackend:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(_BOUND)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(_BOUND)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_BOUND)
        self._loop.close()

    def wait(self, requests: int = 1, seconds: float = _BOUND) -> Received:
        """The last of so many requests, waited for; AssertionError if it does not come."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.requests) >= requests, seconds), (
                f"{len(self.requests)} requests came instead of {requests}"
            )
        return self.requests[requests - 1]

    async def _start(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, self._host, 0, ssl=self._context, limit=_LARGEST
        )
        self.port = self._server.sockets[0].getsockname()[1]
        scheme = "http" if self._context is None else "https"
        self.base_url = f"{scheme}://{self._host}:{self.port}/v1"

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        # Also a connection that is just being accepted.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        # A transport closes its socket in the loop's next turn, one with TLS in the one after that.
        for _ in range(3):
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        self.open += 1
        try:
            await self._serve(reader, writer, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            request = await _read(reader, number)
            with self._more:
                self.requests.append(request)
                self._more.notify_all()
            watcher = asyncio.ensure_future(_watch(reader, request))
            answer = asyncio.ensure_future(self._answer(request, writer))
            try:
                await asyncio.wait({watcher, answer}, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    return
                if not answer.result():
                    return
                request.answered.set()
                # The next request begins with the byte that the watcher waits for.
                if not await watcher:
                    return
            except ConnectionError:
                _left(request)
                raise
            finally:
                watcher.cancel()
                answer.cancel()
                await asyncio.gather(watcher, answer, return_exceptions=True)

    def _next(self, request: Received) -> Answer:
        if self._answerer is not None:
            return self._answerer(request)
        if not self.answers:
            return hello(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def _answer(self, request: Received, writer: asyncio.StreamWriter) -> bool:
        """Do the steps; whether the connection can be used again."""
        for step in self._next(request):
            if isinstance(step, bytes):
                await _send(writer, step, request)
            elif isinstance(step, Repeat):
                for _ in range(step.times):
                    await _send(writer, step.data, request)
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Until):
                while not step.event.is_set():
                    await asyncio.sleep(0.005)
            elif isinstance(step, Hang):
                await asyncio.sleep(3600)
            elif isinstance(step, Reset):
                _reset(writer)
                return False
            else:
                return False
        return True


def whole(value: Any, status: int = 200, headers: Pairs = ()) -> Answer:
    """One JSON answer; bytes are sent as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    named = {name.lower() for name, _ in headers}
    more = [] if "content-type" in named else [("content-type", "application/json")]
    return [head(status, [*more, *headers, ("content-length", str(len(body)))]) + body]


def error(status: int, message: str = "it went wrong", headers: Pairs = (), **more: Any) -> Answer:
    """An error as OpenAI sends it."""
    fields: dict[str, Any] = {"message": message, "type": "server_error", "param": None, "code": None, **more}
    return whole({"error": fields}, status, headers)


def stream(*parts: Any, headers: Pairs = (), done: bool = True, ended: bool = True) -> Answer:
    """An event stream: values become events, bytes are sent as they are, steps are done; then [DONE].

    A part is a chunk of the transfer, written by itself. Without `ended` the transfer has no end.
    """
    steps: list[Step] = [stream_head(headers)]
    for part in parts:
        if isinstance(part, bytes):
            steps.append(framed(part))
        elif isinstance(part, (Pause, Until, Hang, Reset, Close, Repeat)):
            steps.append(part)
        else:
            steps.append(framed(event(part)))
    if done:
        steps.append(framed(event("[DONE]")))
    if ended:
        steps.append(b"0\r\n\r\n")
    return steps


def stream_head(headers: Pairs = ()) -> bytes:
    """The head of an event stream in chunks."""
    named = {name.lower() for name, _ in headers}
    own = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]
    return head(200, [*[pair for pair in own if pair[0] not in named], *headers])


def head(status: int, headers: Pairs) -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def framed(data: bytes) -> bytes:
    """Bytes as one chunk of a transfer in chunks."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(value: Any) -> bytes:
    """One event; a text is sent as it is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def chunk(text: str | None = None, *, index: int = 0, **delta: Any) -> dict[str, Any]:
    """A chunk of an answer with this text, or with this delta."""
    content = {} if text is None else {"content": text}
    return _chunk([{"index": index, "delta": {**content, **delta}, "finish_reason": None}])


def finish(reason: str = "stop", *, index: int = 0, **more: Any) -> dict[str, Any]:
    """The chunk that ends an answer."""
    return {**_chunk([{"index": index, "delta": {}, "finish_reason": reason}]), **more}


def usage(prompt: int, completion: int) -> dict[str, Any]:
    """The chunk that says how many tokens were used."""
    return {**_chunk([]), "usage": tokens(prompt, completion)}


def tokens(prompt: int, completion: int) -> dict[str, int]:
    """OpenAI's usage."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def call(
    index: int,
    arguments: str,
    name: str | None = None,
    identity: str | None = None,
    *,
    choice: int = 0,
) -> dict[str, Any]:
    """A chunk with a piece of a tool call."""
    function = {**({} if name is None else {"name": name}), "arguments": arguments}
    one: dict[str, Any] = {"index": index, "function": function}
    if identity is not None:
        one = {"index": index, "id": identity, "type": "function", "function": function}
    return chunk(index=choice, tool_calls=[one])


def completion(text: str | None = "Hello", reason: str = "stop", **more: Any) -> dict[str, Any]:
    """A whole answer; `more` are fields of its message, `usage` is the answer's."""
    said = more.pop("usage", tokens(3, 1))
    message = {"role": "assistant", "content": text, **more}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "upstream-model",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": said,
    }


def hello(request: Received) -> Answer:
    """ "Hello" in the form that the request asks for."""
    asked = request.json() if request.body else {}
    if not asked.get("stream"):
        return whole(completion())
    wanted = (asked.get("stream_options") or {}).get("include_usage")
    counted = [usage(3, 1)] if wanted else []
    return stream(
        chunk(role="assistant", content=""),
        chunk("Hel"),
        chunk("lo"),
        finish(),
        *counted,
    )


def refusing_url() -> str:
    """The base URL of a port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def _chunk(choices: list[Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "upstream-model",
        "choices": choices,
    }


async def _read(reader: asyncio.StreamReader, number: int) -> Received:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = start.split(" ")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    lower = {name.lower(): value for name, value in headers}
    body = b""
    if lower.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    elif "content-length" in lower:
        body = await reader.readexactly(int(lower["content-length"]))
    return Received(method, target, headers, body, number)


async def _watch(reader: asyncio.StreamReader, request: Received) -> bool:
    """Wait until the client sends more (it stays unread) or closes; whether it sent more."""
    try:
        while not reader._buffer:  # type: ignore[attr-defined]
            if reader.at_eof():
                raise ConnectionError
            await reader._wait_for_data("watch")  # type: ignore[attr-defined]
    except (ConnectionError, ssl.SSLError):
        _left(request)
        return False
    return True


def _left(request: Received) -> None:
    request.gone_at = time.monotonic()
    request.gone.set()


async def _send(writer: asyncio.StreamWriter, data: bytes, request: Received) -> None:
    writer.write(data)
    await writer.drain()
    request.sent += len(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
