"""Keys in a file that git would commit: where they are, never what they are."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, Iterator, Sequence

from foundation.secrets import Secret
from foundation.secrets.encoded import find_known
from foundation.secrets.scrub import find_shaped, scrub
from opencode_config.jsonc import Document
from opencode_config.jsonc.scan import place

# A word such as `gp-tools` is not a key; a known key is found at any length.
_SHORTEST: Final = 11
_MOST: Final = 20


@dataclass(frozen=True)
class Found:
    """One place: 1-based line and column, the dotted config key, and whether the API key is a known one."""

    line: int
    column: int
    key: str | None
    known: bool


def keys_in(text: str, document: Document | None, secrets: Sequence[Secret]) -> Iterator[Found]:
    """The keys in a file's text, at most 20; `document` is its tree if it is JSONC."""
    known = find_known(text, secrets)
    ends = [end for _, end in known]
    shaped = [
        (start, end)
        for start, end in find_shaped(text)
        if end - start >= _SHORTEST and not _met(known, bisect_right(ends, start), end)
    ]
    starts = {start for start, _ in known}
    for start, _ in sorted([*known, *shaped])[:_MOST]:
        line, column = place(text, start)
        yield Found(line, column, _key_at(document, start, secrets), start in starts)


def _met(known: Sequence[tuple[int, int]], index: int, end: int) -> bool:
    """Whether something that ends there overlaps the first span that ends after it begins."""
    return index < len(known) and known[index][0] < end


def _key_at(document: Document | None, offset: int, secrets: Sequence[Secret]) -> str | None:
    """The dotted key of the innermost value around the offset; None in a comment at the top and the like."""
    names: list[str] = []
    node = None if document is None else document.root
    while node is not None:
        inner = [item for item in node.items or () if item.lead <= offset < item.end]
        if not inner:
            break
        place_in = (node.items or []).index(inner[0])
        node = inner[0]
        names.append(str(place_in) if node.key is None else node.key)
    # The key may itself be part of a name.
    return scrub(".".join(names), secrets) if names else None
