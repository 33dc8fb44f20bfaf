"""OpenAI's own client as a process: a call is a line of JSON on standard input, its result a line of JSON.

Runs in the environment of scripts/requirements/chat.txt. A call has "base_url", "key", "timeout" in seconds,
"retries" and, for a chat, "model" and "messages"; without these the models are listed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

# The types of openai are where it is installed, and the type checker is not.
import openai  # type: ignore[import-not-found]


def result_of(call: dict[str, Any]) -> dict[str, Any]:
    """What the client gives its user: an answer, a list of models, or an error."""
    client = openai.OpenAI(
        base_url=call["base_url"], api_key=call["key"], timeout=call["timeout"], max_retries=call["retries"]
    )
    try:
        if "messages" not in call:
            return {"models": [model.id for model in client.models.list()]}
        answer = client.chat.completions.create(model=call["model"], messages=call["messages"], stream=False)
        usage = answer.usage.model_dump(exclude_none=True) if answer.usage else None
        text = answer.choices[0].message.content
        return {"text": text, "id": answer.id, "request_id": answer._request_id, "usage": usage}
    except openai.APIStatusError as error:
        kind = type(error).__name__
        return {
            "error": kind, "code": error.code, "request_id": error.request_id, "status": error.status_code
        }  # fmt: skip
    except (openai.APIError, ValueError) as error:
        return {"error": type(error).__name__}


for line in sys.stdin:
    print(json.dumps(result_of(json.loads(line))), flush=True)
