"""Capsule, policy and request: what is right, what is wrong and where, and the schema that says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sovereigncode.core import capsule, request, tenant_policy
from sovereigncode.core.shapes import Place

NEEDED = {"capsule_id": "c", "subject_id": "s", "jurisdiction": "NZ", "sensitivity": "internal"}
POLICY = {"version": 1, "tenant": "acme"}
WRONG_CAPSULES: list[tuple[Any, Place]] = [
    (None, ()),
    ([], ()),
    ("x", ()),
    ({**NEEDED, "capsule_id": ""}, ("capsule_id",)),
    ({**NEEDED, "capsule_id": "a b"}, ("capsule_id",)),
    ({**NEEDED, "capsule_id": "é"}, ("capsule_id",)),
    ({**NEEDED, "capsule_id": "a" * 129}, ("capsule_id",)),
    ({**NEEDED, "capsule_id": 1}, ("capsule_id",)),
    ({**NEEDED, "capsule_id": None}, ("capsule_id",)),
    ({**NEEDED, "subject_id": " "}, ("subject_id",)),
    ({**NEEDED, "jurisdiction": []}, ("jurisdiction",)),
    ({**NEEDED, "sensitivity": "secret"}, ("sensitivity",)),
    ({**NEEDED, "sensitivity": "Internal"}, ("sensitivity",)),
    ({**NEEDED, "sensitivity": ["internal"]}, ("sensitivity",)),
    ({**NEEDED, "allowed_purposes": "x"}, ("allowed_purposes",)),
    ({**NEEDED, "allowed_purposes": [1]}, ("allowed_purposes", 0)),
    ({**NEEDED, "denied_purposes": None}, ("denied_purposes",)),
    ({**NEEDED, "denied_purposes": ["a", ""]}, ("denied_purposes", 1)),
    ({**NEEDED, "resident_regions": {"NZ": 1}}, ("resident_regions",)),
    ({**NEEDED, "retention_days": -1}, ("retention_days",)),
    ({**NEEDED, "retention_days": "30"}, ("retention_days",)),
    ({**NEEDED, "retention_days": True}, ("retention_days",)),
    ({**NEEDED, "retention_days": 1.5}, ("retention_days",)),
    ({**NEEDED, "retention_days": 10**50}, ("retention_days",)),
    ({**NEEDED, "retention_days": float("inf")}, ("retention_days",)),
    ({**NEEDED, "export_allowed": "true"}, ("export_allowed",)),
    ({**NEEDED, "training_allowed": 1}, ("training_allowed",)),
    ({**NEEDED, "personal_detail_level": "some"}, ("personal_detail_level",)),
    ({**NEEDED, "consent_scopes": "research"}, ("consent_scopes",)),
    ({**NEEDED, "revoked": 0}, ("revoked",)),
    ({**NEEDED, "revoked": None}, ("revoked",)),
    ({**NEEDED, "data_classes": ["a"] * 10_001}, ("data_classes",)),
]
RIGHT_CAPSULES: list[dict[str, Any]] = [
    NEEDED,
    {**NEEDED, "allowed_purposes": None},
    {**NEEDED, "allowed_purposes": [], "resident_regions": [], "data_classes": []},
    {**NEEDED, "retention_days": 0},
    {**NEEDED, "retention_days": 7.0},
    {**NEEDED, "metadata": {"a": [1, None]}, "schema_context": "x", "consent_record": {"by": "y"}},
    {**NEEDED, "unknown": {"kept": True}, "capsule_id": "A.b:c_d-9"},
    {**NEEDED, "personal_detail_level": "sensitive_identifiable", "revoked": True},
]


@pytest.mark.parametrize("number", range(len(WRONG_CAPSULES)))
def test_a_wrong_capsule_is_no_capsule_and_says_where(number: int) -> None:
    value, place = WRONG_CAPSULES[number]
    found, problems = capsule.parse(value)
    assert found is None
    assert [problem.place for problem in problems] == [place]


@pytest.mark.parametrize("name", NEEDED)
def test_a_needed_key_that_is_missing_is_named(name: str) -> None:
    _, problems = capsule.parse({key: value for key, value in NEEDED.items() if key != name})
    assert [problem.message for problem in problems] == [f"the key {name} is missing"]


def test_the_defaults_are_those_of_the_contract() -> None:
    found, _ = capsule.parse(NEEDED)
    assert found is not None
    assert (found.allowed_purposes, found.denied_purposes, found.resident_regions) == (None, set(), {"NZ"})  # type: ignore[comparison-overlap]
    assert (found.data_classes, found.retention_days) == (frozenset(["source_code"]), 30)
    assert (found.export_allowed, found.training_allowed, found.revoked) == (False, False, False)
    assert found.consent_scopes == frozenset()
    assert found.personal_detail_level.value == "none"
    zero, _ = capsule.parse({**NEEDED, "retention_days": 0})
    assert zero is not None
    assert zero.retention_days == 0


def test_the_schema_says_the_same() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="not pinned for this Python: other legs run this")
    validator = jsonschema.Draft202012Validator(capsule.schema())
    jsonschema.Draft202012Validator.check_schema(capsule.schema())
    for value in RIGHT_CAPSULES:
        assert capsule.parse(value)[0] is not None
        assert list(validator.iter_errors(value)) == [], value
    for value, _ in WRONG_CAPSULES:
        assert not validator.is_valid(value)


def test_the_schema_file_that_ships_is_this_schema() -> None:
    path = Path(capsule.__file__).parents[1] / "capsule.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == capsule.schema()


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2J", "\ud800", "a\u2028b", "\u202eab", "a\x00"])
def test_no_text_that_reaches_a_record_has_a_character_that_cannot_be_shown(text: str) -> None:
    assert capsule.parse({**NEEDED, "subject_id": text})[0] is None
    assert tenant_policy.parse({**POLICY, "tenant": text})[0] is None
    assert request.parse({"action": text})[0] is None


@pytest.mark.parametrize(
    ("value", "place", "words"),
    [
        (None, (), "object"),
        ({}, (), "version"),
        ({"version": 1}, (), "tenant"),
        ({**POLICY, "version": 2}, ("version",), "from 1 to 1"),
        ({**POLICY, "version": "1"}, ("version",), "whole number"),
        ({**POLICY, "toolz": {}}, ("toolz",), "did you mean tools"),
        ({**POLICY, "tools": {"shel": "deny"}}, ("tools", "shel"), "did you mean shell"),
        ({**POLICY, "tools": {"shell": "ask"}}, ("tools", "shell"), "allow, client, approve, deny"),
        ({**POLICY, "tools": None}, ("tools",), "object"),
        ({**POLICY, "purposes": {"allow": []}}, ("purposes", "allow"), "did you mean allowed"),
        ({**POLICY, "purposes": []}, ("purposes",), "object"),
        ({**POLICY, "residency": "NZ"}, ("residency",), "list"),
        ({**POLICY, "models": {"allow": "x"}}, ("models", "allow"), "list"),
        ({**POLICY, "personal_details": {"detected": 0}}, ("personal_details", "detected"), "off, warn"),
        ({**POLICY, "approvals": {"expires_minutes": 0}}, ("approvals", "expires_minutes"), "from 1"),
        ({**POLICY, "approvals": {"hold_seconds": -1}}, ("approvals", "hold_seconds"), "from 0"),
        ({**POLICY, "export_allowed": "yes"}, ("export_allowed",), "true or false"),
        ({**POLICY, "retention_days": None}, ("retention_days",), "whole number"),
        ({**POLICY, "<<": {}}, ("<<",), "not known"),
    ],
)  # fmt: skip
def test_a_mistyped_policy_is_no_policy(value: Any, place: Place, words: str) -> None:
    found, problems = tenant_policy.parse(value)
    assert found is None
    assert any(problem.place == place and words in problem.message for problem in problems)


def test_a_policy_with_a_thousand_mistakes_names_the_first_hundred() -> None:
    _, problems = tenant_policy.parse({**POLICY, **{f"key{number}": 1 for number in range(1000)}})
    assert len(problems) == 100


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"action": None}, {"action": ""}, {"action": 1}, {"action": "x", "trains_modle": True},
        {"action": "x", "sovereignty_tier": 4}, {"action": "x", "sovereignty_tier": True},
        {"action": "x", "human_approved": "yes"}, {"action": "x", "data_classes": "logs"},
        {"action": "x", "consent_scope": 1}, {"action": "x", "consent_scope": [1]},
        {"action": "x", "requested_retention_days": -1}, {"action": "x", "personal_detail_level": "all"},
    ],
)  # fmt: skip
def test_what_is_not_a_request_is_none(value: Any) -> None:
    assert request.parse(value)[0] is None


def test_nothing_and_an_empty_text_are_the_same() -> None:
    empty = {"action": "x", "purpose": "", "region": None, "consent_scope": "", "model_id": ""}
    assert request.parse(empty) == request.parse({"action": "x"})


@pytest.mark.parametrize("scope", ["research", ["research"]])
def test_a_request_names_one_consent_scope_or_several(scope: Any) -> None:
    found, _ = request.parse({"action": "x", "consent_scope": scope})
    assert found is not None
    assert found.consent_scopes == frozenset(["research"])
