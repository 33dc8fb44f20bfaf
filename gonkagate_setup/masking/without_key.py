"""A config without the key: the normal binding replaces whatever may be a key."""

from __future__ import annotations

import json
import re
from typing import Any, Final, Iterable, Iterator

from foundation.secrets import Secret
from foundation.secrets.encoded import replace_known
from gonkagate_setup.catalog import Profile
from opencode_config import jsonc
from opencode_config.judged_keys import key_path

# Shorter literals could be part of something else.
_UNMISTAKABLE: Final = 8
_REFERENCE: Final = re.compile(r"\{(?:env|file):[^}]+\}\Z")


def without_key(text: str, profile: Profile, secrets: Iterable[Secret] = ()) -> str:
    """The text with the binding for every value at `provider.<id>.options.apiKey` that is not a reference.

    The same value is replaced wherever else it appears, and so are the `secrets` in every form. If the text
    cannot be parsed, or has that path twice, everything that looks like a key is replaced as well.
    """
    path = key_path(profile.id)
    literals: list[Secret] = []
    try:
        document = jsonc.parse(text)
    except jsonc.JsoncError:
        shapes = True
    else:
        shapes = any(path[: len(entry.path)] == entry.path for entry in document.duplicates)
        nodes = [node for node in _all_at(document, path) if not harmless(node.value, profile)]
        literals = [
            Secret(found) for node in nodes for found in _texts(node, profile) if _telling(found, profile)
        ]
        binding = json.dumps(profile.key_binding)
        for node in reversed(nodes):
            text = text[: node.start] + binding + text[node.end :]
    text = replace_known(text, [*secrets, *literals], profile.key_binding)
    return _key_shaped(profile).sub(profile.key_binding, text) if shapes else text


def harmless(value: Any, profile: Profile) -> bool:
    """Whether the value at `apiKey` is no secret: it is missing, or a reference to a file or a variable."""
    if isinstance(value, str):
        reference = _REFERENCE.match(value) is not None and not _key_shaped(profile).search(value)
        return value in ("", profile.key_binding) or reference
    return value is None or isinstance(value, bool)


def _telling(text: str, profile: Profile) -> bool:
    return len(text) >= _UNMISTAKABLE and text not in profile.key_binding


def _all_at(document: jsonc.Document, path: tuple[str, ...]) -> list[jsonc.Node]:
    """Every value at the path in source order, including those that a duplicate hides."""
    nodes = [] if document.root is None else [document.root]
    for key in path:
        nodes = [item for node in nodes for item in node.items or () if item.key == key]
    return nodes


def _texts(node: jsonc.Node, profile: Profile) -> Iterator[str]:
    """The texts in a value that may be a key, and the parts of them that look like one."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        waiting += node.items or ()
        if isinstance(node.value, str):
            yield node.value
            yield from _key_shaped(profile).findall(node.value)


def _key_shaped(profile: Profile) -> re.Pattern[str]:
    return re.compile(re.escape(profile.key_prefix) + r"[!-~]*?(?=[\"'\\\s,}]|\Z)")
