"""The service as a process of its own: programmed by JSON lines on its standard input.

An order is `{"do": NAME, ...}`: "answer", "fail" and "clear" with the arguments of `ChatStandIn`; "fault"
with the `name` of a reply in faults.py; "requests" gives what was received, with the key masked. Each
is answered by one line, `{"ok": ...}` or `{"error": TEXT}`. The first line that it writes says where it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Sequence

from tests.stand_in.chat import faults
from tests.stand_in.chat.received import Received
from tests.stand_in.chat.reply import Reply
from tests.stand_in.chat.service import KEY, MODELS, ChatStandIn

KEY_VARIABLE: Final = "CHAT_STAND_IN_KEY"
ROOT: Final = Path(__file__).resolve().parents[3]
_PARENT_SECONDS: Final = 0.5
_END_SECONDS: Final = 10.0


def serve(service: ChatStandIn, orders: IO[str] | None, output: IO[str], seconds: float) -> None:
    """Carry out orders, and end with them, with the parent process, or after so many seconds."""
    ended = threading.Event()
    parent = os.getppid()

    def say(value: dict[str, Any]) -> None:
        print(json.dumps(value), file=output, flush=True)

    def listen(orders: IO[str]) -> None:
        for line in orders:
            say(answer_to(service, json.loads(line)))
        ended.set()

    say({"base_url": service.base_url, "pid": os.getpid()})
    if orders is not None:
        threading.Thread(target=listen, args=(orders,), daemon=True).start()
    waited = 0.0
    # On Windows the parent's number stays the same when it is gone; there its orders end with it.
    while waited < seconds and os.getppid() == parent and not ended.wait(_PARENT_SECONDS):
        waited += _PARENT_SECONDS


def answer_to(service: ChatStandIn, order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order; the line that answers it."""
    try:
        return {"ok": carry_out(service, order)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def carry_out(service: ChatStandIn, order: dict[str, Any]) -> Any:
    """Do what an order says; what it gives can be written as JSON."""
    what = order.pop("do", None)
    if what == "requests":
        return [described(request, service.key) for request in service.requests]
    if what == "fault":
        reply = getattr(faults, order.pop("name"))
        if not isinstance(reply, Reply):
            raise TypeError("this is not the name of a reply")
        service.reply(reply, **order)
        return None
    if what not in ("answer", "fail", "clear"):
        raise ValueError(f"no such order: {what}")
    getattr(service, what)(**order)
    return None


def described(request: Received, key: str) -> dict[str, Any]:
    """A request as JSON, without the key."""
    fields = {
        "number": request.number,
        "connection": request.connection,
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "body": request.json or None,
        "slot": request.slot,
        "arrived": request.arrived,
        "ended": request.ended,
        "outcome": request.outcome,
        "status": request.status,
    }
    masked: dict[str, Any] = json.loads(json.dumps(fields).replace(json.dumps(key)[1:-1], "***"))
    return masked


class ChatProcess:
    """The service in its own process; a context manager. `base_url` and `key` are what a client needs."""

    def __init__(
        self, *, key: str = KEY, models: Sequence[str] = MODELS, after: float = 0.0, seconds: float = 600.0
    ) -> None:
        self.key = key
        command = [sys.executable, "-m", "tests.stand_in.chat", "--orders"]
        command += ["--after", str(after), "--seconds", str(seconds)]
        for model in models:
            command += ["--model", model]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, KEY_VARIABLE: key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        first = self._line()
        self.base_url: str = first["base_url"]
        self.pid: int = first["pid"]

    def __enter__(self) -> ChatProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def answer(self, text: str | None = None, *, after: float = 0.0, **which: Any) -> None:
        """As `ChatStandIn.answer`."""
        self._order("answer", text=text, after=after, **which)

    def fail(self, status: int, *, retry_after: str | None = None, **which: Any) -> None:
        """As `ChatStandIn.fail`."""
        self._order("fail", status=status, retry_after=retry_after, **which)

    def fault(self, name: str, **which: Any) -> None:
        """As `ChatStandIn.reply` with the reply of this name in faults.py."""
        self._order("fault", name=name, **which)

    def clear(self) -> None:
        """As `ChatStandIn.clear`."""
        self._order("clear")

    def requests(self) -> list[dict[str, Any]]:
        """What was received so far, see `described`."""
        received: list[dict[str, Any]] = self._order("requests")
        return received

    def _order(self, do: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._line()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["ok"]

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OSError(f"the stand-in ended with status {self._process.wait()}")
        value: dict[str, Any] = json.loads(line)
        return value
