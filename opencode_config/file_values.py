"""Values from other files: `{file:…}` at the keys that are judged.

opencode puts the trimmed text of the file in their place (docs/opencode-facts.md#references). Only what the
judgement compares is looked up: no key, no header, nothing of other providers, because those may be secrets.
"""

from __future__ import annotations

from typing import Any, Callable, Final, Iterator, Mapping

from opencode_config.judged_keys import SETTINGS, Path, key_path
from opencode_config.substitution import file_references, fill_in

# `mode` is an older spelling of `agent`.
_TOP: Final = (*SETTINGS, "agent", "mode")
_SECRET: Final = (key_path("")[-1], "headers")


def arguments(config: Mapping[str, Any], provider: str) -> Iterator[str]:
    """The paths, as written, that the judged values of a config refer to."""
    for _, value in _referring(config, provider):
        for text in _texts(value):
            yield from (found.argument for found in file_references(text, filled=True))


def filled(
    config: Mapping[str, Any], provider: str, content: Callable[[str], str | None]
) -> Mapping[str, Any]:
    """The config with each reference replaced by `content` of its path; None keeps the reference."""

    def text(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return fill_in(value, file_references(value, filled=True), content)

    result = dict(config)
    for path, value in _referring(config, provider):
        inner = result
        for key in path[:-1]:
            inner[key] = dict(inner[key])
            inner = inner[key]
        inner[path[-1]] = [text(entry) for entry in value] if isinstance(value, list) else text(value)
    return result


def _referring(config: Mapping[str, Any], provider: str) -> list[tuple[Path, Any]]:
    """The judged texts, and lists of texts, that contain a reference, each with its path."""
    stack: list[tuple[Path, Any]] = [((key,), config[key]) for key in _TOP if key in config]
    own = config.get("provider")
    if isinstance(own, dict) and provider in own:
        stack.append((("provider", provider), own[provider]))
    found = []
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            stack += [((*path, key), child) for key, child in value.items() if key not in _SECRET]
        elif any("{file:" in text for text in _texts(value)):
            found.append((path, value))
    return found


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value that is not an object."""
    yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
