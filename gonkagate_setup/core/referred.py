"""Values that stand in other files: `{file:…}` at the keys that are judged.

opencode puts the trimmed text of the file in their place (opencode-facts section 3). Only what the judgement
compares is looked up: no key, no header, nothing of other providers, for those may be secrets.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Callable, Final, Iterator, Mapping

from gonkagate_setup.core.references import file_references

_TOP: Final = ("model", "small_model", "enabled_providers", "disabled_providers", "default_agent")
_SECRET: Final = ("apiKey", "headers")
Path = tuple[str, ...]


def arguments(config: Mapping[str, Any], provider: str) -> Iterator[str]:
    """The paths, as written, that the judged values of a config refer to."""
    for _, value in _referring(config, provider):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield from (found.argument for found in file_references(text, filled=True))


def filled(
    config: Mapping[str, Any], provider: str, content: Callable[[str], str | None]
) -> Mapping[str, Any]:
    """The config with `content` of a path as written in its place; None leaves the reference."""

    def text(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts, done = [], 0
        for found in file_references(value, filled=True):
            known = content(found.argument)
            parts += [value[done : found.start], value[found.start : found.end] if known is None else known]
            done = found.end
        return "".join((*parts, value[done:]))

    result = dict(config)
    for path, value in _referring(config, provider):
        inner = result
        for key in path[:-1]:
            inner[key] = dict(inner[key])
            inner = inner[key]
        inner[path[-1]] = [text(entry) for entry in value] if isinstance(value, list) else text(value)
    return result


def place(argument: str, base: PurePath, home: PurePath) -> PurePath:
    """The file that a path as written leads to: only `~/` is the home, all else is relative to `base`."""
    return home / argument[2:] if argument.startswith("~/") else base / argument


def _referring(config: Mapping[str, Any], provider: str) -> list[tuple[Path, Any]]:
    stack: list[tuple[Path, Any]] = [
        ((key,), config[key]) for key in (*_TOP, "agent", "mode") if key in config
    ]
    own = config.get("provider")
    if isinstance(own, dict) and provider in own:
        stack.append((("provider", provider), own[provider]))
    found = []
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            stack += [((*path, key), child) for key, child in value.items() if key not in _SECRET]
        elif any(
            "{file:" in text
            for text in (value if isinstance(value, list) else [value])
            if isinstance(text, str)
        ):
            found.append((path, value))
    return found
