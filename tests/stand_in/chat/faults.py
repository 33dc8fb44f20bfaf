"""What a service, or what is between it and us, can do wrong: replies for `ChatStandIn.reply`.

Those that are a body only are right HTTP around a wrong body. Every one can be changed with `Reply.but`.
"""

from __future__ import annotations

import gzip
import json
from typing import Any, Final, Mapping

from tests.stand_in.chat.bodies import JSON_TYPE, error, json_reply, message_of
from tests.stand_in.chat.reply import Header, Reply

LIMIT: Final = 4 << 20
_ID: Final[Header] = ("x-request-id", "req-fault")


def answer(content: Any = "A whole answer.", **fields: Any) -> Reply:
    """A whole answer with any content; `fields` are added to the message."""
    return choices([{"index": 0, "message": message_of(content, **fields), "finish_reason": "stop"}])


def choices(value: Any) -> Reply:
    """A body with these choices."""
    return json_reply(200, {"id": "chatcmpl-fault", "object": "chat.completion", "choices": value}, (_ID,))


def body(data: bytes, content_type: str = "application/json", status: int = 200) -> Reply:
    """Any body."""
    return Reply(status, data, (("Content-Type", content_type), _ID))


def redirect(location: str, status: int = 307) -> Reply:
    """A redirect to another place, with a body that nobody should read."""
    return body(b"moved", "text/plain", status).but(headers=(("Location", location),))


def raw(data: bytes) -> Reply:
    """Any bytes in place of a response; then the connection is closed."""
    return Reply(head=data)


# Errors that the protocol knows.

CONTEXT_OVERFLOW: Final = error(
    400,
    "context_length_exceeded",
    "This model's maximum context length is 8192 tokens. However, you sent more.",
)
CONTEXT_OVERFLOW_413: Final = error(413, "context_length_exceeded")
ERROR_AS_TEXT: Final = body(b"upstream connect error or disconnect/reset before headers", "text/plain", 503)
ERROR_AS_HTML: Final = body(b"<html><h1>502 Bad Gateway</h1></html>", "text/html", 502)
ERROR_WITHOUT_CODE: Final = json_reply(400, {"error": "not an object"})
ERROR_IN_A_LIST: Final = json_reply(400, [{"error": {"code": 400, "message": "as Google's API puts it"}}])

# The connection.

DROPPED: Final = Reply(head_bytes=0)
RESET: Final = Reply(head_bytes=0, then="reset")
CUT_STATUS_LINE: Final = answer().but(head_bytes=7)
CUT_HEADERS: Final = answer().but(head_bytes=40)
CUT_BODY: Final = answer().but(body_bytes=20)
CUT_BEFORE_BODY: Final = answer().but(body_bytes=0)
RESET_IN_BODY: Final = answer().but(body_bytes=20, then="reset")
CUT_CHUNKS: Final = answer().but(framing="chunked", body_bytes=20)
CUT_IN_A_CHUNK: Final = raw(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + answer().body[:20]
)
SILENT: Final = Reply(head_bytes=0, then="hang")
SILENT_IN_HEADERS: Final = answer().but(head_bytes=40, then="hang")
SILENT_IN_BODY: Final = answer().but(body_bytes=20, then="hang")
SILENT_AFTER_BODY: Final = answer().but(framing="close", then="hang")


def dripping(seconds: float = 1.0) -> Reply:
    """A whole answer of which a byte comes every so many seconds."""
    return answer().but(drip=seconds)


def dripping_head(seconds: float = 1.0) -> Reply:
    """As `dripping`, but already the status line comes byte by byte."""
    whole = answer()
    head = next(step for step in whole.steps() if isinstance(step, bytes))
    return Reply(head=b"", body=head + whole.body, framing="close", drip=seconds)


# HTTP that is unusual, and right.

