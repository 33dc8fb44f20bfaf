"""A text as it may be shown or kept: values of a config that may be secrets are masked."""

from __future__ import annotations

import difflib
from typing import Final, Iterator

from foundation.secrets import MASK
from foundation.secrets.scrub import scrub
from opencode_config import jsonc
from opencode_config.jsonc import edit
from opencode_config.jsonc.lines import Edit
from opencode_config.output import masked_name
from opencode_config.substitution import env_references, file_references

_HEADERS: Final = "headers"
_OURS: Final = ("X-AbteeX-Tenant", "X-AbteeX-Workspace-Capsule")


def masked(text: str) -> str:
    """A config's text; one that cannot be parsed is cleaned of what looks like a secret anywhere."""
    try:
        document = jsonc.parse(text)
    except jsonc.JsoncError:
        return scrub(text)
    edits = [Edit(node.start, node.end, f'"{MASK}"') for node in _secret(document)]
    return scrub(edit.splice(text, edits))


def diff(before: str | None, after: str, name: str) -> str:
    """A unified diff of two texts as they may be shown; None means that there was no file."""
    old = [] if before is None else masked(before).splitlines()
    new = masked(after).splitlines()
    first = "/dev/null" if before is None else name
    return "\n".join(difflib.unified_diff(old, new, first, name, lineterm=""))


def _secret(document: jsonc.Document) -> Iterator[jsonc.Node]:
    pending = [] if document.root is None else [(document.root, False)]
    while pending:
        node, in_headers = pending.pop()
        for item in node.items or ():
            key = item.key or ""
            hidden = masked_name(key) or (in_headers and key not in _OURS)
            if isinstance(item.value, str) and hidden and not _is_reference(item.value):
                yield item
            pending.append((item, key == _HEADERS))


def _is_reference(value: str) -> bool:
    found = [*env_references(value), *file_references(value)]
    return len(found) == 1 and (found[0].start, found[0].end) == (0, len(value))
