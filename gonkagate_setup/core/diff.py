"""The diff that a person sees before anything is written: no secrets, nothing that steers the terminal."""

from __future__ import annotations

import difflib
import re
from typing import Final, Iterator

from gonkagate_setup.core import jsonc_scan
from gonkagate_setup.core.jsonc_edit import splice
from gonkagate_setup.core.jsonc_lines import Edit
from gonkagate_setup.core.jsonc_scan import BOM, LINE_BREAK, STRING, Node
from gonkagate_setup.redaction import MASK, scrub

# opencode 1.18.33's own rule for what `debug config` hides; it also hides every string under `headers`.
_SECRET_NAME: Final = re.compile(
    r"api.?key|secret|password|token$|authorization$|cookie$|credential|private.?key|^headers$", re.IGNORECASE
)
_REFERENCE: Final = re.compile(r"(\{(?:file|env):[^}]+\})")
_USER_IN_URL: Final = re.compile(r"(?<=://)[^/\s\"@]+(?=@)")
# What scrub can find has one of these in it; looking for them first keeps large files quick.
_SUSPECT: Final = re.compile(
    r"gp|key|token|secret|passw|credential|authorization|cookie|://|\\u", re.IGNORECASE
)
# C0 without the tab, C1, what turns the direction of text, and what has no width.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_CONTEXT: Final = 3


def unified_diff(before: str | None, after: str | None, name: str) -> str:
    """A unified diff of two config texts that opencode accepts: None stands for no file, "" is no difference.

    Masked are strings under secret-looking names and under `headers`, and what `redaction.scrub` finds in
    other strings and in comments; references such as `{file:...}` are shown. Control characters are shown
    as escapes.
    """
    old, new = _lines(before), _lines(after)
    groups = difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT)
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


def _range(group: list[tuple[str, int, int, int, int]]) -> str:
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
    """The same lines as they may be shown, without their line ends."""
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
    edits = [Edit(start, end, _scrubbed(text[start:end])) for start, end in jsonc_scan.comments(text)]
    edits += _masked_strings(jsonc_scan.scan(text))
    return splice(text, edits)


def _masked_strings(root: Node) -> Iterator[Edit]:
    pending = [(root, False)]
    while pending:
        node, secret = pending.pop()
        if node.key_start is not None:
            match = STRING.match(node.text, node.key_start)
            secret = secret or _SECRET_NAME.search(node.key or "") is not None
            if match:
                yield Edit(*match.span(), _scrubbed(match[0]))
        pending.extend((item, secret) for item in node.items or ())
        if isinstance(node.value, str):
            yield Edit(node.start, node.end, _hidden(node.raw) if secret else _scrubbed_value(node))


def _hidden(raw: str) -> str:
    """A string with everything but its references masked."""
    parts = _REFERENCE.split(raw[1:-1])
    return '"' + "".join(part if index % 2 or not part else MASK for index, part in enumerate(parts)) + '"'


def _scrubbed_value(node: Node) -> str:
    scrubbed = _scrubbed(node.raw)
    hidden_by_escapes = "\\" in node.raw and scrubbed == node.raw and _scrubbed(node.value) != node.value
    return f'"{MASK}"' if hidden_by_escapes else scrubbed


def _scrubbed(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    return _USER_IN_URL.sub(MASK, scrub(text))
