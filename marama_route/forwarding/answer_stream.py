"""A streamed answer: bytes of the backend in, bytes for the client out, tool calls held back until judged."""

from __future__ import annotations

from typing import Any, Final, Mapping

from marama_route import wire
from marama_route.backends.failures import Word
from marama_route.core import sse
from marama_route.core.errors import RequestRefusal
from marama_route.core.sse import Event, Parser
from marama_route.core.tool_calls import MOST_CALLS, Assembler, Call, ToolCallError
from marama_route.forwarding.chunks import Maker, Renamer

FINISH_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
# More is held back in a stream only by a fault of the backend: this is a whole file as a tool's argument.
MOST_HELD: Final = 8 * 1024 * 1024


class _WrongError(Exception):
    """An event that ends the answer."""

    def __init__(self, word: Word) -> None:
        super().__init__(word.value)
        self.word = word


class AnswerStream:
    """One answer. After `problem` or `done` nothing more is taken.

    `expected` is the number of choices that the client asked for.
    """

    def __init__(self, model: str, decision_id: str, expected: int = 1) -> None:
        self.problem: Word | None = None
        self.done = False
        self.usage: Mapping[str, Any] | None = None
        self._model = model
        self._decision_id = decision_id
        self._expected = expected
        self._parser = Parser()
        self._renamer = Renamer(model)
        self._first: Mapping[str, Any] = {}
        self._began = False
        self._finished: dict[int, str | None] = {}
        self._assembler = Assembler()
        self._held: list[tuple[bytes, dict[str, Any]]] = []
        self._held_size = 0

    @property
    def began(self) -> bool:
        """Whether a part of the answer has arrived; comments are none."""
        return self._began or (self.problem is None and self._parser.pending)

    @property
    def holding(self) -> bool:
        """Whether there are tool calls to be judged."""
        return bool(self._held)

    @property
    def complete(self) -> bool:
        """Whether every choice that has begun has ended."""
        return bool(self._finished) and None not in self._finished.values()

    @property
    def complete_in_full(self) -> bool:
        """Whether as many choices have ended as were asked for, so that little can follow."""
        return self.complete and len(self._finished) >= self._expected

    @property
    def open_choices(self) -> list[int]:
        """The choices that have not ended; the first one if none has begun."""
        return sorted(number for number, reason in self._finished.items() if reason is None) or [0]

    @property
    def finish_reason(self) -> str | None:
        """That of the first choice that has ended."""
        return next((self._finished[key] for key in sorted(self._finished) if self._finished[key]), None)

    def feed(self, data: bytes) -> bytes:
        """What can be sent on after these bytes of the backend."""
        if self.problem is not None or self.done:
            return b""
        out: list[bytes] = []
        try:
            for event in self._parser.feed(data):
                self._take(event, out)
                if self.done:
                    break
        except sse.EventTooLargeError:
            self.problem = Word.TOO_LARGE
        except _WrongError as wrong:
            self.problem = wrong.word
        except ToolCallError:
            self.problem = Word.UNCLEAR_CALL
        return b"".join(out)

    def end(self) -> None:
        """The backend has said all: now the answer is complete, or it has a problem."""
        if self.problem is None and not self.complete:
            self.problem = Word.NO_FINISH if self.done else Word.CUT_OFF

    def calls(self) -> tuple[Call, ...]:
        """The tool calls. ToolCallError if one of them cannot be judged."""
        return self._assembler.calls()

    def passed(self) -> bytes:
        """What was held back, as it came."""
        return b"".join(data for data, _ in self._held)

    def replaced(self, text: str, *, include_usage: bool) -> bytes:
        """What takes the place of what was held back: this text, in every choice with a call."""
        calling = {call.choice for call in self._assembler.calls()}
        out: list[bytes] = []
        for _, chunk in self._held:
            others = [choice for number, choice in _choices(chunk) if number not in calling]
            if others:
                out.append(self._renamer.plainly(Event(b""), {**chunk, "choices": others}))
        maker = self.maker()
        for number in sorted(calling):
            out += [maker.text(number, self._said(number) + text), maker.finish(number, "stop")]
            self._finished[number] = "stop"
        if include_usage and self.usage is not None:
            out.append(maker.usage(self.usage))
        return b"".join(out)

    def maker(self) -> Maker:
        """Makes chunks that continue this answer."""
        return Maker(self._model, self._first, self._decision_id)

    def _take(self, event: Event, out: list[bytes]) -> None:
        if event.data == sse.DONE:
            self.done = True
            return
        if not event.data.strip():
            return
        chunk = _parsed(event)
        choices = _choices(chunk)
        self._began = True
        if not self._first:
            self._first = {name: chunk.get(name) for name in ("id", "created")}
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self.usage = usage
        calling = False
        for number, choice in choices:
            calling = self._look_at(number, choice) or calling
        if calling:
            _check_unique(event)
            self._assembler.take(chunk)
        data = self._renamer.bytes_of(event, chunk, calling=calling)
        if not (calling or self._held):
            out.append(data)
            return
        self._held.append((data, chunk))
        self._held_size += len(data)
        if self._held_size > MOST_HELD:
            raise _WrongError(Word.TOO_LARGE)

    def _look_at(self, number: int, choice: dict[str, Any]) -> bool:
        """Note whether a choice has ended; whether it has a part of a tool call."""
        reason = choice.get("finish_reason")
        if reason is not None:
            if not isinstance(reason, str) or reason not in FINISH_REASONS:
                raise _WrongError(Word.UNKNOWN_FINISH)
            self._finished[number] = reason
        else:
            self._finished.setdefault(number, None)
        if "message" in choice and _has_call(choice["message"]):
            raise _WrongError(Word.UNCLEAR_CALL)
        return _has_call(choice.get("delta"))

    def _said(self, number: int) -> str:
        """The text that a choice has in what was held back."""
        said = ""
        for _, chunk in self._held:
            for index, choice in _choices(chunk):
                delta = choice.get("delta")
                content = delta.get("content") if isinstance(delta, dict) else None
                if index == number and isinstance(content, str):
                    said += content
        return f"{said}\n\n" if said else ""


def _parsed(event: Event) -> dict[str, Any]:
    try:
        chunk = wire.loads(event.data)
    except ValueError:
        raise _WrongError(Word.WRONG_CONTENT) from None
    if not isinstance(chunk, dict):
        raise _WrongError(Word.WRONG_CONTENT)
    if chunk.get("error") is not None:
        raise _WrongError(Word.ERROR_EVENT)
    return chunk


def _check_unique(event: Event) -> None:
    """What has two values for one key can be read as two different calls."""
    try:
        wire.request(event.data)
    except RequestRefusal:
        raise _WrongError(Word.UNCLEAR_CALL) from None


def _choices(chunk: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The choices of a chunk, each with its index."""
    choices = chunk.get("choices")
    if choices is None:
        return []
    if not isinstance(choices, list):
        raise _WrongError(Word.WRONG_CONTENT)
    found = []
    for position, choice in enumerate(choices):
        if not isinstance(choice, dict):
            raise _WrongError(Word.WRONG_CONTENT)
        number, delta = choice.get("index", position), choice.get("delta")
        # type() and not isinstance: true and false are no numbers here.
        if (
            type(number) is not int
            or not 0 <= number < MOST_CALLS
            or not (delta is None or type(delta) is dict)
        ):
            raise _WrongError(Word.WRONG_CONTENT)
        found.append((number, choice))
    return found


def _has_call(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    return bool(part.get("tool_calls")) or part.get("function_call") is not None
