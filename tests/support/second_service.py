"""A chat service that we did not write: llmock, from PyPI, in its own environment and process.

So that a client of the protocol is not only proved against our own idea of it. It lists models of its own,
counts tokens, has a context window, fails as it is told to, and judges the client: whether it waited as
long as it was asked to, and retried nothing that must not be retried. It takes any key and gives no request
id.

Measured before it was chosen, on two cores: it starts in 1 s, and takes 62 MB of memory and 84 MB of disk.
LiteLLM's proxy with mock responses takes 8 s, 335 MB and 756 MB, and cannot be pinned for Intel Macs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Final, Iterator, Mapping

import pytest

from scripts.lib import cache
from tests.support.machine import ROOT

OLDEST_PYTHON: Final = (3, 10)
MODEL: Final = "gpt-4o-mini"
ULTRA_MODEL: Final = "gpt-4o"
# In llmock's count, which is one token for four characters of text.
CONTEXT_WINDOW: Final = 8000
_SECONDS: Final = 30.0
_END_SECONDS: Final = 1.0


class SecondService:
    """The running service. `base_url`, `key`, `model` and `ultra_model` are what a client needs."""

    def __init__(self, url: str) -> None:
        self.base_url = f"{url}/v1"
        self.key = "any-key"
        self.model = MODEL
        self.ultra_model = ULTRA_MODEL
        self._control = f"{url}/_llmock"

    def fail(
        self,
        status: int,
        *,
        retry_after: float | None = None,
        model: str | None = None,
        code: str | None = None,
        times: int | None = 1,
        path: str = "/v1/chat/completions",
    ) -> None:
        """Answer the next requests with this status, and with `Retry-After` in seconds."""
        behaviour = {
            "type": "fail",
            "status": status,
            "retry_after": retry_after,
            "code": code,
            "times": times,
        }
        self._queue(behaviour, model, path)

    def reply(self, text: str, *, model: str | None = None, times: int | None = 1) -> None:
        """Answer with this text."""
        self._queue({"type": "reply", "text": text, "times": times}, model, "/v1/chat/completions")

    def delay(self, seconds: float, *, model: str | None = None, times: int | None = 1) -> None:
        """Answer after so many seconds."""
        self._queue({"type": "delay", "seconds": seconds, "times": times}, model, "/v1/chat/completions")

    def requests(self) -> list[dict[str, Any]]:
        """What it noted of each request, oldest first: "path", "model", "status", "body", ..."""
        noted: list[dict[str, Any]] = self._ask("GET", "requests")["requests"]
        return noted

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests."""
        return [one["body"] for one in self.requests() if one["path"].endswith("/chat/completions")]

    def findings(self) -> list[str]:
        """What it holds against the client, by its own codes, such as "retry_after_ignored"."""
        return [str(one["code"]) for one in self._ask("GET", "verdict")["findings"]]

    def reset(self) -> None:
        """Forget every request and everything that was queued."""
        self._ask("POST", "reset")

    def _queue(self, behaviour: dict[str, Any], model: str | None, path: str) -> None:
        given = {name: value for name, value in behaviour.items() if value is not None or name == "times"}
        match = {"path": path, **({} if model is None else {"model": model})}
        self._ask("POST", "scenario", {"behaviors": [{**given, "match": match}]})

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._control}/{what}", data, method=method)
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return json.load(answer)


def environment() -> Path:
    """The Python that llmock and OpenAI's client are installed in; skips the test if there can be none."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        pytest.skip("llmock and OpenAI's client need Python 3.10 or newer")
    return cache.python_environment(sys.executable, "chat.txt")


@contextmanager
def _child(script: str, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A script of this folder in that environment; it ends with its standard input."""
    command = [str(environment()), str(ROOT / "tests" / "support" / script)]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def second_service() -> Iterator[SecondService]:
    """llmock, running meanwhile."""
    with _child("llmock_server.py", {**os.environ, "LLMOCK_CONTEXT_WINDOW": str(CONTEXT_WINDOW)}) as process:
        assert process.stdout is not None
        yield SecondService(json.loads(process.stdout.readline())["url"])


Call = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def openai_client() -> Iterator[Call]:
    """OpenAI's own client, running meanwhile: makes a call and gives its result, see `openai_client.py`."""
    with _child("openai_client.py", os.environ) as process:

        def call(wanted: dict[str, Any]) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(wanted) + "\n")
            process.stdin.flush()
            result: dict[str, Any] = json.loads(process.stdout.readline())
            return result

        yield call
