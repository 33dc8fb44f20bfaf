"""Bodies of the chat-completions protocol: answers, errors, lists of models."""

from __future__ import annotations

import enum
import json
from typing import Any, Final, Iterable, Mapping

from tests.stand_in.chat.received import Received, text_of
from tests.stand_in.chat.reply import Header, Reply

JSON_TYPE: Final[Header] = ("Content-Type", "application/json")
_CREATED: Final = 1767225600
_QUOTED: Final = 60


class Field(enum.Enum):
    """What a field of an answer is if it has no value of its own."""

    USUAL = "as a service would fill it"
    ABSENT = "not there"


USUAL: Final = Field.USUAL
ABSENT: Final = Field.ABSENT


def usual_text(request: Received) -> str:
    """An answer that names who was asked, which turn it is, and how the question begins."""
    turn = sum(1 for message in request.messages if message.get("role") == "user")
    prompt = request.prompt
    quoted = prompt if len(prompt) <= _QUOTED else f"{prompt[:_QUOTED]}..."
    return f"{request.slot or 'nobody'}, turn {turn}: you asked {quoted!r}"


def usual_usage(request: Received, text: str) -> dict[str, int]:
    """Token counts by a simple rule: one for every four characters, and one more."""
    asked = sum(map(len, map(text_of, request.messages))) // 4 + 1
    given = len(text) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}


def completion(
    request: Received,
    *,
    text: str | None = None,
    message: Any = USUAL,
    usage: Any = USUAL,
    request_id: str | bytes | Field = USUAL,
    body_id: Any = USUAL,
    headers: tuple[Header, ...] = (),
) -> Reply:
    """A whole answer with `text`; `message` replaces the object `choices[0].message`.

    `usage`, `body_id` (the field `id`) and `request_id` (the header `x-request-id`) may be any JSON value,
    or any bytes, or ABSENT.
    """
    said = usual_text(request) if text is None else text
    body: dict[str, Any] = {"object": "chat.completion", "created": _CREATED, "model": request.model}
    if body_id is not ABSENT:
        body["id"] = f"chatcmpl-{request.number:06}" if body_id is USUAL else body_id
    answer = {"role": "assistant", "content": said} if message is USUAL else message
    body["choices"] = [{"index": 0, "message": answer, "finish_reason": "stop"}]
    if usage is not ABSENT:
        body["usage"] = usual_usage(request, said) if usage is USUAL else usage
    return json_reply(200, body, (*identified(request, request_id), *headers))


def identified(request: Received, request_id: str | bytes | Field) -> tuple[Header, ...]:
    """The header with the request id, or none for ABSENT."""
    if isinstance(request_id, Field):
        return () if request_id is ABSENT else (("x-request-id", f"req-{request.number:06}"),)
    return (("x-request-id", request_id),)


def error(
    status: int,
    code: str | None,
    message: str = "the stand-in refuses this request",
    headers: tuple[Header, ...] = (),
) -> Reply:
    """An error in the shape that OpenAI's API gives it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    value = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return json_reply(status, value, headers)


def models(ids: Iterable[str]) -> Reply:
    """The answer to `GET /models`."""
    data = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "stand-in"} for name in ids]
    return json_reply(200, {"object": "list", "data": data})


def json_reply(status: int, value: Any, headers: tuple[Header, ...] = ()) -> Reply:
    """A reply whose body is `value` as JSON, in ASCII: lone surrogates and NaN come through."""
    return Reply(status, json.dumps(value).encode(), (JSON_TYPE, *headers))


def message_of(content: Any, **others: Any) -> Mapping[str, Any]:
    """An assistant's message with any content."""
    return {"role": "assistant", "content": content, **others}
