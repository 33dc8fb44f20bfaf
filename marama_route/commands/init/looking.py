"""Asks the runtimes on loopback which models they have: all at once, and none longer than a moment."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Mapping, Sequence

from foundation import background
from marama_route.commands.init.runtimes import Found, Runtime

FIRST_SECONDS: Final = 0.3
DETAIL_SECONDS: Final = 1.0
_ADDRESS: Final = "127.0.0.1"
_LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class Answering:
    """A runtime that answered, with its models."""

    runtime: Runtime
    models: tuple[Found, ...]

    @property
    def names(self) -> list[str]:
        """What the runtime calls its models."""
        return [model.name for model in self.models]


def look(runtimes: Sequence[Runtime]) -> tuple[Answering, ...]:
    """Those of the runtimes that answer within 300 ms, with what they say of their models within a second."""
    until = time.monotonic() + FIRST_SECONDS
    asked = [(one, background.start(partial(_listed, one))) for one in runtimes]
    found = []
    for runtime, task in asked:
        task.wait(max(0.0, until - time.monotonic()))
        models = task.result() if task.done() else None
        if models is not None:
            found.append(Answering(runtime, models))
    until = time.monotonic() + DETAIL_SECONDS
    known: dict[tuple[str, str], Found] = {}
    details = [background.start(partial(_look_closer, one, known, until)) for one in found]
    for detail in details:
        detail.wait(max(0.0, until - time.monotonic()))
    seen = dict(known)
    return tuple(
        Answering(one.runtime, tuple(seen.get((one.runtime.name, model.name), model) for model in one.models))
        for one in found
    )


def _listed(runtime: Runtime) -> tuple[Found, ...] | None:
    answer = _ask(runtime.port, runtime.listing)
    return None if answer is None else tuple(runtime.models(answer))


def _look_closer(one: Answering, known: dict[tuple[str, str], Found], until: float) -> None:
    runtime = one.runtime
    if runtime.detail is None or runtime.detailed is None:
        return
    shared = None if runtime.body is not None else _ask(runtime.port, runtime.detail)
    for model in one.models:
        if time.monotonic() >= until:
            return
        answer = shared
        if runtime.body is not None:
            answer = _ask(runtime.port, runtime.detail, runtime.body(model.name))
        if answer is not None:
            known[runtime.name, model.name] = runtime.detailed(model, answer)


def _ask(port: int, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON object at a path; None for everything else. No proxy, no redirect, no key."""
    connection = http.client.HTTPConnection(_ADDRESS, port, timeout=FIRST_SECONDS)
    try:
        data = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request("GET" if body is None else "POST", path, data, headers)
        response = connection.getresponse()
        text = response.read(_LARGEST + 1)
        if response.status != http.client.OK or len(text) > _LARGEST:
            return None
        value = json.loads(text)
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    return value if isinstance(value, dict) else None
