"""A gateway that is killed again and again, and what its backend, its clients and its files say of it.

The files are read here: SQLite's through a connection of our own that only reads, the chain line by line.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import itertools
import json
import re
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

from tests.faults.marama_route.server import victim
from tests.stand_in.model_backend import (
    Answer,
    Hang,
    ModelBackend,
    Received,
    call,
    chunk,
    completion,
    finish,
    hello,
    stream,
    whole,
)
from tests.support.gateway import POLICY, Gateway, Workspace, chat, model

_FINAL = {"completed", "failed", "cancelled", "denied", "dry_run"}
CHAT = "/v1/chat/completions"
_APPROVAL = re.compile(rb"ap_[0-9a-f]{32}")
_BOUND = 60.0
_QUIET = 0.2
# How long a gateway has to come to the call at which it ends, after its client has its answer.
_TO_THE_CALL = 2.0
RULES = {
    **POLICY,
    "purposes": {"denied": ["model_training"]},
    "tools": {"shell": "approve", "file_write": "client"},
    "approvals": {"hold_seconds": 0},
}


@dataclass(frozen=True)
class Heard:
    """What a client got of an answer, before the gateway ended; 0 is no answer."""

    status: int = 0
    decision_id: str | None = None
    body: bytes = b""

    @property
    def passed(self) -> bool:
        """Whether a tool call, or a piece of one, was in it."""
        return b'"tool_calls"' in self.body


class Site:
    """The gateway, its backend, and all that is known of their requests."""

    def __init__(self, root: Path, backend: ModelBackend) -> None:
        self.order = root / "order"
        self.backend = backend
        self.gateway = Gateway(
            root,
            backends={"b": {"base_url": backend.base_url}},
            models=[model()],
            workspaces={"shop": Workspace(policy=RULES)},
        )
        self.kills = 0
        self.bad: list[str] = []
        self.forwarded: set[str] = set()
        self.heard: list[Heard] = []
        self.evaluated = 0
        self.approved: set[str] = set()
        self.passes: Counter[str] = Counter()
        self._sent: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    # -- its life

    def start(self) -> None:
        """Start the gateway that can be killed at a call; what the one before left has an outcome by then."""
        self.gateway.start(program=(*victim.PROGRAM, str(self.order)))
        self.bad += self.without_outcome()

    def arm(self, at: int = 0) -> str:
        """Count from now on, under this name, and end before call number `at`."""
        self._wait_for_the_last_outcome()
        name = self.new("count")
        written = self.order.with_suffix(".new")
        written.write_text(f"{name} {at}", encoding="ascii")
        written.replace(self.order)
        return name

    def _wait_for_the_last_outcome(self) -> None:
        """It is recorded while the client goes on, and would be counted too."""
        last = self.heard[-1] if self.heard else None
        if last is not None and last.status == 200 and last.decision_id is not None:
            self.gateway.recorded(last.decision_id)

    def disarm(self) -> None:
        """Count no longer."""
        self.order.unlink(missing_ok=True)

    def counted(self, name: str) -> list[str]:
        """What was called under this name, once nothing more comes."""
        file, size = victim.calls_file(self.order), -1
        while size != (size := file.stat().st_size):
            time.sleep(_QUIET)
        lines = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
        return [what for counted, what in lines if counted == name]

    def ends(self, seconds: float = _TO_THE_CALL) -> bool:
        """Whether the gateway killed itself in so many seconds; it is killed now if it did not."""
        reached = self.gateway.killed(seconds)
        self.disarm()
        self.kills += 1
        return reached

    # -- its clients

    def new(self, what: str) -> str:
        """A name that was not used before."""
        return f"{what}{next(self._numbers)}"

    def ask(
        self, path: str, body: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Heard:
        """What came of this, up to the end of the answer or of the gateway."""
        got = Heard()
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=_BOUND)
        said = {"Authorization": f"Bearer {key or self.gateway.key}", **(headers or {})}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        with closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", path, data, said)
            answer = connection.getresponse()
            name = answer.getheader("x-marama-decision-id")
            got = Heard(answer.status, name)
            while part := answer.read1(65536):
                got = Heard(answer.status, name, got.body + part)
        return got

    def chat(self, what: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> Heard:
        """A chat; `what` tells the backend what to answer."""
        mark = self.new("q")
        text = f"{mark} {what} {self.gateway.word}"
        payload = chat(text, **fields)
        payload["messages"] = [*fields.get("messages", ()), *chat(text)["messages"]]
        body = json.dumps(payload).encode()
        with self._lock:
            self._sent[mark] = f"sha256:{hashlib.sha256(body).hexdigest()}"
        got = self.ask(CHAT, body, headers=headers)
        with self._lock:
            self.heard.append(got)
            if got.passed:
                self.passes[what] += 1
        return got

    def evaluate(self) -> Heard:
        """A policy question."""
        got = self.ask("/v1/policy/evaluate", {"action": "read"})
        with self._lock:
            self.evaluated += got.status == 200
        return got

    def waiting(self, what: str) -> str | None:
        """The approval of this shell command that waits, if it is asked for now; else None."""
        found = _APPROVAL.search(self.chat(what).body)
        return None if found is None else found.group().decode()

    def approve(self, name: str, what: str) -> Heard:
        """Say yes to this approval of this command."""
        with self._lock:
            self.approved.add(what)
        return self.ask(f"/v1/approvals/{name}", {"decision": "approve"}, key=self.gateway.approver)

    # -- its backend

    def answer(self, request: Received) -> Answer:
        """Note what is on disk at this moment; then "Hello", or the tool call that is asked for."""
        asked = request.json()
        mark, what, *_ = asked["messages"][-1]["content"].split(" ")
        with self._lock:
            digest = self._sent[mark]
            self.forwarded.add(digest)
        on_disk = [one["decision_id"] for one in self.audited() if one["request_hash"] == digest
                   and one["kind"] == "route"]  # fmt: skip
        kept = [one["id"] for one in self.decisions(digest) if one["request_hash"] == digest]
        if len(kept) != 1 or on_disk != kept:
            self.bad.append(f"{mark} was forwarded: decisions {kept}, audit records {on_disk}")
        if what == "hang":
            return [Hang()]
        if what.startswith("shell"):
            return _call(asked, "bash", {"command": f"touch {what}"})
        if what.startswith("write"):
            return _call(asked, "write", {"filePath": f"{what}.txt", "content": "x"})
        return hello(request)

    # -- what is on disk

    def audited(self) -> list[dict[str, Any]]:
        """The whole lines of the workspace's chain."""
        folder = self.gateway.workspaces["shop"] / ".sovereigncode" / "audit"
        text = b"".join(path.read_bytes() for path in sorted(folder.glob("audit-*.jsonl")))
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]

    def stored(self) -> list[dict[str, Any]]:
        """The chain of the store."""
        return [json.loads(line) for (line,) in self._sql("SELECT line FROM audit_records ORDER BY seq")]

    def decisions(self, part: str = "") -> list[dict[str, Any]]:
        """The decisions in whose text this is."""
        found = self._sql("SELECT document FROM decisions WHERE instr(document, ?)", part.encode())
        return [json.loads(document) for (document,) in found]

    def without_outcome(self) -> list[str]:
        """Each decision that is pending."""
        return [
            f"{one['id']} is pending" for one in self.decisions() if one["outcome"]["state"] not in _FINAL
        ]

    def _sql(self, statement: str, *values: Any) -> list[Any]:
        path = self.gateway.home / ".local" / "share" / "marama-route" / "gateway.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BOUND)) as store:
            return store.execute(statement, values).fetchall()


def _call(asked: Mapping[str, Any], tool: str, arguments: Mapping[str, str]) -> Answer:
    text, name = json.dumps(arguments), f"call_{arguments.get('filePath', 0)}"
    if asked.get("stream"):
        half = len(text) // 2
        parts = [call(0, text[:half], tool, name), call(0, text[half:])]
        return stream(chunk("So"), *parts, finish("tool_calls"))
    one = {"id": name, "type": "function", "function": {"name": tool, "arguments": text}}
    return whole(completion("So", "tool_calls", tool_calls=[one]))


@contextlib.contextmanager
def site(root: Path) -> Iterator[Site]:
    """A site whose gateway runs; at the end no key and no prompt is in any of its files."""
    made: list[Site] = []

    def answer(request: Received) -> Answer:
        return made[0].answer(request)

    with ModelBackend(answerer=answer) as backend:
        made.append(Site(root, backend))
        made[0].start()
        try:
            yield made[0]
        finally:
            made[0].gateway.stop()
    assert made[0].without_outcome() == []
    assert made[0].gateway.leaks() == []
