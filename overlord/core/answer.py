"""What a provider's body says: models, useful text, usage, request id. The body may be anything."""

from __future__ import annotations

import json
from typing import Any, Callable, Final, Mapping

from overlord.core import usage
from overlord.core.failures import Failure
from overlord.core.json_values import Json

_LONGEST_ID: Final = 200
_MOST_DIGITS: Final = 400


def parse(body: bytes) -> Any:
    """The JSON of a body; Failure unexpected_answer."""
    try:
        return json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        raise Failure("unexpected_answer", "the answer is not JSON") from None


def _integer(digits: str) -> float:
    """A number too long to be a count is infinite, as 1e999 is, so that the answer beside it is not lost.

    Before 3.9.14, int() took minutes for a number of 4 MiB, and nothing else ran (CVE-2020-10735).
    """
    return int(digits) if len(digits) <= _MOST_DIGITS else float("inf")


def models(body: bytes) -> tuple[str, ...]:
    """The ids that `GET /models` lists; Failure unexpected_answer."""
    value = parse(body)
    data = value.get("data") if isinstance(value, Mapping) else None
    if not isinstance(data, list):
        raise Failure("unexpected_answer", "the model list does not have the documented form")
    ids = (entry.get("id") for entry in data if isinstance(entry, Mapping))
    return tuple(name for name in ids if isinstance(name, str))


def parsed_if_json(body: bytes) -> Any:
    """The JSON of an error's body, None for anything else."""
    try:
        return parse(body)
    except Failure:
        return None


def useful_text(value: Any) -> str:
    """`choices[0].message.content` with a letter or digit in it; Failure unexpected_answer, no_text."""
    if error_code_of(value) == "context_length_exceeded":
        raise Failure("context_overflow", "the conversation is too long for the model")
    choices = value.get("choices") if isinstance(value, Mapping) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise Failure("unexpected_answer", "the answer is not a chat completion")
    message = choices[0].get("message")
    content = message.get("content") if isinstance(message, Mapping) else None
    text = content if isinstance(content, str) else _joined(content)
    if not any(character.isalnum() for character in text):
        raise Failure("no_text", "the answer has no text")
    return text


def error_code_of(value: Any) -> str | None:
    """The code of an error in a parsed body."""
    error = value.get("error") if isinstance(value, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) else None


def _joined(parts: Any) -> str:
    if not isinstance(parts, list):
        return ""
    texts = (
        part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type", "text") == "text"
    )
    return "".join(text for text in texts if isinstance(text, str))


def usage_of(value: Any) -> Json:
    """The usage of an answer."""
    return usage.of_answer(value.get("usage") if isinstance(value, Mapping) else None)


def request_id(header: str | None, value: Any, masked: Callable[[str], str]) -> str | None:
    """The header `x-request-id`, else the body's id; printable ASCII only, at most 200 characters.

    It is `masked` before it is cut, so that no part of a key is left at its end.
    """
    named = value.get("id") if isinstance(value, Mapping) else None
    for candidate in (header, named):
        if isinstance(candidate, str):
            printable = "".join(character for character in candidate if " " <= character <= "~")
            if printable.strip():
                return masked(printable)[:_LONGEST_ID]
    return None
