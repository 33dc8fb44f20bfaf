"""Any input gives a decision or a named problem; nothing is raised, and nothing is allowed by accident."""

from __future__ import annotations

import json
from typing import Any, Callable

from hypothesis import example, given
from hypothesis import strategies as st

from sovereigncode.core import capsule, request, tenant_policy
from sovereigncode.core.combined import combine
from sovereigncode.core.decision import decide
from sovereigncode.core.request import Request
from sovereigncode.documents import json_text, yaml_text
from sovereigncode.documents.placed import Document, DocumentError

NAMES = sorted({*capsule.SHAPE.fields, *tenant_policy.SHAPE.fields, *request.SHAPE.fields, "allowed", "deny"})
WORDS = [
    "NZ",
    "internal",
    "health",
    "none",
    "identifiable",
    "deny",
    "allow",
    "warn",
    "shell",
    "model_call",
    "",
    "*",
]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=8)
    ),
    max_leaves=20,
)
CAPSULE = {"capsule_id": "c", "subject_id": "s", "jurisdiction": "NZ", "sensitivity": "internal"}
POLICY = (
    "version: 1\ntenant: acme\npurposes: {allowed: [a], default: a}\ntools: {shell: deny}\nresidency: [NZ]\n"
)


@given(VALUES, VALUES, VALUES)
def test_any_three_values_give_a_decision_or_problems(one: Any, two: Any, three: Any) -> None:
    for value in (one, {**CAPSULE, **one} if isinstance(one, dict) else one):
        stated, wrong = capsule.parse(value)
        assert (stated is None) == bool(wrong)
        policy = {"version": 1, "tenant": "t", **two} if isinstance(two, dict) else two
        rules, wrong = tenant_policy.parse(policy)
        assert (rules is None) == bool(wrong)
        asked, wrong = request.parse({"action": "shell", **three} if isinstance(three, dict) else three)
        assert (asked is None) == bool(wrong)
        if stated is not None:
            decided = decide(combine(stated, rules), asked or Request("read"))
            json.dumps(decided.to_json())
            assert decided.allowed == (not decided.reasons)


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@example(b"\xef\xbb\xbf")
@example(b"%YAML 1.1\n---\na: 1\n")
@example(b"a: |\n  x\n...\nb: 1\n")
@example(b"? \n")
@example(b"- a\n-\n  b: [\n")
def test_any_bytes_are_a_document_or_refused_with_a_place(data: bytes) -> None:
    for read in (json_text.read, yaml_text.read):
        assert min(place_of_refusal(read, data)) >= 1


def place_of_refusal(read: Callable[[bytes], Document], data: bytes) -> tuple[int, int]:
    try:
        read(data)
    except DocumentError as problem:
        return problem.line, problem.column
    return 1, 1


@given(
    st.integers(0, len(POLICY) - 1), st.characters(codec="utf-8"), st.sampled_from(["put", "cut", "double"])
)
def test_a_policy_with_a_mistyped_character_is_never_weaker(at: int, character: str, how: str) -> None:
    changed = {
        "put": POLICY[:at] + character + POLICY[at + 1 :],
        "cut": POLICY[:at] + POLICY[at + 1 :],
        "double": POLICY[:at] + POLICY[at] + POLICY[at:],
    }[how]
    stated, _ = capsule.parse(CAPSULE)
    assert stated is not None
    try:
        rules, _ = tenant_policy.parse(yaml_text.read(changed.encode()).value)
    except DocumentError:
        return
    if rules is None:
        return
    # Three of its rules deny this; one character cannot take all of them away.
    decided = decide(combine(stated, rules), Request("shell", purpose="other", region="US"))
    assert not decided.allowed
