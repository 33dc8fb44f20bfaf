"""The ends of forwarding as a test needs them: a client, a ledger and a gate that note what they get."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Awaitable, Callable, Mapping, Sequence

from foundation.host import Host
from marama_route.backends.client import Backends
from marama_route.core.config import Backend, Timeouts
from marama_route.core.decision import Attempt, Outcome
from marama_route.core.registry import Model
from marama_route.core.tool_calls import Call
from marama_route.forwarding.ends import Job, Verdict
from marama_route.forwarding.forward import forward

DECISION = "rd_0199a5b0c0007000800000000000000a"
PROMPT = "the prompt that must not be repeated"


@dataclass
class Client:
    """What the client got; `on_write` is called with each write and may fail or wait."""

    begun: list[str] = field(default_factory=list)
    writes: list[bytes] = field(default_factory=list)
    wholes: list[tuple[int, Any, str, int | None]] = field(default_factory=list)
    on_write: Callable[[bytes], Awaitable[None]] | None = None
    wrote: asyncio.Event = field(default_factory=asyncio.Event)

    async def whole(self, status: int, body: bytes, model: str, *, retry_after: int | None = None) -> None:
        assert not self.begun
        assert not self.wholes
        if self.on_write is not None:
            await self.on_write(body)
        self.wholes.append((status, json.loads(body), model, retry_after))

    async def begin(self, model: str) -> None:
        assert not self.begun
        assert not self.wholes
        self.begun.append(model)

    async def write(self, data: bytes) -> None:
        assert self.begun
        assert data
        self.writes.append(data)
        self.wrote.set()
        if self.on_write is not None:
            await self.on_write(data)

    @property
    def text(self) -> bytes:
        return b"".join(self.writes)

    @property
    def events(self) -> list[Any]:
        """Every event, [DONE] as a text; comments are left out."""
        assert self.text == b"" or self.text.endswith(b"\n\n")
        blocks = [block for block in self.text.split(b"\n\n") if block and not block.startswith(b":")]
        assert all(block.startswith(b"data: ") for block in blocks), blocks
        datas = [block.removeprefix(b"data: ").replace(b"\ndata: ", b"\n") for block in blocks]
        return ["[DONE]" if data == b"[DONE]" else json.loads(data) for data in datas]

    @property
    def said(self) -> str:
        """The text of the first choice."""
        said = ""
        for event in self.events:
            for choice in event["choices"] if isinstance(event, dict) and "choices" in event else []:
                if choice["index"] == 0:
                    said += choice["delta"].get("content") or ""
        return said


@dataclass
class Ledger:
    """What was reported."""

    attempts: list[Attempt] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    async def tried(self, attempt: Attempt) -> None:
        assert not self.outcomes
        await asyncio.sleep(0)
        self.attempts.append(attempt)

    async def ended(self, outcome: Outcome) -> None:
        await asyncio.sleep(0)
        self.outcomes.append(outcome)

    @property
    def outcome(self) -> Outcome:
        (outcome,) = self.outcomes
        return outcome

    @property
    def errors(self) -> list[str | None]:
        return [attempt.error for attempt in self.attempts]


@dataclass
class Gate:
    """Answers every question with `verdict`, after `opened` is set."""

    verdict: Verdict | Exception = field(default_factory=lambda: Verdict(passed=True))
    opened: asyncio.Event | None = None
    asked: list[tuple[Sequence[Call], bool]] = field(default_factory=list)

    async def judge(self, calls: Sequence[Call], *, whole: bool) -> Verdict:
        self.asked.append((calls, whole))
        if self.opened is not None:
            await self.opened.wait()
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


@dataclass
class Ran:
    """A job that has been forwarded, or is."""

    client: Client
    ledger: Ledger
    gate: Gate
    backends: Backends


def host(environ: Mapping[str, str] | None = None, home: Path | None = None) -> Host:
    folder = Path("/nonexistent") if home is None else home
    return Host(environ=environ or {}, home=folder, cwd=folder, platform="linux")


def model(name: str = "lumynax/coder", backend: str = "one", upstream: str = "qwen3-coder:30b") -> Model:
    return Model(name, backend, upstream, residency=("NZ",), context_tokens=4096)


def job(models: Sequence[Model] = (), *, stream: bool = True, usage: bool = False, **payload: Any) -> Job:
    """A job as the server makes it from a client's payload."""
    body: dict[str, Any] = {"model": "lumynax/auto", "messages": [{"role": "user", "content": PROMPT}]}
    body.update({"stream": stream} if stream else {}, **payload)
    if usage:
        body["stream_options"] = {"include_usage": True}
    return Job(body, models or [model()], stream, usage, DECISION)


def backend(name: str, base_url: str, **limits: Any) -> Backend:
    """A backend; `connect`, `first_byte` and `silence` are its limits, the rest its fields."""
    seconds = {key: limits.pop(key) for key in ("connect", "first_byte", "silence") if key in limits}
    return Backend(name, base_url, timeouts=Timeouts(**seconds), **limits)


async def forwarded(
    work: Job,
    *configured: Backend,
    gate: Gate | None = None,
    client: Client | None = None,
    machine: Host | None = None,
    **options: Any,
) -> Ran:
    """Forward a job to its end."""
    async with Backends({one.name: one for one in configured}, machine or host()) as backends:
        ran = Ran(client or Client(), Ledger(), gate or Gate(), backends)
        await forward(work, backends, ran.gate, ran.client, ran.ledger, **options)
        return ran


async def abandoned(task: asyncio.Task[Any]) -> None:
    """Cancel a task as a server does when its client goes away."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
