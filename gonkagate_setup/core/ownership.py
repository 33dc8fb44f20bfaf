"""Which keys are ours in which layer, and the operations that follow from it.

Ours in the user layer: every leaf that the profile defines under `provider.<id>`, `$schema` where it is
missing, and `model`/`small_model` in user scope. Ours in the project file: `$schema`, `model` and
`small_model` in project scope. An activation in the other scope's file goes only when it names the
model selected now or the one that install-state.json recorded (prd, "Config Ownership").
Values are plain JSON (dict, list, str, int, float, bool, None).
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from gonkagate_setup.core.catalog import ConfigPath, Profile
from gonkagate_setup.core.edits import Operation, Remove, Set
from gonkagate_setup.core.jsonc import same
from gonkagate_setup.core.layers import MISSING, leaves, lookup

SCHEMA_URL = "https://opencode.ai/config.json"
ACTIVATION_KEYS = ("model", "small_model")


def provider_operations(profile: Profile, config: Mapping[str, Any]) -> list[Operation]:
    """Bring `provider.<id>` to the catalogue's state, leaf by leaf; what stands beside it stays."""
    wanted = {"provider": {profile.id: profile.provider_config()}}
    gone = {path for path in _retired(profile, config) if lookup(wanted, path) is MISSING}
    # An object that held nothing but retired values goes with them, unless the catalogue has it too.
    outermost = {
        next(path[:end] for end in range(1, len(path) + 1) if lookup(wanted, path[:end]) is MISSING)
        for path in gone
    }
    operations = [operation for path in sorted(outermost) for operation in removals(config, path, gone)]
    operations.extend(_settings(config, ("provider", profile.id), profile.provider_config()))
    return operations


def _retired(profile: Profile, config: Mapping[str, Any]) -> set[ConfigPath]:
    """Where a value still stands that only an earlier release wrote."""
    return {retired.path for retired in profile.retired if same(lookup(config, retired.path), retired.value)}


# Below something that is no object this yields a Set that jsonc.apply refuses with the place.
def _settings(config: Mapping[str, Any], path: ConfigPath, wanted: Any) -> Iterator[Operation]:
    current = lookup(config, path)
    if isinstance(wanted, dict) and current is not MISSING:
        for key, child in wanted.items():
            yield from _settings(config, (*path, key), child)
    elif not same(current, wanted):
        yield Set(path, wanted)


def schema_operations(config: Mapping[str, Any]) -> list[Operation]:
    """`$schema` where it is missing: opencode would otherwise insert it on its next start."""
    return [] if "$schema" in config else [Set(("$schema",), SCHEMA_URL)]


def activation_operations(config: Mapping[str, Any], reference: str) -> list[Operation]:
    """`model` and `small_model`, both the selected model (prd, "small_model Policy")."""
    return [Set((key,), reference) for key in ACTIVATION_KEYS if config.get(key) != reference]


def stale_activation(config: Mapping[str, Any], owned: frozenset[str]) -> list[Operation]:
    """Remove `model` and `small_model` where they hold one of the references proved ours."""
    return [
        Remove((key,)) for key in ACTIVATION_KEYS if isinstance(config.get(key), str) and config[key] in owned
    ]


def outranked_operations(
    profile: Profile, config: Mapping[str, Any], owned: frozenset[str], provider: bool = True
) -> list[Operation]:
    """Clear a file of the same layer that the target outranks: our keys there decide nothing any more."""
    operations = stale_activation(config, owned)
    if provider:
        gone = {path for path, _ in leaves(profile.provider_config(), ("provider", profile.id))}
        gone |= _retired(profile, config)
        operations.extend(removals(config, ("provider",), gone))
    return operations


def removals(config: Mapping[str, Any], path: ConfigPath, gone: set[ConfigPath]) -> list[Operation]:
    """The fewest removals that take the leaves in `gone` away, with objects that held nothing else."""
    value = lookup(config, path)
    if value is MISSING:
        return []
    present = [leaf for leaf, _ in leaves(value, path)]
    going = [leaf for leaf in present if _covered(leaf, gone)]
    if not going:
        return []
    if len(going) == len(present):
        return [Remove(path)]
    return [op for key in value for op in removals(config, (*path, key), gone)]


def _covered(leaf: ConfigPath, gone: set[ConfigPath]) -> bool:
    return any(leaf[: len(path)] == path for path in gone)
