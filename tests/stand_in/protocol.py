"""GonkaGate's side of the chat-completions protocol: what a body must be, and the streamed events."""

from __future__ import annotations

import json
from typing import Any, Callable, Final, Iterator

from tests.stand_in.records import RefusedError, Request
from tests.stand_in.script import Answer, answer

# Gives the data lines of the streamed answer to a request; RefusedError, raised by the call, instead of one.
Answerer = Callable[[Request], Iterator[str]]

# Upstream ids as GonkaGate's own opencode setup curated them in May 2026.
MODELS: Final = (
    "moonshotai/Kimi-K2.6",
    "qwen/qwen3-235b-a22b-instruct-2507-fp8",
    "minimaxai/minimax-m2.7",
)
_CREATED: Final = 1767225600


def judge_body(body: bytes) -> tuple[int, str]:
    """Status and error code for a chat-completions body; (200, "") when it can be answered."""
    try:
        value = json.loads(body)
    except ValueError:
        return 400, "invalid_json"
    if value.get("model") not in MODELS:
        return 404, "model_not_found"
    if value.get("stream") is not True:
        return 400, "only_streaming_is_scripted"
    # GonkaGate rejects this field (seen in its mimo setup tool).
    if {"promptCacheKey", "prompt_cache_key"} & set(value):
        return 400, "unsupported_field"
    return 200, ""


def chat_completions(request: Request) -> Iterator[str]:
    """The scripted answer to a request; an `Answerer`."""
    status, code = judge_body(request.body)
    if code:
        raise RefusedError(status, code)
    return events(request.json["model"], answer(request.json))


def model_list() -> dict[str, Any]:
    """The body of `GET /v1/models`."""
    data = [
        {"id": model, "object": "model", "created": _CREATED, "owned_by": model.partition("/")[0]}
        for model in MODELS
    ]
    return {"object": "list", "data": data}


def events(model: str, reply: Answer) -> Iterator[str]:
    """The data lines of a streamed chat completion, with usage and the closing [DONE]."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps({**base, "choices": [choice]})

    base = {"id": "stand-in", "object": "chat.completion.chunk", "created": _CREATED, "model": model}
    yield chunk({"role": "assistant", "content": ""})
    if reply.tool is None:
        for piece in reply.pieces():
            yield chunk({"content": piece})
    else:
        function = {"name": reply.tool, "arguments": ""}
        yield chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]})
        for piece in reply.pieces():
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield chunk({}, "stop" if reply.tool is None else "tool_calls")
    yield json.dumps(
        {**base, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}}
    )
    yield "[DONE]"
