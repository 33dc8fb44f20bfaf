"""What the content check can find, and the result: kinds and counts, never the values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Iterable, Mapping


class Kind(Enum):
    """One kind of finding; its value is the name in messages, records and JSON."""

    EMAIL = "email_address"
    PHONE = "phone_number"
    PAYMENT_CARD = "payment_card"
    BANK_ACCOUNT = "bank_account"
    TAX_NUMBER = "tax_number"
    HEALTH_NUMBER = "health_number"
    PRIVATE_KEY = "private_key"
    SERVICE_TOKEN = "service_token"  # noqa: S105 - the name of a kind
    URL_PASSWORD = "url_password"  # noqa: S105 - the name of a kind
    NAMED_SECRET = "named_secret"  # noqa: S105 - the name of a kind

    @property
    def is_credential(self) -> bool:
        """Whether `personal_details.credentials` decides about it; else `personal_details.detected` does."""
        return self in _CREDENTIALS


_CREDENTIALS = frozenset({Kind.PRIVATE_KEY, Kind.SERVICE_TOKEN, Kind.URL_PASSWORD, Kind.NAMED_SECRET})
_ORDER = {kind: number for number, kind in enumerate(Kind)}


@dataclass(frozen=True)
class Findings:
    """How often each kind was found; kinds that were not found are not in it. In the order of `Kind`."""

    counts: tuple[tuple[Kind, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.counts)

    @property
    def personal_details(self) -> Findings:
        """Only what `personal_details.detected` decides about."""
        return Findings(tuple(pair for pair in self.counts if not pair[0].is_credential))

    @property
    def credentials(self) -> Findings:
        """Only what `personal_details.credentials` decides about."""
        return Findings(tuple(pair for pair in self.counts if pair[0].is_credential))

    @property
    def names(self) -> dict[str, int]:
        """Name of the kind to count, for JSON."""
        return {kind.value: count for kind, count in self.counts}

    def __str__(self) -> str:
        """`2 email_address, 1 payment_card`."""
        return ", ".join(f"{count} {kind.value}" for kind, count in self.counts)


NOTHING = Findings()


def findings(counts: Mapping[Kind, int]) -> Findings:
    """`counts` as a value; kinds with a count of 0 are left out."""
    found = sorted(
        ((kind, count) for kind, count in counts.items() if count), key=lambda pair: _ORDER[pair[0]]
    )
    return Findings(tuple(found)) if found else NOTHING


def together(parts: Iterable[Findings]) -> Findings:
    """The sum of several."""
    sums: dict[Kind, int] = {}
    for part in parts:
        for kind, count in part.counts:
            sums[kind] = sums.get(kind, 0) + count
    return findings(sums)
