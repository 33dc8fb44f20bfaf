"""Unified diffs that are bounded in time and size."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final, Iterator, Sequence

_CONTEXT: Final = 3
# Beyond this many pairs of lines the whole middle is shown as replaced: a comparison takes time for each
# pair.
_MOST_PAIRS: Final = 1_000_000
_MOST_LINES: Final = 4_000
_LONGEST_LINE: Final = 2_000

Opcode = tuple[str, int, int, int, int]


def unified(path: str, old: str | None, new: str | None) -> str:
    """The difference between two texts; None is a file that does not exist. Empty if there is none."""
    before, after = _lines(old), _lines(new)
    if old == new or (before == after and old is not None and new is not None):
        return ""
    head = [
        f"--- {'/dev/null' if old is None else f'a/{path}'}",
        f"+++ {'/dev/null' if new is None else f'b/{path}'}",
    ]
    body = list(_bounded(_hunks(before, after)))
    return "".join(f"{line}\n" for line in [*head, *body])


def _lines(text: str | None) -> list[str]:
    if not text:
        return []
    lines = text.split("\n")
    if lines[-1]:
        # What diff(1) says on a line of its own.
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == _MOST_LINES:
            yield "... (the rest of this difference is not shown)"
            return
        yield (
            line
            if len(line) <= _LONGEST_LINE
            else f"{line[:_LONGEST_LINE]} ... (the rest of this line is not shown)"
        )


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    old_end, new_end = len(old) - tail, len(new) - tail
    middle: list[Opcode] = []
    if (old_end - head) * (new_end - head) > _MOST_PAIRS:
        middle.append(("replace", head, old_end, head, new_end))
    else:
        matcher = SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
        middle = [
            (tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        ]
    return [("equal", 0, head, 0, head), *middle, ("equal", old_end, len(old), new_end, len(new))]


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    hunk: list[Opcode] = []
    for opcode in _opcodes(old, new):
        tag, i1, i2, j1, j2 = opcode
        if tag != "equal":
            hunk.append(opcode)
            continue
        size = i2 - i1
        if size > 2 * _CONTEXT or not hunk:
            if hunk:
                hunk.append(("equal", i1, min(i2, i1 + _CONTEXT), j1, min(j2, j1 + _CONTEXT)))
                yield from _hunk(hunk, old, new)
            cut = max(size - _CONTEXT, 0)
            hunk = [("equal", i1 + cut, i2, j1 + cut, j2)]
        else:
            hunk.append(opcode)
    if any(opcode[0] != "equal" for opcode in hunk):
        last = hunk[-1]
        if last[0] == "equal":
            hunk[-1] = (
                "equal",
                last[1],
                min(last[2], last[1] + _CONTEXT),
                last[3],
                min(last[4], last[3] + _CONTEXT),
            )
        yield from _hunk(hunk, old, new)


def _hunk(hunk: Sequence[Opcode], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    if all(opcode[0] == "equal" for opcode in hunk):
        return
    first, last = hunk[0], hunk[-1]
    yield f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@"
    for tag, i1, i2, j1, j2 in hunk:
        if tag == "equal":
            yield from (f" {line}" for line in old[i1:i2])
        else:
            yield from (f"-{line}" for line in old[i1:i2])
            yield from (f"+{line}" for line in new[j1:j2])


def _span(begin: int, end: int) -> str:
    length = end - begin
    return f"{begin + (1 if length else 0)},{length}" if length != 1 else f"{begin + 1}"
