"""The `$schema` that opencode adds, when it starts, to a config without one.

Tried with 1.14.34 to 1.18.33: opencode replaces everything up to the first `{`, if only blanks and a byte
order mark are before it. A file that begins with a comment is not changed.
"""

from __future__ import annotations

import re
from typing import Any, Final, Mapping

KEY: Final = "$schema"
URL: Final = "https://opencode.ai/config.json"
_START: Final = re.compile(r"\A[\t\n\v\f\r \ufeff]*\{")
_WITH_KEY: Final = f'{{\n  "{KEY}": "{URL}",'


def is_added_to(text: str, value: Mapping[str, Any]) -> bool:
    """Whether opencode adds it to a config with this text, which means `value`."""
    return KEY not in value and _START.match(text) is not None


def as_opencode_leaves_it(data: bytes) -> bytes:
    """What opencode makes of a config without `$schema` when it starts."""
    text = data.decode("utf-8", "surrogateescape")
    return _START.sub(lambda _: _WITH_KEY, text, count=1).encode("utf-8", "surrogateescape")
