"""Proof files: one per mode, model and opencode version; their shape is `validation/proof.schema.json`.

Nothing in them comes from a user, a key or a clock but the date, so a second run gives the same file.
"""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any, Final, Mapping, Sequence

from gonkagate_setup import __version__
from gonkagate_setup.catalog import Model, Profile
from scripts.lib.cache import ROOT
from scripts.validating.outcome import Outcome
from scripts.validating.product import with_validated
from scripts.validating.workflows import digest

FOLDER: Final = ROOT / "validation"
SCHEMA_VERSION: Final = 1


class Mode(str, Enum):
    """STAND_IN shows that config and opencode work together; only LIVE shows the model."""

    STAND_IN = "stand-in"
    LIVE = "live"


def path(folder: Path, mode: Mode, model_key: str, version: str) -> Path:
    """Where that proof is: each mode has its own folder."""
    return folder / mode.value / model_key / f"opencode-{version}.json"


def config_digest(profile: Profile, model: Model) -> str:
    """Digest of the config that the product writes for this catalogue with this model offered."""
    return digest(with_validated(profile, model.key).provider_config())


def proof(
    profile: Profile, model: Model, mode: Mode, version: str, date: str, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """The content of a proof file; every outcome must be a success."""
    if not all(outcome.held for outcome in outcomes):
        raise ValueError("a workflow failed, so there is nothing to prove")
    return {
        "schemaVersion": SCHEMA_VERSION,
        "mode": mode.value,
        "modelKey": model.key,
        "upstreamId": model.upstream_id,
        "transport": model.transport.value,
        "productVersion": __version__,
        "opencodeVersion": version,
        "date": date,
        "configDigest": config_digest(profile, model),
        "workflows": {outcome.workflow: dict(outcome.evidence or {}) for outcome in outcomes},
    }


def write(folder: Path, value: Mapping[str, Any]) -> Path:
    """Store a proof under `folder`."""
    target = path(folder, Mode(value["mode"]), value["modelKey"], value["opencodeVersion"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return target
