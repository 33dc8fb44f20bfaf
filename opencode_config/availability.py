"""What keeps opencode from offering a configured provider or model.

See docs/opencode-facts.md#providers-and-the-keys-that-gate-them.
"""

from __future__ import annotations

from typing import Any, Mapping

from opencode_config.judged_keys import MODEL_LISTS, MODEL_STATUS, PROVIDER_LISTS
from opencode_config.layers import MISSING, lookup

_HIDDEN_STATUS = ("deprecated", "alpha")


def rests_on_gating(config: Mapping[str, Any] | None, provider: str) -> bool:
    """Whether the resolved config has a key that can keep opencode from offering the provider."""
    if config is None:
        return False
    if any(name in config for name in PROVIDER_LISTS):
        return True
    own = lookup(config, ("provider", provider))
    if own is MISSING or not isinstance(own, dict):
        return False
    if any(name in own for name in MODEL_LISTS):
        return True
    models = own.get("models")
    return isinstance(models, dict) and any(
        isinstance(model, dict) and MODEL_STATUS in model for model in models.values()
    )


def allows(value: Any, name: str) -> bool:
    """Whether an allow list allows `name`; anything but a list is not judged here."""
    return not isinstance(value, list) or name in value


def denies(value: Any, name: str) -> bool:
    """Whether a deny list contains `name`."""
    return isinstance(value, list) and name in value


def hides(status: Any) -> bool:
    """Whether opencode leaves a model with this status out of its list."""
    return status in _HIDDEN_STATUS
