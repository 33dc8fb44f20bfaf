"""The allow-list of the tenant policy: values that are not findings."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import Final, Iterable

# No longer value is compared with a glob.
_LONGEST: Final = 4096
_BETWEEN: Final = str.maketrans("", "", " -().\n")


class Ignored:
    """Literals and globs (`*`, `?`, `[…]`), without regard to case; separators within a number do not matter.

    `*@example.com` ignores every address there, `+64 21 000 0000` one number however it is written.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.entries = tuple(entries)
        self._literals = frozenset(self.entries) | {_bare(entry) for entry in self.entries}
        self._literals |= {entry.casefold() for entry in self._literals}
        globs = [entry for entry in self.entries if any(sign in entry for sign in "*?[")]
        self._globs = tuple(re.compile(translate(entry.casefold())) for entry in globs)

    def __repr__(self) -> str:
        return f"Ignored({len(self.entries)} entries)"

    def has(self, value: bytes) -> bool:
        """Whether the value is in the list."""
        if not self.entries:
            return False
        text = value.decode("utf-8", "replace").casefold()
        if text in self._literals or _bare(text) in self._literals:
            return True
        return len(text) <= _LONGEST and any(glob.match(text) for glob in self._globs)


def _bare(text: str) -> str:
    bare = text.translate(_BETWEEN)
    return bare if any(character.isdigit() for character in bare) else text


NONE: Final = Ignored()
