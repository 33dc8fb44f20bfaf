"""What `approvals watch` shows next, and a diff in colour."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Final, Sequence

from foundation.terminal.text import style, visible
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.files import Listed

# A hunk's header: how many lines of the old and of the new file follow (POSIX diff -u; 1 if not given).
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True)
class News:
    """What changed since the last look: approvals that wait, and those that wait no more, as they are now."""

    pending: tuple[Listed, ...]
    settled: tuple[Listed, ...]


class Watch:
    """Looks at the approvals again and again; `look` is asked for all of them, oldest first."""

    def __init__(self, look: Callable[[], Sequence[Listed]]) -> None:
        self._look = look
        self._waiting: frozenset[str] = frozenset()

    def next(self) -> News:
        """What is new. The first call gives everything that waits."""
        now = self._look()
        pending = [one for one in now if one.state is State.PENDING]
        news = News(
            tuple(one for one in pending if one.id not in self._waiting),
            tuple(one for one in now if one.id in self._waiting and one.state is not State.PENDING),
        )
        self._waiting = frozenset(one.id for one in pending)
        return news


def coloured(diff: str) -> str:
    """A unified diff for a terminal: every control character visible, lines in the colour of what they do.

    Only the lines that a hunk's header announces are added or removed ones, so a file that contains `+++`
    cannot look like another file's diff.
    """
    old = new = 0
    lines = []
    for line in diff.removesuffix("\n").split("\n"):
        hunk = _HUNK.match(line)
        if hunk is not None:  # every line of a hunk begins with a blank, + or -
            old, new = (1 if count is None else int(count[:9]) for count in hunk.groups())
            lines.append(_shown(line, "place"))
            continue
        colour = {"+": "added", "-": "removed"}.get(line[:1]) if old > 0 or new > 0 else "heading"
        old -= line[:1] in {"-", " ", ""}
        new -= line[:1] in {"+", " ", ""}
        lines.append(_shown(line, colour))
    return "\n".join(lines)


def _shown(line: str, colour: str | None) -> str:
    text = "\t".join(map(visible, line.split("\t")))
    return style(text, colour) if colour is not None and text else text
