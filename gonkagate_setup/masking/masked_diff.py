"""The diff that the user sees before anything is written: no secrets, nothing that controls the terminal."""

from __future__ import annotations

import difflib
import re
from typing import Final, Iterator

from foundation.secrets import MASK
from gonkagate_setup.masking.masking import hidden, masked, masked_comment, secret_flag, secret_name
from opencode_config.jsonc import scan
from opencode_config.jsonc.edit import splice
from opencode_config.jsonc.lines import Edit
from opencode_config.jsonc.scan import BOM, LINE_BREAK, STRING, Node

# C0 without the tab, C1, characters that change the direction of text, and those without width.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_CONTEXT: Final = 3


def unified_diff(before: str | None, after: str | None, name: str) -> str:
    """A unified diff of two config texts that opencode accepts: None means no file, "" no difference.

    What may be a secret, by its name or its shape, is masked; references such as `{file:...}` are shown.
    Control characters are shown as escapes.
    """
    old, new = _lines(before), _lines(after)
    groups = _groups(old, new)
    shown = _shown(before), _shown(after)
    body: list[str] = []
    for group in groups:
        body.append(_range(group))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                body += (" " + line for line in shown[0][old_start:old_end])
                continue
            body += ("-" + line for line in shown[0][old_start:old_end])
            body += ("+" + line for line in shown[1][new_start:new_end])
    if not body:
        return ""
    path = _escaped(name)
    head = [f"--- {'/dev/null' if before is None else path}", f"+++ {'/dev/null' if after is None else path}"]
    return "\n".join([*head, *body, ""])


_Group = list[tuple[str, int, int, int, int]]


def _groups(old: list[str], new: list[str]) -> list[_Group]:
    """The differing lines with their context; equal lines at both ends are cut off before the comparison."""
    shorter = min(len(old), len(new))
    head = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    left = shorter - head
    tail = next((index for index in range(left) if old[-1 - index] != new[-1 - index]), left)
    if head == len(old) == len(new):
        return []
    start, rest = max(head - _CONTEXT, 0), max(tail - _CONTEXT, 0)
    matcher = difflib.SequenceMatcher(None, old[start : len(old) - rest], new[start : len(new) - rest])
    return [
        [(tag, *(offset + start for offset in offsets)) for tag, *offsets in group]  # type: ignore[misc]
        for group in matcher.get_grouped_opcodes(_CONTEXT)
    ]


def _range(group: _Group) -> str:
    sides = []
    for start, end in ((group[0][1], group[-1][2]), (group[0][3], group[-1][4])):
        count = end - start
        first = start + 1 if count else start
        sides.append(str(first) if count == 1 else f"{first},{count}")
    return f"@@ -{sides[0]} +{sides[1]} @@"


def _lines(text: str | None) -> list[str]:
    """The lines with their line ends."""
    if not text:
        return []
    ends = [match.end() for match in LINE_BREAK.finditer(text)]
    starts = [0, *ends]
    return [text[start:end] for start, end in zip(starts, [*ends, len(text)]) if end > start]


def _shown(text: str | None) -> list[str]:
    """The same lines, masked for display, without their line ends."""
    lines = _lines(_masked(text)) if text else []
    shown = [_escaped(line.rstrip("\r\n")) for line in lines]
    if lines and not lines[-1].endswith(("\n", "\r")):
        shown[-1] += "\n\\ No newline at end of file"
    return shown


def _escaped(text: str) -> str:
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _masked(text: str) -> str:
    if text == BOM:
        return text
    edits = [Edit(start, end, masked_comment(text[start:end])) for start, end in scan.comments(text)]
    edits += _masked_values(scan.scan(text))
    return splice(text, edits)


def _masked_values(root: Node) -> Iterator[Edit]:
    pending = [(root, False)]
    while pending:
        node, secret = pending.pop()
        if node.key_start is not None:
            match = STRING.match(node.text, node.key_start)
            secret = secret or secret_name(node.key or "")
            if match:
                yield Edit(*match.span(), masked(match[0]))
        before: Node | None = None
        for item in node.items or ():
            named = item.key is None and before is not None and _is_flag(before)
            pending.append((item, secret or (named and not _is_flag(item))))
            before = item
        if isinstance(node.value, str) and node.text[node.start] == '"':
            yield Edit(node.start, node.end, f'"{hidden(node.raw[1:-1])}"' if secret else _masked_value(node))


def _is_flag(node: Node) -> bool:
    return isinstance(node.value, str) and secret_flag(node.value)


def _masked_value(node: Node) -> str:
    shown = masked(node.raw)
    hidden_by_escapes = "\\" in node.raw and shown == node.raw and masked(node.value) != node.value
    return f'"{MASK}"' if hidden_by_escapes else shown
