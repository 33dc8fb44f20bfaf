"""What the catalogue asks of a request, compared with a request."""

from __future__ import annotations

from typing import Any, Final, Mapping

from gonkagate_setup.catalog import Model
from scripts.validating.outcome import WorkflowFailure, expect
from tests.stand_in import Request

# Measured with opencode 1.14.34 to 1.18.33 (docs/opencode-facts.md#providers-and-the-keys-that-gate-them).
_DEFAULT_OUTPUT: Final = 32000
# How the chat-completions adapter spells options that are its own; all others go out as they are.
_SPELLING: Final = {"reasoningEffort": "reasoning_effort", "textVerbosity": "verbosity"}
# GonkaGate answers 400 to a request with one of them (docs/npm-tool.md#what-is-known-about-the-service).
_REFUSED: Final = ("promptCacheKey", "prompt_cache_key")


def check_settings(model: Model, request: Request) -> dict[str, Any]:
    """The settings that were asked for and found, by name; WorkflowFailure for the first that is not."""
    body = request.json
    limit = _DEFAULT_OUTPUT if model.limit is None else min(model.limit.output, _DEFAULT_OUTPUT)
    _same("max_tokens", limit, body.get("max_tokens"))
    _same("stream", True, body.get("stream"))
    for name in _REFUSED:
        expect(name not in body, f"no {name} in the request, which GonkaGate refuses", "there is one")
    found: dict[str, Any] = {"max_tokens": limit, "stream": True}
    for name, value in {"tool_call": True, **model.compatibility}.items():
        found.update(_compatibility(name, value, request, body))
    return found


def _compatibility(name: str, value: Any, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    if name == "tool_call":
        _same("tools offered", bool(value), bool(body.get("tools")))
        return {"tool_call": value}
    if name == "headers":
        for header, wanted in value.items():
            _same(f"header {header}", wanted, request.headers.get(header.lower()))
        return {f"headers.{header}": True for header in value}
    if name == "options":
        for option, wanted in value.items():
            _same(f"option {option}", wanted, body.get(_SPELLING.get(option, option)))
        return {f"options.{option}": True for option in value}
    raise WorkflowFailure(
        f"a check for the compatibility setting {name} of the catalogue",
        "scripts/validating/settings.py has none",
    )


def _same(what: str, wanted: Any, found: Any) -> None:
    expect(type(found) is type(wanted) and found == wanted, f"{what}: {wanted}", found)
