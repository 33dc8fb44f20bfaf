"""What the headers of a request say. They make the rules stricter, never looser; an empty one is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Iterable

from marama_route.core.errors import RequestRefusal, invalid
from sovereigncode.core.capsule import IDENTIFIER, NAME
from sovereigncode.core.words import Sensitivity, words

TENANT: Final = "x-abteex-tenant"
CAPSULE: Final = "x-abteex-workspace-capsule"
PURPOSE: Final = "x-abteex-purpose"
CONSENT: Final = "x-abteex-consent-scope"
JURISDICTION: Final = "x-abteex-route-jurisdiction"
SENSITIVITY: Final = "x-abteex-route-sensitivity"
SESSION: Final = "x-session-id"
_READ: Final = {
    TENANT: NAME,
    CAPSULE: IDENTIFIER,
    PURPOSE: NAME,
    CONSENT: NAME,
    JURISDICTION: NAME,
    SENSITIVITY: NAME,
    SESSION: NAME,
}
# W3C Trace Context, 3.2: version 00, trace id, parent id, flags.
_TRACE: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


@dataclass(frozen=True)
class Headers:
    """The values of the headers; None is a header that is missing or empty."""

    tenant: str | None = None
    capsule_id: str | None = None
    purpose: str | None = None
    consent_scope: str | None = None
    jurisdiction: str | None = None
    sensitivity: Sensitivity | None = None
    session_id: str | None = None


def read(pairs: Iterable[tuple[str, str]]) -> Headers:
    """The headers of a request, names in any case.

    Raises RequestRefusal invalid_request for a value that cannot be one, and for two different values.
    """
    found: dict[str, str] = {}
    for given, text in pairs:
        name, value = given.lower(), text.strip(" \t")
        if name not in _READ or not value:
            continue
        if found.setdefault(name, value) != value:
            raise invalid(name, f"the header {name} is given twice, with different values")
        if [*_READ[name].problems(value)]:
            raise invalid(name, f"the header {name} has a value that cannot be one")
    sensitivity = found.get(SENSITIVITY)
    if sensitivity is not None and sensitivity not in words(Sensitivity):
        raise invalid(SENSITIVITY, f"the header {SENSITIVITY} must be one of {', '.join(words(Sensitivity))}")
    return Headers(
        tenant=found.get(TENANT),
        capsule_id=found.get(CAPSULE),
        purpose=found.get(PURPOSE),
        consent_scope=found.get(CONSENT),
        jurisdiction=found.get(JURISDICTION),
        sensitivity=None if sensitivity is None else Sensitivity(sensitivity),
        session_id=found.get(SESSION),
    )


def traceparent(text: str | None) -> str | None:
    """The header of this name if it has the form of one: anything else is a text that nobody checked."""
    return text if text is not None and _TRACE.fullmatch(text) else None


def require_tenant(headers: Headers, tenant: str) -> None:
    """Raises RequestRefusal tenant_mismatch if the header names another tenant than the key's."""
    if headers.tenant is not None and headers.tenant != tenant:
        raise RequestRefusal(
            "tenant_mismatch",
            f"the header {TENANT} is not the tenant of this key",
            next_step="leave the header out, or use a key of that tenant",
            param=TENANT,
        )
