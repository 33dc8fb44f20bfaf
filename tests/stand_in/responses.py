"""The `responses` protocol, which GonkaGate does not speak today: for rehearsing the migration to it.

The events are the ones that opencode's `@ai-sdk/openai` adapter needs for a plain text answer.
"""

from __future__ import annotations

import json
from typing import Any, Final, Iterator

from tests.stand_in.protocol import MODELS
from tests.stand_in.records import RefusedError, Request

PATH: Final = "/v1/responses"
ANSWER: Final = "Hello from the responses endpoint."
_ITEM: Final = {"type": "message", "id": "msg_1"}


def responses(request: Request) -> Iterator[str]:
    """A plain answer to any prompt; an `Answerer`."""
    body = request.json
    if body.get("model") not in MODELS:
        raise RefusedError(404, "model_not_found")
    if body.get("stream") is not True or not body.get("input"):
        raise RefusedError(400, "only_streaming_is_scripted")
    return _events(body["model"])


def _events(model: str) -> Iterator[str]:
    started = {"id": "resp_1", "created_at": 1767225600, "model": model}
    yield _event("response.created", response=started)
    yield _event("response.output_item.added", output_index=0, item=_ITEM)
    for word in ANSWER.split(" "):
        yield _event("response.output_text.delta", item_id=_ITEM["id"], output_index=0, delta=f"{word} ")
    yield _event("response.output_item.done", output_index=0, item=_ITEM)
    usage = {"input_tokens": 10, "output_tokens": 10, "total_tokens": 20}
    yield _event("response.completed", response={**started, "usage": usage})


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})
