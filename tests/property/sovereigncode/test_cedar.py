"""Our rules against Cedar's reading of the same rules: decision, reasons and obligations are the same."""

from __future__ import annotations

import sys
from collections import Counter
from functools import lru_cache
from typing import Callable

import pytest

from sovereigncode.core import capsule, request, tenant_policy
from sovereigncode.core.combined import combine
from sovereigncode.core.decision import Decision, decide
from sovereigncode.core.rules import DUTIES, RULES

if not (3, 11) <= sys.version_info < (3, 15):
    pytest.skip("cedarpy has wheels for Python 3.11 to 3.14 only", allow_module_level=True)

from tests.property.sovereigncode.cases import Case, case
from tests.property.sovereigncode.cedar import Oracle, without

USUAL, DEEP = 3000, 100_000
OUTCOMES = ("allow", "allow_with_obligations", "deny")
NAMES = [*(rule.code for rule in RULES), *(duty.code for duty in DUTIES)]


def ours(documents: Case) -> Decision:
    stated, wrong = capsule.parse(documents["capsule"])
    assert stated is not None, wrong
    rules = None
    if documents["policy"] is not None:
        rules, wrong = tenant_policy.parse(documents["policy"])
        assert rules is not None, wrong
    asked, wrong = request.parse(documents["request"])
    assert asked is not None, wrong
    return decide(combine(stated, rules), asked)


def codes(decision: Decision) -> tuple[set[str], set[str]]:
    return {one.code for one in decision.reasons}, {one.code for one in decision.obligations}


@lru_cache(maxsize=USUAL)
def ours_of(number: int) -> tuple[Case, Decision]:
    documents = case(number)
    return documents, ours(documents)


def agrees(decision: Decision, expected: tuple[set[str], set[str]]) -> bool:
    return codes(decision) == expected and decision.allowed == (not expected[0])


def test_cedar_decides_the_same(deep: bool, figure: Callable[[str, float, str], None]) -> None:
    oracle, wanted = Oracle(), DEEP if deep else USUAL
    found, seen = [], Counter[str]()
    for number in range(wanted):
        documents, decision = ours_of(number)
        expected = oracle.decide(documents)
        seen.update([decision.decision, *expected[0], *expected[1]])
        if not agrees(decision, expected):
            found.append((number, codes(decision), expected))
    figure("requests decided twice", wanted, "requests")
    figure("disagreements", len(found), "requests")
    for name in OUTCOMES:
        figure(name, seen[name], "requests")
    assert found[:3] == []
    # Every rule and every outcome was there often enough to be compared.
    assert {name for name in (*NAMES, *OUTCOMES) if seen[name] < 8} == set()


@pytest.mark.parametrize("rule", NAMES)
def test_a_rule_that_one_of_them_lacks_is_noticed(rule: str) -> None:
    oracle = Oracle(without(rule))
    assert any(not agrees(ours_of(number)[1], oracle.decide(ours_of(number)[0])) for number in range(USUAL))
