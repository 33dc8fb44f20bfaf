"""What the content check found, and what the rules make of it: blocked, warned about, or nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

from marama_route.core.errors import RequestRefusal
from marama_route.core.routing import Routed
from sovereigncode.content import Checked, Findings, Ignored, NotJudged, Verdicts, check
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import DENY, OBLIGED, Decision, Reason
from sovereigncode.core.words import Finding

# A smaller body is judged in about a millisecond, which is less than a thread costs under load.
IN_A_THREAD: Final = 16 * 1024
CREDENTIALS_FOUND: Final = "credentials_found"
DETAILS_FOUND: Final = "personal_details_found"
NO_FINDINGS: Final = Findings()
HUMAN_REVIEW: Final = "human_review"
_MOST_PLACES: Final = 8


@dataclass(frozen=True)
class Judged:
    """What was found and counts: kinds and counts that block, those that are warned about, and where."""

    blocked: tuple[tuple[str, Findings], ...] = ()
    warned: Findings = NO_FINDINGS
    places: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is anything to record."""
        return bool(self.blocked or self.warned)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is blocked, in a record or a decision."""
        return tuple(Reason(code, str(found)) for code, found in self.blocked)

    @property
    def tags(self) -> tuple[str, ...]:
        """Audit tags of what is warned about."""
        return tuple(f"found:{kind.value}:{count}" for kind, count in self.warned.counts)

    def refusal(self) -> RequestRefusal:
        """The first reason as an answer: kinds, counts and places, never the values."""
        code, _ = self.blocked[0]
        found = ", ".join(str(findings) for _, findings in self.blocked)
        places = ", ".join(self.places[:_MOST_PLACES])
        more = len(self.places) - _MOST_PLACES
        return RequestRefusal(
            code,
            f"the request contains {found} (in {places}{f' and {more} more' if more > 0 else ''})",
            next_step="take it out, or if it is nobody's, add it to personal_details.ignore in the policy",
        )


NOTHING: Final = Judged()


async def judged(payload: Any, size: int, rules: Combined, ignored: Ignored, verdicts: Verdicts) -> Judged:
    """The payload checked as the rules ask; `size` is the body's length in bytes.

    RequestRefusal internal_error if the check failed: then nothing may leave.
    """
    details, credentials = rules.personal_details.detected, rules.personal_details.credentials
    if details is Finding.OFF and credentials is Finding.OFF:
        return NOTHING
    try:
        if size < IN_A_THREAD:
            checked = check(payload, verdicts, ignored)
        else:
            checked = await asyncio.to_thread(check, payload, verdicts, ignored)
    except (NotJudged, TypeError):
        checked = None
    if checked is None:
        raise RequestRefusal("internal_error", "the content of the request could not be checked")
    return weighed(checked, details, credentials) if checked.findings else NOTHING


def weighed(checked: Checked, details: Finding, credentials: Finding) -> Judged:
    """What the two rules make of what was found; credentials are the first reason."""
    parts = (
        (CREDENTIALS_FOUND, checked.findings.credentials, credentials),
        (DETAILS_FOUND, checked.findings.personal_details, details),
    )
    warned = tuple(
        pair for _, found, rule in reversed(parts) if rule is Finding.WARN for pair in found.counts
    )
    blocking = {code for code, found, rule in parts if rule is Finding.BLOCK and found}
    return Judged(
        blocked=tuple((code, found) for code, found, _ in parts if code in blocking),
        warned=Findings(warned),
        places=tuple(
            place.name or "the body"
            for place in checked.places
            if (CREDENTIALS_FOUND in blocking and place.findings.credentials)
            or (DETAILS_FOUND in blocking and place.findings.personal_details)
        ),
    )


def applied(judged: Judged, routed: Routed) -> Routed:
    """The routing with what was found: blocked is denied for every model, warned about is an obligation."""
    policy = routed.policy or Decision(DENY)
    if judged.blocked:
        denied = Decision(DENY, (*policy.reasons, *judged.reasons), audit_tags=policy.audit_tags)
        return replace(routed, selected=None, fallbacks=(), scores=(), reasons=(), policy=denied)
    if not judged.warned or not policy.allowed:
        return routed
    duty = Reason(HUMAN_REVIEW, f"a person must look at the answer: the request has {judged.warned}")
    others = tuple(one for one in policy.obligations if one.code != HUMAN_REVIEW)
    tags = (*policy.audit_tags, *judged.tags)
    return replace(routed, policy=Decision(OBLIGED, obligations=(*others, duty), audit_tags=tags))
