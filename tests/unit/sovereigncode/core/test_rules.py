"""Every row of the tables in docs/sovereigncode.md: one example has that outcome, the other has not."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from scripts.lib.policy_table import BASE, EXAMPLES, decided, documents
from sovereigncode.core import capsule, request, tenant_policy
from sovereigncode.core.combined import combine
from sovereigncode.core.decision import DENY, OBLIGED, Decision, Reason, Unusable, decide
from sovereigncode.core.request import Request
from sovereigncode.core.rules import DUTIES, RULES, matches
from sovereigncode.core.words import Level, ToolClass, ToolRule

CODES = [rule.code for rule in RULES]
DUTY_CODES = [duty.code for duty in DUTIES]


def reasons(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def obligations(decision: Decision) -> list[str]:
    return [duty.code for duty in decision.obligations]


def test_every_rule_of_the_contract_is_there_and_has_an_example() -> None:
    assert [
        *("capsule_revoked", "purpose_denied", "purpose_not_allowed", "region_not_resident"),
        *("training_not_allowed", "export_not_allowed", "retention_exceeded", "data_class_not_allowed"),
        *("personal_detail_level_exceeded", "consent_scope_missing", "model_denied", "model_not_trusted"),
        *("tool_denied", "approval_required"),
    ] == CODES
    assert DUTY_CODES == ["audit", "retention_limit", "human_review", "no_training", "resident_only"]
    assert set(EXAMPLES) == {*CODES, *DUTY_CODES}


def test_the_base_is_allowed_without_an_obligation() -> None:
    assert decided({}).to_json()["decision"] == "allow"


@pytest.mark.parametrize("code", CODES)
def test_the_one_is_denied_for_that_reason_alone(code: str) -> None:
    denied = decided(EXAMPLES[code].one)
    assert (denied.decision, reasons(denied), denied.obligations) == (DENY, [code], ())


@pytest.mark.parametrize("code", CODES)
def test_the_nearest_other_is_allowed(code: str) -> None:
    assert decided(EXAMPLES[code].other).allowed


@pytest.mark.parametrize("code", DUTY_CODES)
def test_the_one_has_the_obligation_and_the_other_has_not(code: str) -> None:
    one, other = decided(EXAMPLES[code].one), decided(EXAMPLES[code].other)
    assert one.decision == OBLIGED
    assert code in obligations(one)
    assert other.allowed
    assert code not in obligations(other)


def test_all_reasons_are_given_and_not_the_first() -> None:
    changes: dict[str, Any] = {}
    for code in ("capsule_revoked", "region_not_resident", "consent_scope_missing", "approval_required"):
        changes.update(EXAMPLES[code].one)
    assert reasons(decided(changes)) == [
        "capsule_revoked", "region_not_resident", "consent_scope_missing", "approval_required",
    ]  # fmt: skip


@pytest.mark.parametrize("sensitivity", ["restricted", "personal", "health", "iwi", "taonga"])
def test_a_missing_tier_denies_at_high_sensitivity(sensitivity: str) -> None:
    assert reasons(decided({"capsule.sensitivity": sensitivity})) == ["model_not_trusted"]
    assert decided({"capsule.sensitivity": sensitivity, "request.sovereignty_tier": 3}).allowed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"request.purpose": None}, ["purpose_not_allowed"]),
        ({"request.purpose": None, "policy.purposes": {"default": "code_review"}}, []),
        ({"request.region": None}, ["region_not_resident"]),
        ({"request.region": None, "request.action": "read"}, []),
        ({"policy.residency": ["AU"]}, ["region_not_resident"]),
        ({"policy.residency": []}, ["region_not_resident"]),
        ({"capsule.resident_regions": []}, ["region_not_resident"]),
        ({"capsule.allowed_purposes": []}, ["purpose_not_allowed"]),
        ({"request.model_id": None, "policy.models": {"allow": ["*"]}}, ["model_denied"]),
        ({"request.model_id": None, "policy.models": {"deny": ["acme/*"]}}, ["model_denied"]),
        ({"request.model_id": None, "policy.models": {"deny": []}}, []),
        ({"policy.models": {"allow": []}}, ["model_denied"]),
        ({"policy.models": {"licenses": ["mit"]}}, ["model_denied"]),
        ({"policy.models": {"licenses": ["mit"]}, "request.license": "mit"}, []),
        ({"capsule.retention_days": 0, "request.requested_retention_days": 1}, ["retention_exceeded"]),
        ({"capsule.retention_days": 0, "request.requested_retention_days": 0}, []),
        (
            {"request.action": "delete_file", "policy.tools": {"unknown": "deny", "delete": "allow"}},
            ["tool_denied"],
        ),
        ({"request.action": "plan"}, []),
        ({"request.action": "read"}, []),
        ({"request.action": "read", "policy.tools": {"read": "approve"}}, ["approval_required"]),
        ({"request.action": "shell", "policy.tools": {"shell": "allow"}}, []),
        ({"request.human_approved": True, "request.action": "shell", "policy.tools": {"shell": "deny"}}, [
            "tool_denied",
        ]),
        ({"capsule.consent_scopes": ["a", "b"], "request.consent_scope": ["c", "b"]}, []),
        ({"request.consent_scope": "unasked"}, []),
    ],
)  # fmt: skip
def test_what_is_between(changes: dict[str, Any], expected: list[str]) -> None:
    assert reasons(decided(changes)) == expected


@pytest.mark.parametrize("name", [tool.value for tool in ToolClass if tool not in ("read", "plan")])
def test_without_a_policy_every_tool_but_reading_and_planning_needs_an_approval(name: str) -> None:
    made = documents({"request.action": name})
    stated, _ = capsule.parse(made["capsule"])
    asked, _ = request.parse(made["request"])
    assert stated is not None
    assert asked is not None
    assert reasons(decide(combine(stated, None), asked)) == ["approval_required"]


def test_without_a_policy_the_capsule_alone_allows_training() -> None:
    made = documents({"request.trains_model": True})
    stated, _ = capsule.parse(made["capsule"])
    asked, _ = request.parse(made["request"])
    assert stated is not None
    assert asked is not None
    assert decide(combine(stated, None), asked).allowed


def test_a_client_that_asks_is_in_the_tags() -> None:
    assert (
        "client_asks" in decided({"request.action": "shell", "policy.tools": {"shell": "client"}}).audit_tags
    )
    assert "human_approved" in decided(EXAMPLES["approval_required"].other).audit_tags


def test_without_rules_everything_is_denied_with_every_reason_why() -> None:
    faults = Unusable((Reason("capsule_invalid", "a"), Reason("policy_invalid", "b")))
    denied = decide(faults, Request("read"))
    assert (denied.decision, reasons(denied)) == (DENY, ["capsule_invalid", "policy_invalid"])


@pytest.mark.parametrize(
    ("name", "globs", "expected"),
    [
        ("lumynax/a", ["lumynax/*"], True),
        ("lumynax/", ["lumynax/*"], True),
        ("lumynax", ["lumynax/*"], False),
        ("xlumynax/a", ["lumynax/*"], False),
        ("lumynax/a\nb", ["lumynax/*"], True),
        ("abc", ["a?c", "a[b]c", "a.c"], False),
        ("a.c", ["a.c"], True),
        ("ABC", ["abc"], False),
        ("anything", ["*"], True),
        ("anything", [], False),
    ],
)
def test_only_a_star_means_something_in_a_pattern(name: str, globs: list[str], expected: bool) -> None:
    assert matches(name, globs) is expected


def test_combining_is_never_weaker_than_the_capsule_or_the_policy() -> None:
    stated, _ = capsule.parse({**BASE["capsule"], "retention_days": 7, "denied_purposes": ["a"]})
    rules, _ = tenant_policy.parse(
        {
            "version": 1,
            "tenant": "t",
            "purposes": {"denied": ["b"], "allowed": ["c"]},
            "retention_days": 9,
            "tools": {"shell": "deny"},
        }
    )
    assert stated is not None
    assert rules is not None
    both = combine(stated, rules)
    assert both.retention_days == 7
    assert both.denied_purposes == frozenset("ab")
    assert both.allowed_purposes == frozenset("c")
    assert not both.training_allowed
    assert both.tools[ToolClass.SHELL] is ToolRule.DENY
    assert both.tools[ToolClass.COMMIT] is ToolRule.APPROVE
    assert both.max_level.value == "none"


def test_every_field_of_a_request_counts_in_its_digest() -> None:
    from sovereigncode.commands.recording import digest

    plain = Request("shell")
    other: dict[str, Any] = {
        "action": "read", "actor": "a", "purpose": "p", "region": "NZ", "model_id": "m",
        "sovereignty_tier": 1, "license": "l", "data_classes": frozenset("d"), "tool_name": "t",
        "exports_data": True, "trains_model": True, "human_approved": True,
        "personal_detail_level": Level.ANONYMOUS, "consent_scopes": frozenset("c"),
        "requested_retention_days": 1,
    }  # fmt: skip
    assert set(other) == {field.name for field in fields(Request)}
    changed = [digest(replace(plain, **{name: value})) for name, value in other.items()]
    assert len({digest(plain), *changed}) == len(other) + 1
