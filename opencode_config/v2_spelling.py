"""opencode 2's names for config keys, as opencode 1 reads them; not support for opencode 2.

See docs/opencode-facts.md.

From 1.18.28 on, each file's `agents`, `commands` and `model` object are turned into their V1 forms before the
files are merged; an entry that the file also has in its V1 form is ignored, and `providers` and `plugins`
are dropped.
"""

from __future__ import annotations

from typing import Any, Final, Mapping

_KINDS: Final = {"agents": "agent", "commands": "command"}
_NAMES: Final = {"disabled": "disable"}


def lowered(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """One file's config with V1 names only; the file's own V1 entries win."""
    result = dict(value)
    if isinstance(value.get("model"), dict):
        result["model"] = plain_model(value["model"])
    for native, kind in _KINDS.items():
        entries, present = value.get(native), value.get(kind, {})
        if isinstance(entries, dict) and isinstance(present, dict):
            added = {name: _entry(entry) for name, entry in entries.items() if name not in present}
            result[kind] = {**present, **added}
    return result


def _entry(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    result = {_NAMES.get(key, key): value for key, value in entry.items()}
    if "model" in result:
        result["model"] = plain_model(result["model"])
    return result


def plain_model(value: Any) -> Any:
    """A model as `<provider>/<key>`, without the variant that V2 allows after `#`; anything else is kept."""
    if isinstance(value, str):
        return value.partition("#")[0]
    if isinstance(value, dict) and isinstance(value.get("model"), str):
        return f"{value.get('providerID')}/{value['model']}"
    return value


def native_path(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The V2 path for `path` in an agent or a command, None if V2 has no such key."""
    for native, kind in _KINDS.items():
        if path[:1] == (kind,):
            names = {lower: upper for upper, lower in _NAMES.items()}
            return (native, *path[1:-1], names.get(path[-1], path[-1]))
    return None


def v1_path(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path in V1 spelling of a key of an agent or a command, in whichever it is."""
    if len(path) < 2:  # noqa: PLR2004 - the kind and a key
        return path
    return (_KINDS.get(path[0], path[0]), *path[1:-1], _NAMES.get(path[-1], path[-1]))
