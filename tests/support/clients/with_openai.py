"""OpenAI's own client, driven by `driven.py`, in the environment of scripts/requirements/chat.txt.

A call: "base_url", "key", "what" (`models`, `model`, `chat`, `stream`, `assembled`, `strict`), "with" (the
arguments of that), "retries", "timeout", "asynchronous", "headers". The result is what the user of the
library gets, or its exception.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

# The types of openai are where it is installed, and the type checker is not.
import openai  # type: ignore[import-not-found]
from openai.types import Model  # type: ignore[import-not-found]
from openai.types.chat import ChatCompletion, ChatCompletionChunk  # type: ignore[import-not-found]

_TYPES = {"answer": ChatCompletion, "chunk": ChatCompletionChunk, "model": Model}


def problems(kind: str, value: Any) -> list[str]:
    """What OpenAI's own types, read strictly, find wrong; no value of it."""
    try:
        _TYPES[kind].model_validate_json(json.dumps(value), strict=True)
    except ValueError as error:
        found: list[Any] = error.errors()  # type: ignore[attr-defined]
        return [f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found]
    return []


def _options(call: dict[str, Any]) -> dict[str, Any]:
    return {
        "base_url": call["base_url"],
        "api_key": call["key"],
        "timeout": call.get("timeout", 60),
        "max_retries": call.get("retries", 0),
        "default_headers": call.get("headers", {}),
    }


def _failed(error: Exception) -> dict[str, Any]:
    found = {"error": type(error).__name__, "message": getattr(error, "message", str(error))}
    for name in ("status_code", "code", "param", "type", "request_id"):
        found[name] = getattr(error, name, None)
    found["body"] = getattr(error, "body", None)
    return found


def asked(call: dict[str, Any]) -> dict[str, Any]:
    """A call by the plain client."""
    client, given = openai.OpenAI(**_options(call)), call.get("with", {})
    what = call["what"]
    if what == "models":
        return {"models": [model.model_dump() for model in client.models.list()]}
    if what == "model":
        return {"model": client.models.retrieve(**given).model_dump()}
    if what == "chat":
        answer = client.chat.completions.create(**given)
        return {"answer": answer.model_dump(), "request_id": answer._request_id}
    if what == "stream":
        chunks: list[Any] = []
        try:
            chunks += (chunk.model_dump() for chunk in client.chat.completions.create(stream=True, **given))
        except openai.APIError as error:
            return {**_failed(error), "chunks": chunks}
        return {"chunks": chunks}
    with client.chat.completions.stream(**given) as stream:
        for _ in stream:
            pass
        return {"answer": stream.get_final_completion().model_dump()}


async def asked_asynchronously(call: dict[str, Any]) -> dict[str, Any]:
    """A call by the asynchronous client."""
    given, what = call.get("with", {}), call["what"]
    async with openai.AsyncOpenAI(**_options(call)) as client:
        if what == "models":
            return {"models": [model.model_dump() async for model in client.models.list()]}
        if what == "model":
            return {"model": (await client.models.retrieve(**given)).model_dump()}
        if what == "chat":
            answer = await client.chat.completions.create(**given)
            return {"answer": answer.model_dump(), "request_id": answer._request_id}
        if what == "stream":
            chunks: list[Any] = []
            try:
                stream = await client.chat.completions.create(stream=True, **given)
                async for chunk in stream:
                    # Those before an error count, too.
                    chunks.append(chunk.model_dump())  # noqa: PERF401
            except openai.APIError as error:
                return {**_failed(error), "chunks": chunks}
            return {"chunks": chunks}
        async with client.chat.completions.stream(**given) as stream:
            async for _ in stream:
                pass
            return {"answer": (await stream.get_final_completion()).model_dump()}


def result_of(call: dict[str, Any]) -> dict[str, Any]:
    """What the client gives its user."""
    if call["what"] == "strict":
        return {"problems": problems(call["kind"], call["value"])}
    try:
        return asyncio.run(asked_asynchronously(call)) if call.get("asynchronous") else asked(call)
    except Exception as error:  # noqa: BLE001  # which class it is, is the result
        return _failed(error)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(result_of(json.loads(line))), flush=True)
