"""The gateway as opencode's provider: identity, address, key and model aliases, as data."""

from __future__ import annotations

from typing import Any, Final, Mapping

from opencode_config.jsonc.operations import Set

ID: Final = "abteex-marama"
NAME: Final = "AbteeX MaramaRoute"
ADAPTER: Final = "@ai-sdk/openai-compatible"
BASE_URL: Final = "http://127.0.0.1:8787/v1"
KEY: Final = "{env:ABTEEX_MARAMA_API_KEY}"
TENANT: Final = "{env:ABTEEX_TENANT_ID}"
CAPSULE: Final = "{env:SOVEREIGNCODE_CAPSULE_ID}"
TENANT_HEADER: Final = "X-AbteeX-Tenant"
CAPSULE_HEADER: Final = "X-AbteeX-Workspace-Capsule"
# What the aliases are for: the gateway chooses the model.
ALIASES: Final[Mapping[str, str]] = {
    "lumynax/auto": "LumynaX auto",
    "lumynax/code": "LumynaX code",
    "lumynax/reasoning": "LumynaX reasoning",
    "lumynax/multimodal": "LumynaX multimodal",
    "lumynax/local": "LumynaX local",
}
# What opencode asks the user about.
PERMISSIONS: Final = ("edit", "bash", "webfetch")
ASK: Final = "ask"


def entry(*, key: str = KEY, tenant: str = TENANT, capsule: str = CAPSULE) -> dict[str, Any]:
    """The provider's entry in opencode's config."""
    return {
        "npm": ADAPTER,
        "name": NAME,
        "options": {
            "baseURL": BASE_URL,
            "apiKey": key,
            "headers": {TENANT_HEADER: tenant, CAPSULE_HEADER: capsule},
        },
        "models": {alias: {"name": name} for alias, name in ALIASES.items()},
    }


def operations(provider: Mapping[str, Any]) -> list[Set]:
    """The edits that give a config this entry; keys that are not ours stay."""
    return [Set(("provider", ID, *path), value) for path, value in _leaves(provider)]


def example() -> dict[str, Any]:
    """A whole project file: what `init` would write without a workspace."""
    return {
        "$schema": "https://opencode.ai/config.json",
        "provider": {ID: entry()},
        "permission": dict.fromkeys(PERMISSIONS, ASK),
    }


def _leaves(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, inner in value.items():
        found += _leaves(inner, (*path, name)) if isinstance(inner, dict) else [((*path, name), inner)]
    return found
