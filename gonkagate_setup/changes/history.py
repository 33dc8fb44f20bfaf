"""The undo record: what the last setup changed, key by key, so that `undo` can turn exactly that back.

The file is `last-change.json` beside the setup record. It never contains a secret: instead of a literal at
our `apiKey` it has the binding, and any other value that looks like a secret is withheld. Values are plain
JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final, Mapping, Sequence

from foundation.secrets.scrub import scrub
from gonkagate_setup.catalog import ConfigPath, Profile
from gonkagate_setup.changes.ownership import removals
from gonkagate_setup.masking.without_key import harmless
from opencode_config import jsonc
from opencode_config.jsonc import Document, same
from opencode_config.jsonc.operations import Operation, Set
from opencode_config.judged_keys import key_path
from opencode_config.layers import MISSING, leaves, lookup
from opencode_config.places import PROJECT, USER

_VERSION: Final = 1


@dataclass(frozen=True)
class KeyChange:
    """One key: its value before and after (MISSING: there was none).

    `depth` is how many keys on the way to it were objects before; the others were created. `withheld`:
    the value before looked like a secret and was not written down.
    """

    path: ConfigPath
    before: Any
    after: Any
    depth: int
    withheld: bool = False


@dataclass(frozen=True)
class FileChange:
    """One config file; `path` as it was named, `real` behind every link.

    `after` are the SHA-256 sums of what counts as unchanged since: our bytes, and what opencode makes of
    them by adding `$schema`. `backup` is the kept copy, `folders` were made for the file, outermost first.
    """

    path: str
    real: str
    layer: str
    existed: bool
    after: tuple[str, ...]
    backup: str | None
    folders: tuple[str, ...]
    keys: tuple[KeyChange, ...]


@dataclass(frozen=True)
class History:
    """The last change: when, which files in the order in which they were written, and the former state.

    `state` has the setup record's fields before (None: there was no file). `created` are the real paths of
    all configs that this and earlier setups made. `available`: GonkaGate was only made available before.
    `repairs` are the keys that this and earlier setups changed only because they were in the way.
    """

    at: str
    files: tuple[FileChange, ...]
    state: Mapping[str, str] | None
    created: tuple[str, ...]
    available: bool = False
    repairs: tuple[FileChange, ...] = ()


class KeyMoved(Exception):  # noqa: N818 - it says what happened
    """A key cannot be restored: `path` is the key, `reason` half a sentence."""

    def __init__(self, path: ConfigPath, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def key_changes(
    profile: Profile, before: Mapping[str, Any], after: Mapping[str, Any], operations: Sequence[Operation]
) -> tuple[KeyChange, ...]:
    """What the operations did, from the config's value before the first and after the last."""
    found = []
    for operation in operations:
        path = operation.path
        former = _without_key(profile, path, lookup(before, path))
        withheld = former is not MISSING and _looks_secret(path, former)
        depth = next(
            (count for count in range(len(path)) if not isinstance(lookup(before, path[: count + 1]), dict)),
            len(path) - 1,
        )
        found.append(
            KeyChange(
                path,
                MISSING if withheld else former,
                lookup(after, path),
                min(depth, len(path) - 1),
                withheld,
            )
        )
    return tuple(found)


def _without_key(profile: Profile, path: ConfigPath, value: Any) -> Any:
    key = key_path(profile.id)
    if path == key:
        return value if value is MISSING or harmless(value, profile) else profile.key_binding
    if not isinstance(value, dict) or path != key[: len(path)]:
        return value
    return {name: _without_key(profile, (*path, name), child) for name, child in value.items()}


def _looks_secret(path: ConfigPath, value: Any) -> bool:
    text = json.dumps({path[-1]: value})
    return scrub(text) != text


