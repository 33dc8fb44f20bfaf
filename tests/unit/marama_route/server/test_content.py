"""What the rules make of what the content check found."""

from __future__ import annotations

import asyncio

import pytest

from marama_route.core.errors import RequestRefusal
from marama_route.deciding import content
from marama_route.deciding.content import applied, weighed
from sovereigncode.content import Checked, Findings, Ignored, Kind, NotJudged, Verdicts
from sovereigncode.content.checking import Place
from sovereigncode.core.words import Finding
from tests.unit.marama_route.asking import CHAT, named, registry, routed, rules

MAIL = Findings(((Kind.EMAIL, 2),))
TOKEN = Findings(((Kind.SERVICE_TOKEN, 1),))
BOTH = Findings(((Kind.EMAIL, 2), (Kind.SERVICE_TOKEN, 1)))
CHECKED = Checked(BOTH, (Place("messages[0]", MAIL), Place("messages[3]", TOKEN)))


@pytest.mark.parametrize(
    ("details", "credentials", "codes", "warned", "places"),
    [
        ("block", "block", ["credentials_found", "personal_details_found"], {}, 2),
        ("block", "warn", ["personal_details_found"], {"service_token": 1}, 1),
        ("warn", "block", ["credentials_found"], {"email_address": 2}, 1),
        ("warn", "warn", [], {"email_address": 2, "service_token": 1}, 0),
        ("off", "block", ["credentials_found"], {}, 1),
        ("off", "off", [], {}, 0),
    ],
)
def test_the_two_rules(
    details: str, credentials: str, codes: list[str], warned: dict[str, int], places: int
) -> None:
    found = weighed(CHECKED, Finding(details), Finding(credentials))
    assert [code for code, _ in found.blocked] == codes
    assert found.warned.names == warned
    assert len(found.places) == places
    assert found.found == bool(codes or warned)


def test_a_refusal_has_kinds_counts_and_places() -> None:
    refusal = weighed(CHECKED, Finding.BLOCK, Finding.BLOCK).refusal()
    assert refusal.kind == "credentials_found"
    assert "1 service_token, 2 email_address" in refusal.message
    assert "messages[0], messages[3]" in refusal.message


def test_what_is_blocked_selects_no_model_and_what_is_warned_about_is_an_obligation() -> None:
    allowed = routed(registry(named("m")), CHAT, rules(), {"x-abteex-purpose": "p"})
    assert allowed.selected is not None
    assert allowed.policy is not None
    assert allowed.policy.allowed
    blocked = applied(weighed(CHECKED, Finding.BLOCK, Finding.OFF), allowed)
    assert blocked.selected is None
    assert blocked.policy is not None
    assert blocked.policy.decision == "deny"
    assert [one.code for one in blocked.policy.reasons] == ["personal_details_found"]
    warned = applied(weighed(CHECKED, Finding.WARN, Finding.OFF), allowed)
    assert warned.selected == allowed.selected
    assert warned.policy is not None
    assert warned.policy.decision == "allow_with_obligations"
    assert "human_review" in [one.code for one in warned.policy.obligations]
    assert "found:email_address:2" in warned.policy.audit_tags


@pytest.mark.parametrize("size", [10, content.IN_A_THREAD])
def test_a_check_that_fails_lets_nothing_leave(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Checked:
        raise NotJudged("KeyError")

    counted = rules()
    monkeypatch.setattr(content, "check", fails)
    with pytest.raises(RequestRefusal) as caught:
        asyncio.run(content.judged(CHAT, size, counted, Ignored(), Verdicts(b"0" * 16)))  # type: ignore[arg-type]
    assert caught.value.kind == "internal_error"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("size", [10, content.IN_A_THREAD])
def test_small_and_large_bodies_are_judged_alike(size: int) -> None:
    text = {"messages": [{"role": "user", "content": "write to " + "jo@" + "acme-widgets.co.nz"}]}
    found = asyncio.run(content.judged(text, size, rules(), Ignored(), Verdicts(b"0" * 16)))  # type: ignore[arg-type]
    assert [code for code, _ in found.blocked] == ["personal_details_found"]
