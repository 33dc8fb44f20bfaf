"""How many tokens a question may have: an estimate, because each model counts in its own way."""

from __future__ import annotations

from typing import Any, Final, Iterable

# English text and source code have about four bytes a token in the usual tokenizers.
BYTES_PER_TOKEN: Final = 4
# What providers count for an image or a short recording is hundreds to some thousands.
MEDIA_TOKENS: Final = 1000
MESSAGE_TOKENS: Final = 4
_MEDIA: Final = {"image_url", "input_image", "input_audio", "audio_url", "video_url", "file"}


def estimated_tokens(values: Iterable[Any]) -> int:
    """The tokens of JSON values that a model reads: texts and keys by size, each medium at a fixed number.

    Works at any depth of nesting.
    """
    waiting = list(values)
    size = tokens = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            size += len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, dict):
            kind = value.get("type")
            if isinstance(kind, str) and kind in _MEDIA:
                tokens += MEDIA_TOKENS
                continue
            tokens += MESSAGE_TOKENS if "role" in value else 0
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif value is not None:
            size += BYTES_PER_TOKEN
    return tokens - -size // BYTES_PER_TOKEN
