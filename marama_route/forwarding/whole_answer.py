"""A whole answer: checked, its tool calls taken out to be judged, the model's name replaced."""

from __future__ import annotations

from typing import Any, Final, Mapping

from marama_route import wire
from marama_route.backends.failures import Word, failed
from marama_route.core import tool_calls
from marama_route.core.tool_calls import Call, ToolCallError
from marama_route.forwarding.answer_stream import FINISH_REASONS

_CALLS: Final = ("tool_calls", "function_call")


class WholeAnswer:
    """One `chat.completion`."""

    def __init__(self, data: bytes, model: str) -> None:
        """Raises BackendError: wrong_content for what is not an answer, or what is wrong with the answer."""
        self._model = model
        self._value = _parsed(data)
        self._choices: list[dict[str, Any]] = self._value["choices"]
        for choice in self._choices:
            reason = choice.get("finish_reason")
            if not isinstance(reason, str) or reason not in FINISH_REASONS:
                raise failed(Word.NO_FINISH if reason is None else Word.UNKNOWN_FINISH)
            if "delta" in choice:
                raise failed(Word.WRONG_CONTENT)
        try:
            self.calls: tuple[Call, ...] = tool_calls.whole(self._value)
        except ToolCallError:
            raise failed(Word.UNCLEAR_CALL) from None

    @property
    def finish_reason(self) -> str:
        """That of the first choice."""
        return str(self._choices[0]["finish_reason"])

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The backend's own count of tokens."""
        usage = self._value.get("usage")
        return usage if isinstance(usage, dict) else None

    def passed(self) -> bytes:
        """The answer with the selected model's id."""
        return wire.dumps({**self._value, "model": self._model})

    def replace(self, text: str) -> None:
        """Put this text in the place of the tool calls, after the text that was there before them."""
        calling = {call.choice for call in self.calls}
        for position, choice in enumerate(self._choices):
            if choice.get("index", position) not in calling:
                continue
            message = {name: value for name, value in choice["message"].items() if name not in _CALLS}
            said = message.get("content")
            message["content"] = f"{said}\n\n{text}" if isinstance(said, str) and said else text
            choice.update(message=message, finish_reason="stop")


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = wire.loads(data)
    except ValueError:
        raise failed(Word.WRONG_CONTENT) from None
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or not choices or value.get("error") is not None:
        raise failed(Word.WRONG_CONTENT)
    if not all(isinstance(choice, dict) and isinstance(choice.get("message"), dict) for choice in choices):
        raise failed(Word.WRONG_CONTENT)
    return value
