"""LiteLLM as a client, driven by `driven.py`, in the environment of scripts/requirements/clients.txt.

A call: "base_url", "key", "with" (the arguments of `completion`), "retries", "headers", "asynchronous". The
result is what the user of the library gets, or its exception.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

# The types of litellm are where it is installed, and the type checker is not.
import litellm  # type: ignore[import-not-found]

litellm.suppress_debug_info = True
litellm.telemetry = False


def _arguments(call: dict[str, Any]) -> dict[str, Any]:
    given = call["with"]
    return {
        **given,
        "model": f"openai/{given['model']}",
        "api_base": call["base_url"],
        "api_key": call["key"],
        "max_retries": call.get("retries", 0),
        "extra_headers": call.get("headers", {}),
        "timeout": 60,
    }


def asked(call: dict[str, Any]) -> dict[str, Any]:
    """A call, waited for."""
    answer = litellm.completion(**_arguments(call))
    if not call["with"].get("stream"):
        return {"answer": answer.model_dump()}
    return {"chunks": [chunk.model_dump() for chunk in answer]}


async def asked_asynchronously(call: dict[str, Any]) -> dict[str, Any]:
    """A call by the asynchronous function."""
    answer = await litellm.acompletion(**_arguments(call))
    if not call["with"].get("stream"):
        return {"answer": answer.model_dump()}
    return {"chunks": [chunk.model_dump() async for chunk in answer]}


def result_of(call: dict[str, Any]) -> dict[str, Any]:
    """What the library gives its user."""
    try:
        return asyncio.run(asked_asynchronously(call)) if call.get("asynchronous") else asked(call)
    except Exception as error:  # noqa: BLE001  # which class it is, is the result
        return {
            "error": type(error).__name__,
            "status_code": getattr(error, "status_code", None),
            "message": str(error),
        }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(result_of(json.loads(line)), default=str), flush=True)