CHUNKED: Final = answer().but(framing="chunked")
UNTIL_CLOSE: Final = answer().but(framing="close")
HTTP_1_0: Final = raw(b"HTTP/1.0 200 OK\r\n\r\n" + answer().body)
CONTINUE_FIRST: Final = answer().but(interim=(b"HTTP/1.1 100 Continue\r\n\r\n",))
EARLY_HINTS_FIRST: Final = answer().but(
    interim=(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n")
)
NO_CONTENT_TYPE: Final = Reply(body=answer().body, headers=(_ID,))
LONG_HEADER: Final = answer().but(headers=(("x-long", "h" * 10_000),))
FOLDED_HEADER: Final = answer().but(headers=(("x-folded", b"one\r\n two"),))
REPEATED_ID: Final = answer().but(headers=(("x-request-id", "req-again"),))

# HTTP that is wrong.

NOT_HTTP: Final = raw(b"SSH-2.0-OpenSSH_9.2\r\n")
BINARY: Final = raw(bytes(range(256)))
BAD_STATUS: Final = raw(b"HTTP/1.1 2x0 OK\r\n\r\n")
NO_STATUS_BUT_HEADERS: Final = raw(b"Content-Type: application/json\r\n\r\n{}")
STATUS_999: Final = raw(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n")
STATUS_204: Final = raw(b"HTTP/1.1 204 No Content\r\n\r\n")
ENDLESS_CONTINUE: Final = Reply(
    head=b"", body=b"HTTP/1.1 100 Continue\r\n\r\n" * 100, repeat=10_000, framing="close"
)
BAD_LENGTH: Final = raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + answer().body)
NEGATIVE_LENGTH: Final = raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + answer().body)
BAD_CHUNK: Final = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + answer().body)
HUGE_HEADER: Final = answer().but(headers=(("x-huge", "h" * 100_000),))
MANY_HEADERS: Final = answer().but(headers=tuple((f"x-{count}", "h" * 100) for count in range(1000)))
HEADERS_WITHOUT_END: Final = Reply(head=b"HTTP/1.1 200 OK\r\n", body=b"x-more: again\r\n" * 1000, repeat=1000)

# Sizes. The first one is the largest that is allowed.

_PADDING: Final = LIMIT - len(answer("").body)
AT_THE_LIMIT: Final = answer("a" * _PADDING)
OVER_THE_LIMIT: Final = answer("a" * (_PADDING + 1))
OVER_THE_LIMIT_CHUNKED: Final = OVER_THE_LIMIT.but(framing="chunked")
OVER_THE_LIMIT_UNTIL_CLOSE: Final = OVER_THE_LIMIT.but(framing="close")
OVER_THE_LIMIT_ANNOUNCED: Final = answer().but(announced=LIMIT + 1, then="hang")
ENDLESS: Final = Reply(body=b" " * 65536, framing="chunked", repeat=4096)
ERROR_OVER_THE_LIMIT: Final = OVER_THE_LIMIT.but(status=500)

# Bodies that are no answer.

NOT_JSON: Final = body(b"I am sorry, but I cannot", "text/plain")
HTML: Final = body(b"<!doctype html><title>Log in to the Wi-Fi</title>", "text/html; charset=utf-8")
EMPTY: Final = body(b"")
HALF_JSON: Final = body(answer().body[:-10])
TWO_VALUES: Final = body(answer().body * 2)
STREAMED: Final = body(
    b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n', "text/event-stream"
)
JSON_TEXT: Final = body(b'"just a text"')
JSON_LIST: Final = body(b"[]")
JSON_NULL: Final = body(b"null")
NO_CHOICES: Final = json_reply(200, {"id": "chatcmpl-fault", "object": "chat.completion"})
EMPTY_CHOICES: Final = choices([])
CHOICES_NULL: Final = choices(None)
CHOICES_OBJECT: Final = choices({"0": {"message": message_of("x")}})
CHOICE_TEXT: Final = choices(["x"])
NO_MESSAGE: Final = choices([{"index": 0, "text": "as the older completions have it"}])
MESSAGE_TEXT: Final = choices([{"index": 0, "message": "x"}])
ERROR_WITH_200: Final = json_reply(200, {"error": {"message": "overloaded", "code": "overloaded"}})
GZIP: Final = body(gzip.compress(answer().body)).but(headers=(("Content-Encoding", "gzip"),))
UTF_16: Final = body(answer("Grüße").body.decode().encode("utf-16"), "application/json; charset=utf-16")
LATIN_1: Final = body('{"choices":[{"message":{"content":"Grüße"}}]}'.encode("latin-1"), "application/json")
DEEP: Final = body(b"[" * 200_000 + b"]" * 200_000)
DEEP_CONTENT: Final = body(b'{"choices":[{"message":{"content":' + b"[" * 200_000)
NOT_A_NUMBER: Final = body(b'{"choices":[{"message":{"content":NaN}}]}')
HUGE_NUMBER: Final = body(b'{"choices":[{"message":{"content":' + b"9" * 100_000 + b"}}]}")

