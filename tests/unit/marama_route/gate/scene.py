"""A workspace with a policy and its gates, and a store that keeps passed calls in memory."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Awaitable, Callable, Sequence, TypeVar

from foundation.errors import Refusal
from marama_route.core.tool_calls import Call
from marama_route.forwarding.ends import Verdict
from marama_route.gate.bench import Bench
from marama_route.gate.gate import Gate
from marama_route.gate.treating import Case
from marama_route.store.store import PassedCall
from sovereigncode.approvals.approval import Approval
from sovereigncode.audit.record import Entry
from sovereigncode.core.request import Request
from tests.unit.marama_route.asking import MODEL
from tests.unit.sovereigncode.records import Place

CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
REQUEST = Request(action="model_call", actor="acme:1", purpose="code_review")
CASE = Case("acme", "ses_1", "shop", "rd_1", REQUEST, (MODEL,))
# How long a test waits for what must happen; nothing waits so long if it does.
LONG = 60.0
_Value = TypeVar("_Value")


def bash(command: str, name: str | None = "call_1", **more: Any) -> Call:
    return Call(0, 0, name, "bash", json.dumps({"command": command, **more}))


def edit(path: str, old: str, new: str, name: str | None = "call_1") -> Call:
    return Call(0, 0, name, "edit", json.dumps({"filePath": path, "oldString": old, "newString": new}))


PUSH = bash("git push origin main")


class Kept:
    """The store's part that a gate uses; `fails`: it cannot be used."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str | None, str], PassedCall] = {}
        self.fails = False

    async def remember(self, calls: Sequence[PassedCall]) -> None:
        self._check()
        self.calls.update({(one.tenant, one.session_id, one.call_id): one for one in calls})

    async def take(
        self, tenant: str, session_id: str | None, call_ids: Sequence[str]
    ) -> Sequence[PassedCall]:
        self._check()
        found = [self.calls.pop((tenant, session_id, name), None) for name in call_ids]
        return [one for one in found if one is not None]

    def _check(self) -> None:
        if self.fails:
            raise Refusal("not_ready", "the store cannot be used", next_step="")


@dataclass
class Scene:
    """`policy` are lines of tenant-policy.yaml behind version and tenant; None: there is no policy."""

    place: Place
    policy: str | None = "approvals: {hold_seconds: 0}"
    kept: Kept = field(default_factory=Kept)
    asked_for: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bound_by(self.policy)
        self.log = self.place.log
        self.approvals = self.place.approvals

    @property
    def folder(self) -> Path:
        return self.place.workspace / ".sovereigncode"

    def bound_by(self, policy: str | None, **capsule: Any) -> None:
        """From now on this policy and capsule count."""
        (self.folder / "capsule.json").write_text(json.dumps({**CAPSULE, **capsule}))
        file = self.folder / "tenant-policy.yaml"
        if policy is not None:
            file.write_text(f"version: 1\ntenant: acme\n{policy}\n")
        elif file.exists():
            file.unlink()

    def bench(self) -> Bench:
        async def record(entries: Sequence[Entry]) -> None:
            await asyncio.to_thread(self.log.append, entries)

        return Bench(self.place.workspace, self.place.host, self.approvals, record, look_every=0.02)

    def gate(self, bench: Bench | None = None, stop: asyncio.Event | None = None, **case: Any) -> Gate:
        store: Any = self.kept
        end = stop or asyncio.Event()
        return Gate(bench or self.bench(), replace(CASE, **case), store, end, self.asked_for.append)

    def judge(self, *calls: Call, whole: bool = False, **case: Any) -> Verdict:
        """One answer with these calls, judged by a gate of its own."""

        async def work() -> Verdict:
            return await self.gate(**case).judge(calls, whole=whole)

        return run(work)

    def meanwhile(
        self, calls: Sequence[Call], act: Callable[[Approval], object], *, whole: bool = False
    ) -> Verdict:
        """The same, while somebody acts as soon as an approval waits."""

        async def work() -> Verdict:
            judging = asyncio.create_task(self.gate().judge(calls, whole=whole))
            act(await self.asked(judging))
            return await judging

        return run(work)

    async def asked(self, judging: asyncio.Task[Verdict]) -> Approval:
        """The first approval that waits."""
        while not judging.done():
            waiting = [
                one.approval
                for one in await asyncio.to_thread(self.approvals.listed)
                if one.state.value == "pending" and one.approval is not None
            ]
            if waiting:
                return waiting[0]
            await asyncio.sleep(0.01)
        raise AssertionError(f"nobody was asked: {judging.result()}")

    def states(self) -> list[str]:
        """Of all approvals, sorted: those of one moment have no order."""
        return sorted(one.state.value for one in self.approvals.listed())

    def tools(self) -> list[tuple[str | None, str | None, str]]:
        """The `tool` records: class, decision, whether it was passed."""
        return [
            (record.entry.action, record.entry.decision, record.entry.audit_tags[-1])
            for record in self.log.read()
            if record.entry.kind == "tool"
        ]

    def log_of_last(self) -> str:
        """The newest record as text."""
        *_, last = self.log.read()
        return last.line.decode()


def run(work: Callable[[], Awaitable[_Value]]) -> _Value:
    async def bounded() -> _Value:
        return await asyncio.wait_for(work(), LONG)

    return asyncio.run(bounded())
