"""What the tests expect in the files, written out by hand: never taken from the catalogue under test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

KIMI: Final = "kimi-k2.6"
QWEN: Final = "qwen3-235b-a22b-instruct-2507-fp8"
MINIMAX: Final = "minimax-m2.7"
UPSTREAM: Final = {
    KIMI: "moonshotai/Kimi-K2.6",
    QWEN: "qwen/qwen3-235b-a22b-instruct-2507-fp8",
    MINIMAX: "minimaxai/minimax-m2.7",
}
BINDING: Final = "{file:~/.gonkagate/opencode/api-key}"
SCHEMA: Final = "https://opencode.ai/config.json"

PROVIDER: Final[dict[str, Any]] = {
    "name": "GonkaGate",
    "npm": "@ai-sdk/openai-compatible",
    "options": {"baseURL": "https://api.gonkagate.com/v1", "apiKey": BINDING},
    "models": {
        KIMI: {"id": UPSTREAM[KIMI], "name": "Kimi K2.6"},
        QWEN: {
            "id": UPSTREAM[QWEN],
            "name": "Qwen3 235B A22B Instruct 2507 FP8",
            "limit": {"context": 262144, "output": 8192},
            "tool_call": True,
        },
        MINIMAX: {"id": UPSTREAM[MINIMAX], "name": "MiniMax M2.7"},
    },
}


def activation(model: str) -> dict[str, str]:
    """The two keys that switch a model on."""
    return {"model": f"gonkagate/{model}", "small_model": f"gonkagate/{model}"}


def read(path: Path) -> dict[str, Any]:
    """A config without comments."""
    value = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def npm_tool_config(model: str = QWEN) -> dict[str, Any]:
    """The user config that `@gonkagate/opencode-setup` 0.2.5 leaves (docs/npm-tool.md)."""
    return {
        "$schema": SCHEMA,
        "autoupdate": False,
        "provider": {
            "gonkagate": {
                "name": "GonkaGate",
                "npm": "@ai-sdk/openai-compatible",
                "api": "chat_completions",
                "options": {"baseURL": "https://api.gonkagate.com/v1", "apiKey": BINDING},
                "models": {model: {"id": UPSTREAM[model], "name": PROVIDER["models"][model]["name"]}},
            }
        },
        **activation(model),
    }