# Whole answers without useful text.

NO_TEXT: Final[Mapping[str, Reply]] = {
    "null": answer(None),
    "empty": answer(""),
    "white space": answer(" \n\t\u00a0"),
    "punctuation": answer("... ?! \u2014 \u2705"),
    "invisible": answer("\u200b\u200d\ufeff"),
    "number": answer(42),
    "object": answer({"text": "not a list of parts"}),
    "empty list": answer([]),
    "list of images": answer([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]),
    "list of reasoning": answer([{"type": "reasoning", "reasoning": "I think"}]),
    "list of nonsense": answer([None, 1, "text", {"text": 5}, {"text": "..."}]),
    "no content": choices([{"index": 0, "message": {"role": "assistant"}}]),
    "reasoning": answer(None, reasoning_content="Let me think", reasoning="Let me think"),
    "refusal": answer(None, refusal="I cannot help with that"),
    "tool calls": answer(
        None, tool_calls=[{"id": "1", "type": "function", "function": {"name": "run", "arguments": "{}"}}]
    ),
}

# Whole answers with useful text in an unusual form: the reply, and its text.

UNUSUAL_TEXT: Final[Mapping[str, tuple[Reply, str]]] = {
    "parts": (answer([{"type": "text", "text": "One, "}, {"type": "text", "text": "two."}]), "One, two."),
    "parts and others": (
        answer([{"type": "reasoning", "reasoning": "r"}, {"type": "text", "text": "Only this."}]),
        "Only this.",
    ),
    "one digit": (answer("7"), "7"),
    "another script": (answer("\u6c34"), "\u6c34"),
    "with reasoning": (answer("The text.", reasoning_content="not this"), "The text."),
    "with tool calls": (answer("The text.", tool_calls=[]), "The text."),
    "UTF-8 without escapes": (body('{"choices":[{"message":{"content":"Grüße"}}]}'.encode()), "Grüße"),
    "two choices": (
        choices(
            [{"index": 0, "message": message_of("First.")}, {"index": 1, "message": message_of("Second.")}]
        ),
        "First.",
    ),
    "white space around": (answer("\n  Indented.\n"), "\n  Indented.\n"),
}
# What comes after a lone surrogate is up to the client, as long as the answer can be stored and shown.
LONE_SURROGATE: Final = answer("before \ud800 after")
CONTROL_CHARACTERS: Final = answer("one \x1b[31mred\x1b[0m \x07 \x00 \u202e two")

# The lists of models, for `what="models"`.

