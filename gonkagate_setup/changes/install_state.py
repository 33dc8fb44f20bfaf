"""The setup record, install-state.json: the five fields that the npm tool and this one share, no others.

Shape (docs/npm-tool.md#files-that-it-leaves):
`{currentTransport, installerVersion, lastDurableSetupAt, selectedModelKey, selectedScope}`; versions
before 0.2.5 wrote `lastSuccessfulSetupAt` for the timestamp.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Mapping

from gonkagate_setup.choice import Scope

# This file says that the user chose to have the provider offered, but to start opencode with another model.
AVAILABLE_ONLY: Final = b'{"availableOnly": true}\n'


@dataclass(frozen=True)
class State:
    """What the last setup recorded; a field that was missing or of the wrong kind is None.

    `repaired` names what was wrong with the file in one sentence (None: nothing); the next setup
    writes a correct one.
    """

    transport: str | None = None
    version: str | None = None
    last_durable_setup_at: str | None = None
    model_key: str | None = None
    scope: Scope | None = None
    repaired: str | None = None


_FIELDS = {
    "currentTransport": "transport",
    "installerVersion": "version",
    "lastDurableSetupAt": "last_durable_setup_at",
    "selectedModelKey": "model_key",
}


def parse(data: bytes | None) -> State | None:
    """The recorded state; None if there is no file. Never fails: `repaired` names what cannot be read."""
    if data is None:
        return None
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return State(repaired="it is not JSON")
    if not isinstance(value, dict):
        return State(repaired="it is not a JSON object")
    fields = {
        name: value[key]
        for key, name in _FIELDS.items()
        if isinstance(value.get(key), str) and value[key].isprintable()
    }
    former = value.get("lastSuccessfulSetupAt")
    if "last_durable_setup_at" not in fields and isinstance(former, str) and former.isprintable():
        fields["last_durable_setup_at"] = former
    scope = next((scope for scope in Scope if scope.value == value.get("selectedScope")), None)
    return State(**fields, scope=scope, repaired=_complaint(value))


def _complaint(value: dict[str, object]) -> str | None:
    known = {*_FIELDS, "selectedScope", "lastSuccessfulSetupAt"}
    unknown = sorted(key for key in value if key not in known)
    if unknown:
        return f"it has {len(unknown)} fields that this version does not know"
    missing = [key for key in (*_FIELDS, "selectedScope") if key not in value]
    if missing and not (missing == ["lastDurableSetupAt"] and "lastSuccessfulSetupAt" in value):
        return "it lacks " + ", ".join(missing)
    if value["selectedScope"] not in [scope.value for scope in Scope]:
        return "its selectedScope is neither user nor project"
    if not all(isinstance(value[key], str) for key in _FIELDS if key in value):
        return "a field is not text"
    return None


def fields(state: State) -> dict[str, str]:
    """The fields that are known, as the file names them."""
    found = {key: getattr(state, name) for key, name in _FIELDS.items()}
    found["selectedScope"] = None if state.scope is None else state.scope.value
    return {key: value for key, value in found.items() if value is not None}


def timestamp(now: datetime) -> str:
    """A time as the npm tool writes it: UTC, milliseconds, `Z`."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


def render(
    *, transport: str, version: str, last_durable_setup_at: str, model_key: str, scope: Scope
) -> bytes:
    """The file's bytes: exactly the five fields, two spaces, a final newline."""
    value = {
        "currentTransport": transport,
        "installerVersion": version,
        "lastDurableSetupAt": last_durable_setup_at,
        "selectedModelKey": model_key,
        "selectedScope": scope.value,
    }
    return render_fields(value)


def render_fields(value: Mapping[str, str]) -> bytes:
    """The bytes of a file with these fields, as `fields` gives them."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
