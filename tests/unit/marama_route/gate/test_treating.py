"""What happens to a call: the strictest that the policy says of any of its parts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from marama_route.core.hints import Rules
from marama_route.gate.treating import Case, of_case, treat
from sovereigncode.core.decision import DENY, Reason, Unusable
from sovereigncode.core.words import ToolRule
from sovereigncode.tools.classes import Part, Reading, ToolClass
from sovereigncode.tools.judging import Judgement
from tests.unit.marama_route.asking import MODEL, named, rules
from tests.unit.marama_route.gate.scene import REQUEST

# By hand, from the contract: the words from the mildest to the strictest, and the defaults.
RULES = ["allow", "client", "approve", "deny"]
CLASSES = ["read", "plan", "file_write", "shell", "network", "delete", "commit", "publish", "unknown"]
CASE = Case("t", "ses_1", "c", "rd_1", REQUEST, (MODEL,))


def judgement(*classes: str, denied: tuple[str, ...] = ()) -> Judgement:
    parts = tuple(Part(ToolClass[name.upper()], "a part") for name in classes)
    return Judgement("bash", Reading(parts), "bash: a part", denied=denied)


def codes(found: Judgement, by: Rules, case: Case = CASE) -> tuple[str, list[str]]:
    treated = treat(found, by, case)
    return treated.rule.value, [reason.code for reason in treated.plain.reasons]


@pytest.mark.parametrize(("name", "rule"), list(product(CLASSES, RULES)))
def test_each_class_has_the_rule_that_the_policy_gives_it(name: str, rule: str) -> None:
    said, reasons = codes(judgement(name), rules({"tools": {name: rule}}))
    assert said == rule
    assert reasons == {"approve": ["approval_required"], "deny": ["tool_denied"]}.get(rule, [])
    treated = treat(judgement(name), rules({"tools": {name: rule}}), CASE)
    assert treated.approved.allowed == (rule != "deny")
    assert ("client_asks" in treated.plain.audit_tags) == (rule == "client")
    assert ("human_approved" in treated.approved.audit_tags) == (rule != "deny") or rule == "deny"


@pytest.mark.parametrize("name", CLASSES)
def test_without_a_policy_the_defaults_count(name: str) -> None:
    assert codes(judgement(name), rules())[0] == ("allow" if name in ("read", "plan") else "approve")


@pytest.mark.parametrize(("shell", "publish"), list(product(RULES, RULES)))
def test_the_strictest_of_all_parts_counts(shell: str, publish: str) -> None:
    """Also if the milder class has the stricter rule."""
    for parts in (("shell", "publish"), ("publish", "shell"), ("shell", "publish", "shell")):
        by = rules({"tools": {"shell": shell, "publish": publish}})
        assert codes(judgement(*parts), by)[0] == RULES[max(RULES.index(shell), RULES.index(publish))]


def test_a_call_without_parts_is_unknown() -> None:
    assert codes(judgement(), rules({"tools": {"unknown": "deny"}})) == ("deny", ["tool_denied"])
    assert codes(judgement(), rules({"tools": {"unknown": "allow"}}))[0] == "allow"


@pytest.mark.parametrize("rule", RULES)
def test_what_may_not_be_done_at_all_is_denied(rule: str) -> None:
    by = rules({"tools": {"file_write": rule}})
    said, reasons = codes(judgement("file_write", denied=("secret/path is outside the workspace",)), by)
    assert (said, reasons[0]) == ("deny", "tool_denied")
    assert "secret/path" not in str(treat(judgement("file_write", denied=("secret/path",)), by, CASE))


@pytest.mark.parametrize(
    ("policy", "capsule", "code"),
    [
        ({}, {"revoked": True}, "capsule_revoked"),
        ({"purposes": {"denied": ["code_review"]}}, {}, "purpose_denied"),
        ({"purposes": {"allowed": ["support"]}}, {}, "purpose_not_allowed"),
        ({"residency": ["AU"]}, {}, "region_not_resident"),
        ({"models": {"deny": ["*"]}}, {}, "model_denied"),
        ({}, {"consent_scopes": ["research"]}, "consent_scope_missing"),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_the_policy_counts_for_a_tool_call(
    policy: dict[str, Any], capsule: dict[str, Any], code: str, rule: str
) -> None:
    """A person's yes does not change that."""
    said, reasons = codes(judgement("read"), rules({**policy, "tools": {"read": rule}}, **capsule))
    assert said == "deny"
    assert code in reasons


def test_each_model_that_may_have_answered_counts() -> None:
    secret = rules({"tools": {"read": "allow"}}, sensitivity="health")
    assert codes(judgement("read"), secret)[0] == "allow"
    case = replace(CASE, models=(MODEL, named("far", sovereignty_tier=1)))
    assert codes(judgement("read"), secret, case) == ("deny", ["model_not_trusted"])
    with pytest.raises(ValueError, match="nothing was decided"):
        treat(judgement("read"), secret, replace(CASE, models=()))


def test_without_rules_everything_is_denied() -> None:
    broken = Unusable((Reason("policy_invalid", "line 3"),))
    assert codes(judgement("read"), broken) == ("deny", ["policy_invalid"])


@pytest.mark.parametrize(
    ("tenant", "capsule", "policy", "same"),
    [
        ("t", "c", {}, True),
        ("t", "c", None, True),
        ("u", "c", None, True),
        ("u", "c", {}, False),
        ("t", "d", {}, False),
        ("t", "d", None, False),
    ],
)
def test_the_rules_are_those_of_the_tenant_and_the_capsule(
    tenant: str, capsule: str, policy: dict[str, Any] | None, same: bool
) -> None:
    by = rules(policy)
    found = of_case(by, replace(CASE, tenant=tenant, capsule_id=capsule))
    assert (found is by) == same
    if not same:
        decision = treat(judgement("read"), found, CASE).plain
        assert (decision.decision, [one.code for one in decision.reasons]) == (DENY, ["capsule_missing"])


def test_the_words_are_the_contracts() -> None:
    assert [rule.value for rule in ToolRule] == RULES
