"""A tool call as a value: when two calls are the same one. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence, TypeAlias

import rfc8785

Json: TypeAlias = bool | int | float | str | Sequence[Any] | Mapping[str, Any] | None


@dataclass(frozen=True)
class Call:
    """One tool call; make it with `of`. Two calls with the same digest are the same call."""

    tool: str
    arguments: Json
    capsule_id: str | None
    session_id: str | None

    @classmethod
    def of(cls, tool: str, arguments: str, capsule_id: str | None, session_id: str | None) -> Call:
        """The call as the model made it: `arguments` is its text, see `as_arguments`."""
        return cls(clean(tool), as_arguments(arguments), optional(capsule_id), optional(session_id))

    @property
    def digest(self) -> str:
        """SHA-256, as lower-case hex, of tool, arguments, capsule and session as canonical JSON."""
        return digest_of(
            {
                "tool": self.tool,
                "arguments": self.arguments,
                "capsule_id": self.capsule_id,
                "session_id": self.session_id,
            }
        )


def as_arguments(text: str) -> Json:
    """The arguments of a call as JSON, or the text itself if it is not JSON that means one thing only.

    Keys that appear twice, numbers that others would read differently and text that is not Unicode are kept
    as text: two programs may read them as different calls, so only the same text is the same call.
    """
    text = clean(text)
    try:
        value: Json = strict_json(text)
        if not isinstance(value, dict) or json.loads(rfc8785.dumps(value)) != value:
            return text
    except (ValueError, RecursionError, OverflowError):
        return text
    return value


def clean(text: str) -> str:
    """UTF-8 for the bytes of a header that are not: they arrive as lone surrogates (PEP 383)."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def optional(text: str | None) -> str | None:
    """As `clean`; an empty text is none."""
    return clean(text) if text else None


def digest_of(value: Mapping[str, Any]) -> str:
    """SHA-256, as lower-case hex, of the canonical JSON. Raises ValueError if there is none."""
    return hashlib.sha256(rfc8785.dumps(dict(value))).hexdigest()


def strict_json(text: str) -> Any:
    """JSON without keys that appear twice and without NaN. Raises ValueError, RecursionError."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_none)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value


def _none(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