MODELS_WITHOUT_LIST: Final = json_reply(200, {"object": "list", "data": {"fugu": {}}})
MODELS_WITHOUT_DATA: Final = json_reply(200, {"object": "list"})
MODELS_BARE_LIST: Final = json_reply(200, [{"id": "fugu"}, {"id": "fugu-ultra"}])
MODELS_EMPTY: Final = json_reply(200, {"object": "list", "data": []})
MODELS_NONSENSE: Final = json_reply(200, {"data": [None, "fugu", {"id": 5}, {"name": "fugu-ultra"}, []]})
MODELS_OVER_THE_LIMIT: Final = json_reply(200, {"data": [], "padding": "a" * LIMIT})
MODELS_WITH_NONSENSE: Final = json_reply(
    200, {"data": [None, 5, {"id": None}, {"id": "fugu"}, {"id": "fugu-ultra", "object": {}}]}
)

# What `usage` may be, for `ChatStandIn.answer(usage=...)`.

NONSENSE_USAGE: Final[Mapping[str, Any]] = {
    "null": None,
    "list": [],
    "text": "many",
    "empty": {},
    "texts": {"prompt_tokens": "10", "completion_tokens": "5", "total_tokens": "15"},
    "negative": {"prompt_tokens": -10, "completion_tokens": -5, "total_tokens": -15},
    "booleans": {"prompt_tokens": True, "completion_tokens": False, "total_tokens": True},
    "floats": {"prompt_tokens": 10.5, "completion_tokens": 5.0, "total_tokens": 15.5},
    "nulls": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "not numbers": {"prompt_tokens": float("nan"), "completion_tokens": float("inf"), "total_tokens": 1},
    "huge": {"prompt_tokens": 10**400, "completion_tokens": 1, "total_tokens": 1},
}
PARTIAL_USAGE: Final[Mapping[str, Any]] = {
    "prompt": {"prompt_tokens": 10},
    "completion": {"completion_tokens": 5},
    "total": {"total_tokens": 15},
    "without total": {"prompt_tokens": 10, "completion_tokens": 5},
}

# What a request id may be, for `ChatStandIn.answer(request_id=...)`.

ODD_REQUEST_IDS: Final[Mapping[str, bytes]] = {
    "control": b"req-\x01\x1b[31m-one",
    "tab": b"req-\tone",
    "UTF-8": "req-é-одна".encode(),
    "Latin-1": b"req-\xe9",
    "long": b"r" * 10_000,
    "empty": b"",
    "spaces": b"   ",
}


def holding(key: str) -> dict[str, Reply]:
    """Replies that give the key back wherever a careless service, or one that lies in wait, can put it."""
    named: tuple[Header, ...] = (("x-request-id", f"req-{key}"),)
    return {
        "in the text": answer(f"Your key is {key}, is it not?"),
        "as the text": answer(key),
        "in a part": answer([{"type": "text", "text": key[:9]}, {"type": "text", "text": key[9:]}]),
        "in the header": Reply(body=answer().body, headers=(JSON_TYPE, *named)),
        "in the body's id": json_reply(
            200, {"id": f"chatcmpl-{key}", "choices": [{"message": message_of("Fine.")}]}
        ),
        "in an error": error(401, "invalid_api_key", f"Incorrect API key provided: {key}", named),
        "in an error code": error(400, f"bad-{key}", "no"),
        "in an error as text": body(f"Bearer {key} was refused".encode(), "text/plain", 400),
        "in a redirect": redirect(f"https://example.org/?key={key}"),
        "in no JSON": body(f"<p>{key}</p>".encode(), "text/html"),
        "in a status line": raw(f"HTTP/1.1 400 Bad key {key}\r\nContent-Length: 0\r\n\r\n".encode()),
        "in place of HTTP": raw(f"{key}\r\n\r\n".encode()),
        "escaped": body(
            b'{"choices":[{"message":{"content":"'
            + "".join(f"\\u{ord(char):04x}" for char in key).encode()
            + b' it is"}}]}'
        ),
        "in the model": json_reply(200, {**json.loads(answer().body), "model": key}),
    }


def models_holding(key: str, *listed: str) -> Reply:
    """A list of models in which the key is an id."""
    return json_reply(
        200, {"data": [{"id": key}, {"id": f"{key}-ultra"}, *({"id": name} for name in listed)]}
    )
