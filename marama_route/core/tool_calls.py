"""Tool calls put together from the deltas of a stream, or read from a whole answer.

The tool gate judges what comes out of here, so nothing is guessed: a delta that two clients could join
in two ways is refused, and the answer with it. The older `function_call` and `custom` tools are calls too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

MOST_CALLS: Final = 128
LARGEST: Final = 16 * 1024 * 1024
# OpenAI's first form, one call an answer and without an index; in a call it has this one.
_OLD_FORM: Final = -1


class ToolCallError(ValueError):
    """What a backend sent is not a tool call that can be judged; the message has no content of it."""


@dataclass(frozen=True)
class Call:
    """One whole call: the choice and index it belongs to, and the texts exactly as they were sent.

    `id` is None where the backend gives none. `index` is -1 for the older `function_call`. `custom`: the tool
    takes a free text, so `arguments` is not JSON.
    """

    choice: int
    index: int
    id: str | None
    name: str
    arguments: str
    custom: bool = False


@dataclass
class _Draft:
    id: str | None = None
    name: str | None = None
    kind: str | None = None
    arguments: list[str] = field(default_factory=list)


class Assembler:
    """Deltas in, calls out; bounded in the number of calls and the size of their arguments."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._drafts: dict[tuple[int, int], _Draft] = {}
        self._largest = largest
        self._size = 0

    @property
    def open(self) -> bool:
        """Whether any part of a call has arrived."""
        return bool(self._drafts)

    def take(self, chunk: Any, part: str = "delta") -> bool:
        """Everything that belongs to calls in a chunk, or with `message` in an answer; whether any was."""
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        taken = False
        for position, value in enumerate([] if choices is None else _list(choices, "choices")):
            choice = _object(value, "a choice")
            number = _number(choice.get("index", position), "the index of a choice")
            inner = choice.get(part)
            if inner is not None:
                taken = self._take_part(number, _object(inner, part), whole=part == "message") or taken
        return taken

    def calls(self) -> tuple[Call, ...]:
        """The calls, by choice and index. ToolCallError if one of them has no name."""
        found = []
        for (choice, index), draft in sorted(self._drafts.items()):
            if not draft.name:
                raise ToolCallError("a tool call has no name")
            text, custom = "".join(draft.arguments), draft.kind == "custom"
            found.append(Call(choice, index, draft.id, draft.name, text, custom))
        return tuple(found)

    def _take_part(self, choice: int, part: dict[str, Any], *, whole: bool) -> bool:
        calls, old = part.get("tool_calls"), part.get("function_call")
        for place, call in enumerate([] if calls is None else _list(calls, "tool_calls")):
            self._take_call(choice, _object(call, "a tool call"), place if whole else None)
        if old is not None:
            self._add(choice, _OLD_FORM, None, "function", _object(old, "function_call"), "arguments")
        return bool(calls) or old is not None

    def _take_call(self, choice: int, call: dict[str, Any], place: int | None) -> None:
        index = self._index(choice, call) if place is None else place
        kind = _text(call.get("type"), "the type of a tool call")
        if kind not in (None, "", "function", "custom"):
            raise ToolCallError("a tool call has a type that is not known")
        if "function" in call and "custom" in call:
            raise ToolCallError("a tool call has two forms")
        name, argument = ("custom", "input") if "custom" in call else ("function", "arguments")
        if kind and kind != name and name in call:
            raise ToolCallError("a tool call is not of the type that it names")
        body = call.get(name)
        inner = {} if body is None else _object(body, "the body of a tool call")
        identity = _text(call.get("id"), "the id of a tool call") or None
        self._add(choice, index, identity, name if body is not None else None, inner, argument)

    def _index(self, choice: int, call: dict[str, Any]) -> int:
        if call.get("index") is not None:
            return _number(call["index"], "the index of a tool call")
        # Some backends give no index and send each call whole; then its id is what tells it from the others.
        own = [(index, draft) for (of, index), draft in self._drafts.items() if of == choice and index >= 0]
        identity = call.get("id")
        for index, draft in own:
            if identity and draft.id == identity:
                return index
        if identity:
            return max((index for index, _ in own), default=-1) + 1
        if len(own) == 1:
            return own[0][0]
        raise ToolCallError("a part of a tool call does not say which call it belongs to")

    def _add(
        self, choice: int, index: int, identity: str | None, kind: str | None, body: dict[str, Any], key: str
    ) -> None:
        draft = self._drafts.setdefault((choice, index), _Draft())
        if len(self._drafts) > MOST_CALLS:
            raise ToolCallError(f"an answer has more than {MOST_CALLS} tool calls")
        draft.id = _same(draft.id, identity, "id")
        draft.kind = _same(draft.kind, kind, "type")
        draft.name = _same(draft.name, _text(body.get("name"), "the name of a tool") or None, "name")
        piece = _text(body.get(key), "the arguments of a tool call") or ""
        self._size += len(piece)
        if self._size > self._largest:
            raise ToolCallError("the arguments of the tool calls are too large")
        draft.arguments.append(piece)


def whole(answer: Any) -> tuple[Call, ...]:
    """The calls of a `chat.completion` that came as one answer."""
    assembler = Assembler()
    assembler.take(answer, "message")
    return assembler.calls()


def _same(known: str | None, given: str | None, what: str) -> str | None:
    # openai-python joins the pieces of a name, the AI SDK keeps the first one. The same one again is none:
    # some backends send id and name with every piece of the arguments.
    if known is not None and given is not None and given != known:
        raise ToolCallError(f"a tool call has two values for its {what}")
    return known if given is None else given


def _text(value: Any, what: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ToolCallError(f"{what} is not a text")


def _number(value: Any, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_CALLS:
        return value
    raise ToolCallError(f"{what} is not a whole number from 0 to {MOST_CALLS - 1}")


def _object(value: Any, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ToolCallError(f"{what} is not an object")


def _list(value: Any, what: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise ToolCallError(f"{what} is not a list")
