"""Which keys this program owns in which layer, and the operations that follow from it.

In the user layer it owns every leaf that the profile defines under `provider.<id>`, `$schema` if it is
missing, and `model`/`small_model` in user scope. In the project file it owns `$schema`, `model` and
`small_model` in project scope. An activation in the other scope's file is removed only if it names the
model selected now or the one that install-state.json recorded. The npm tool has the same rule:
docs/npm-tool.md#what-counts-as-written-by-it.
Values are plain JSON (dict, list, str, int, float, bool, None).
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping

from gonkagate_setup.catalog import ConfigPath, Profile
from opencode_config import schema_line
from opencode_config.jsonc import Document, Node, same
from opencode_config.jsonc.operations import Operation, Remove, Set
from opencode_config.judged_keys import ACTIVATION
from opencode_config.layers import MISSING, leaves, lookup


def provider_operations(profile: Profile, document: Document) -> list[Operation]:
    """Bring `provider.<id>` to the catalogue's state, leaf by leaf; all other keys in it are kept."""
    config = document.value
    wanted = {"provider": {profile.id: profile.provider_config()}}
    gone = {path for path in _retired(profile, config) if lookup(wanted, path) is MISSING}
    # An object with only retired values in it is removed with them, unless the catalogue has it too.
    outermost = {
        next(path[:end] for end in range(1, len(path) + 1) if lookup(wanted, path[:end]) is MISSING)
        for path in gone
    }

    def ours(leaf: ConfigPath, value: Any) -> bool:
        return covered(leaf, gone) and was_retired(profile, leaf, value)

    operations = [operation for path in sorted(outermost) for operation in removals(document, path, ours)]
    operations.extend(_settings(config, ("provider", profile.id), profile.provider_config()))
    return operations


def _retired(profile: Profile, config: Mapping[str, Any]) -> set[ConfigPath]:
    """The paths that still have a value that only an earlier release wrote."""
    return {retired.path for retired in profile.retired if same(lookup(config, retired.path), retired.value)}


def was_retired(profile: Profile, leaf: ConfigPath, value: Any) -> bool:
    """Whether an earlier release wrote that value there."""
    return any(
        same(lookup(retired.value, leaf[len(retired.path) :]), value)
        for retired in profile.retired
        if leaf[: len(retired.path)] == retired.path
    )


# Below something that is not an object this yields a Set that jsonc.apply refuses, naming the place.
def _settings(config: Mapping[str, Any], path: ConfigPath, wanted: Any) -> Iterator[Operation]:
    current = lookup(config, path)
    if isinstance(wanted, dict) and current is not MISSING:
        for key, child in wanted.items():
            yield from _settings(config, (*path, key), child)
    elif not same(current, wanted):
        yield Set(path, wanted)


def schema_operations(config: Mapping[str, Any]) -> list[Operation]:
    """`$schema` if it is missing: opencode would otherwise insert it on its next start."""
    return [] if schema_line.KEY in config else [Set((schema_line.KEY,), schema_line.URL)]


def activation_operations(config: Mapping[str, Any], reference: str) -> list[Operation]:
    """`model` and `small_model`, both the selected model."""
    return [Set((key,), reference) for key in ACTIVATION if config.get(key) != reference]


def stale_activation(document: Document, owned: frozenset[str]) -> list[Operation]:
    """Remove `model` and `small_model` if they have one of the references that this program wrote."""

    def ours(leaf: ConfigPath, value: Any) -> bool:
        return len(leaf) == 1 and isinstance(value, str) and value in owned

    return [operation for key in ACTIVATION for operation in removals(document, (key,), ours)]


def outranked_operations(
    profile: Profile, document: Document, owned: frozenset[str], provider: bool = True
) -> list[Operation]:
    """Remove our keys from a file of the same layer that the target overrides: they have no effect."""
    operations = stale_activation(document, owned)
    if provider:
        defined = {path for path, _ in leaves(profile.provider_config(), ("provider", profile.id))}

        def ours(leaf: ConfigPath, value: Any) -> bool:
            return covered(leaf, defined) or was_retired(profile, leaf, value)

        operations.extend(removals(document, ("provider",), ours))
    return operations


# Whether this program wrote the value at a path.
_Ours = Callable[[ConfigPath, Any], bool]


def removals(document: Document, path: ConfigPath, ours: _Ours) -> list[Operation]:
    """The fewest edits that remove what is ours below `path`, and objects that had nothing else in them.

    For example, opencode reads only the last `model` in `{"model": "a/b", "model": "gonkagate/x"}`. That one
    is ours, the other one is not, and neither may be lost: the last one is set to "a/b", which is what
    opencode reads without ours. If both are ours, both are removed. If ours is an object, it is emptied.
    """
    node = document.find(path)
    present = [] if node is None else list(_written(node, path))
    going = [leaf for leaf in present if ours(*leaf)]
    if node is None or not going:
        return []
    shadowed = document.shadowed(path)
    if len(going) == len(present):
        foreign = [one for one in shadowed if not all(ours(*leaf) for leaf in _written(one, path))]
        if not foreign:
            return [Remove(path, every=bool(shadowed))]
        if not isinstance(node.value, dict) or not node.value:
            return [Set(path, foreign[-1].value)]
    if not isinstance(node.value, dict):
        return []
    return [operation for key in node.value for operation in removals(document, (*path, key), ours)]


def _written(node: Node, path: ConfigPath) -> Iterator[tuple[ConfigPath, Any]]:
    """Every leaf in the text of a value with its path, including those that a later equal key hides."""
    stack = [(path, node)]
    while stack:
        here, current = stack.pop()
        if isinstance(current.value, dict) and current.items:
            stack.extend(((*here, item.key or ""), item) for item in reversed(current.items))
        else:
            yield here, current.value


def covered(leaf: ConfigPath, paths: set[ConfigPath]) -> bool:
    """Whether the leaf is one of the paths or lies below one."""
    return any(leaf[:end] in paths for end in range(1, len(leaf) + 1))