def way_back(keys: Sequence[KeyChange], document: Document) -> list[Operation]:
    """The operations that restore the keys in the config as it is now.

    What the user added next to them is kept. Raises KeyMoved for a key that no longer has our value.
    """
    operations: list[Operation] = []
    for key in reversed(keys):
        now = lookup(document.value, key.path)
        if not key.withheld and same(now, key.before):
            continue
        if isinstance(key.after, dict) and key.before is MISSING and not key.withheld:
            operations += _without_ours(key, document)
            continue
        if not same(now, key.after):
            raise KeyMoved(key.path, "has changed since the setup")
        if key.withheld:
            raise KeyMoved(key.path, "held what looked like a secret, and its old value was not recorded")
        if key.before is MISSING:
            operations += _removals(key, document, {key.path: key.after})
        else:
            operations.append(Set(key.path, key.before))
    return operations


def _without_ours(key: KeyChange, document: Document) -> list[Operation]:
    """Remove an object that we created, leaf by leaf."""
    ours = dict(leaves(key.after, key.path))
    for path, value in ours.items():
        now = lookup(document.value, path)
        if now is not MISSING and not same(now, value):
            raise KeyMoved(path, "has changed since the setup")
    return _removals(key, document, ours)


def _removals(key: KeyChange, document: Document, ours: Mapping[ConfigPath, Any]) -> list[Operation]:
    return removals(
        document,
        key.path[: key.depth + 1],
        lambda path, value: same(ours.get(path, MISSING), value),
    )


def render(history: History) -> bytes:
    """The file's bytes."""
    value = {
        "version": _VERSION,
        "at": history.at,
        "files": [_file_value(file) for file in history.files],
        "state": None if history.state is None else dict(history.state),
        "created": list(history.created),
        "available": history.available,
        "repairs": [_file_value(file) for file in history.repairs],
    }
    # Written and read like a config, so that any number, and references outside strings, are read back
    # unchanged.
    return jsonc.render(value).encode()


def _file_value(file: FileChange) -> dict[str, Any]:
    return {
        "path": file.path,
        "real": file.real,
        "layer": file.layer,
        "existed": file.existed,
        "after": list(file.after),
        "backup": file.backup,
        "folders": list(file.folders),
        "keys": [_key_value(key) for key in file.keys],
    }


def _key_value(key: KeyChange) -> dict[str, Any]:
    value: dict[str, Any] = {"path": list(key.path), "depth": key.depth, "withheld": key.withheld}
    if key.before is not MISSING:
        value["before"] = key.before
    if key.after is not MISSING:
        value["after"] = key.after
    return value


def parse(data: bytes) -> History:
    """The undo record in a file's bytes; ValueError where it is none that this version understands."""
    try:
        value = jsonc.parse(jsonc.decode(data)).value
        if value["version"] != _VERSION:
            raise ValueError("it was written by another version")
        return History(
            at=_text(value["at"]),
            files=tuple(_file(entry) for entry in _list(value["files"])),
            state=None
            if value["state"] is None
            else {_text(name): _text(field) for name, field in value["state"].items()},
            created=_texts(value["created"]),
            # Undo records of earlier releases have neither.
            available=value.get("available") is True,
            repairs=tuple(_file(entry) for entry in _list(value.get("repairs", []))),
        )
    except (KeyError, TypeError, AttributeError, jsonc.JsoncError):
        raise ValueError("it is not an undo record") from None


def _file(value: Mapping[str, Any]) -> FileChange:
    path, layer = _text(value["path"]), _text(value["layer"])
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    if not absolute or layer not in (USER, PROJECT):
        raise TypeError
    return FileChange(
        path=path,
        real=_text(value["real"]),
        layer=layer,
        existed=value["existed"] is True,
        after=_texts(value["after"]),
        backup=None if value["backup"] is None else _text(value["backup"]),
        folders=_texts(value["folders"]),
        keys=tuple(_key(entry) for entry in _list(value["keys"])),
    )


def _key(value: Mapping[str, Any]) -> KeyChange:
    path, depth = _texts(value["path"]), value["depth"]
    if not path or not isinstance(depth, int) or not 0 <= depth < len(path):
        raise TypeError
    return KeyChange(
        path, value.get("before", MISSING), value.get("after", MISSING), depth, value["withheld"] is True
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(entry) for entry in _list(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
