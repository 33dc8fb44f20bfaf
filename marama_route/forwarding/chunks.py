"""Chunks of a stream: the model's name replaced, and chunks of our own."""

from __future__ import annotations

import re
from typing import Any, Final, Mapping

from marama_route import wire
from marama_route.core import sse

KEEP_ALIVE: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"
_KEY: Final = b'"model"'
_CALLS: Final = re.compile(rb'"(?:tool_calls|function_call)"\s*:')


class Renamer:
    """Gives chunks the selected model's id. Where it can, it changes these bytes only."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._quoted = wire.dumps(model)
        self._theirs: object = None
        self._pairs: tuple[tuple[bytes, bytes], ...] = ()

    def bytes_of(self, event: sse.Event, chunk: dict[str, Any], *, calling: bool = False) -> bytes:
        """The event as it is sent; `chunk` is the value of its data.

        `calling`: it has tool calls, and no key twice. In others a call could hide behind a key that appears
        twice.
        """
        theirs = chunk.get("model")
        if theirs != self._theirs:
            self._learn(theirs)
        data = event.data
        # The key is once in the text, and no letter of another is written as \u00XX: so this is the one of
        # the chunk itself, and not of an object in it.
        if data.count(_KEY) == 1 and b"\\u00" not in data and (calling or not _may_call(data)):
            for old, new in self._pairs:
                if old in data:
                    return _encoded(data.replace(old, new, 1), event.name)
        return self.plainly(event, chunk)

    def plainly(self, event: sse.Event, chunk: dict[str, Any]) -> bytes:
        """The same by writing the whole chunk again."""
        return _encoded(wire.dumps({**chunk, "model": self._model}), event.name)

    def _learn(self, theirs: object) -> None:
        self._theirs, self._pairs = theirs, ()
        if isinstance(theirs, str):
            old = wire.dumps(theirs)
            self._pairs = tuple((_KEY + colon + old, _KEY + colon + self._quoted) for colon in (b":", b": "))


def _may_call(data: bytes) -> bool:
    # Two plain searches find at once that there is nothing; the pattern tells a key from a finish_reason.
    return (b"tool_calls" in data or b"function_call" in data) and _CALLS.search(data) is not None


def _encoded(data: bytes, name: bytes) -> bytes:
    if name or b"\n" in data or b"\r" in data:
        return sse.encode(sse.Event(data, name))
    return b"data: " + data + b"\n\n"


class Maker:
    """Makes chunks that continue an answer: with its id and time, and the selected model."""

    def __init__(self, model: str, example: Mapping[str, Any], decision_id: str) -> None:
        """`example` is a chunk of the answer, or an empty mapping before the first one."""
        self._base = {
            "id": example.get("id") or f"chatcmpl-{decision_id}",
            "object": "chat.completion.chunk",
            "created": example.get("created") or 0,
            "model": model,
        }

    def text(self, choice: int, text: str) -> bytes:
        """A piece of text."""
        return self._event([{"index": choice, "delta": {"content": text}, "finish_reason": None}])

    def finish(self, choice: int, reason: str) -> bytes:
        """The end of a choice."""
        return self._event([{"index": choice, "delta": {}, "finish_reason": reason}])

    def usage(self, usage: Mapping[str, Any]) -> bytes:
        """The tokens that were used."""
        return self._event([], usage=usage)

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        return event({**self._base, "choices": choices, **more})


def event(value: Any) -> bytes:
    """A JSON value as one event."""
    return b"data: " + wire.dumps(value) + b"\n\n"
