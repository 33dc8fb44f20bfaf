"""What is sent to a backend: the client's payload with the backend's name of the model, without our hints."""

from __future__ import annotations

from typing import Any, Final, Mapping

from marama_route import wire

_HINTS: Final = ("route", "routing")
_METADATA: Final = "metadata"
_OWN: Final = "marama_route"


def sent(payload: Mapping[str, Any], upstream_model: str) -> bytes:
    """The body of the request. Unknown fields are kept, and so is every value."""
    body = {name: value for name, value in payload.items() if name not in _HINTS}
    metadata = body.get(_METADATA)
    if isinstance(metadata, Mapping) and _OWN in metadata:
        kept = {name: value for name, value in metadata.items() if name != _OWN}
        del body[_METADATA]
        if kept:
            body[_METADATA] = kept
    body["model"] = upstream_model
    return wire.dumps(body)
