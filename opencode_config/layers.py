"""The content of each of opencode's places, and the config that opencode merges from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, Iterator, Mapping, Sequence

from foundation.errors import Where
from opencode_config.jsonc import Document
from opencode_config.places import Place
from opencode_config.v2_spelling import native_path

Path = tuple[str, ...]
MISSING: Final = object()
# opencode joins these lists from all layers instead of replacing them.
_JOINED: Final = ("instructions", "plugin")


def lookup(value: Any, path: Path) -> Any:
    """The value at `path` in plain JSON, MISSING if there is none."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def leaves(value: Any, prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value except non-empty objects, with its path; a list counts as one value."""
    stack = [(prefix, value)]
    while stack:
        path, current = stack.pop()
        if isinstance(current, dict) and current:
            stack.extend(((*path, key), child) for key, child in reversed(list(current.items())))
        else:
            yield path, current


def unknown(value: Any) -> bool:
    """Whether the value depends on a file that is not read here (`{file:…}`)."""
    return isinstance(value, str) and "{file:" in value


@dataclass(frozen=True)
class Problem:
    """Why a layer's text could not be understood: one sentence without the text, and where."""

    reason: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Layer:
    """A place with its content.

    `value` is plain JSON after `{env:…}` was filled in; `document` the text as written, None for
    what is not JSONC. `problem` is set if the place could not be read or parsed.
    """

    place: Place
    name: str
    value: Mapping[str, Any] = field(default_factory=dict, repr=False)
    document: Document | None = field(default=None, repr=False)
    problem: Problem | None = None
    positions: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    path: PurePath | None = None
    references: frozenset[str] = frozenset()

    @property
    def layer(self) -> str:
        """The layer's name."""
        return self.place.layer

    def get(self, path: Path) -> Any:
        """The value at `path`, MISSING if the layer does not define it."""
        return lookup(self.value, path)

    def spelled(self, path: Path) -> Path:
        """`path` as the text has it, which may use the names of opencode 2 for agents and commands."""
        native = native_path(path)
        if native is None or self.document is None or self.document.find(path) is not None:
            return path
        return path if self.document.find(native) is None else native

    def written(self, path: Path, value: Any) -> Any:
        """The value at `path` as the text has it, with its references; `value` if the text is not JSONC."""
        node = self.document.find(path) if self.document is not None else None
        return value if node is None else node.value

    def locate(self, path: Path) -> Where:
        """Where `path` is defined: the key's place if it is known."""
        path = self.spelled(path)
        if path in self.positions:
            return Where(self.name, *self.positions[path])
        node = self.document.find(path) if self.document is not None else None
        if self.document is None or node is None:
            return Where(self.name)
        start = node.start if node.key_start is None else node.key_start
        return Where(self.name, *self.document.location(start))


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Opencode's resolved config from the readable layers, low to high; `mode` ends up in `agent`."""
    result: dict[str, Any] = {}
    for layer in layers:
        before = {key: result.get(key) for key in _JOINED}
        _merge_into(result, layer.value)
        for key, former in before.items():
            added = layer.value.get(key)
            if isinstance(former, list) and isinstance(added, list):
                result[key] = former + [entry for entry in added if entry not in former]
    modes = result.get("mode")
    if isinstance(modes, dict):
        # opencode turns every mode into a primary agent after the merge, over an agent of that name.
        primary = {
            name: {**mode, "mode": "primary"} for name, mode in modes.items() if isinstance(mode, dict)
        }
        _merge_into(result, {"agent": primary})
    return result


def _merge_into(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    """Deep merge; objects are copied before they change. A stack, because configs may nest deeply."""
    stack = [(target, source)]
    while stack:
        into, added = stack.pop()
        for key, value in added.items():
            if isinstance(value, dict):
                present = into.get(key)
                child = dict(present) if isinstance(present, dict) else {}
                into[key] = child
                stack.append((child, value))
            else:
                into[key] = value
