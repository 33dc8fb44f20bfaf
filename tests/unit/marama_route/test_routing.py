"""Routing: pins and aliases, each gate with its reason, scores, fallbacks, and no model left."""

from __future__ import annotations

from typing import Any

import pytest

from marama_route.core import gates, routing
from marama_route.core.errors import RequestRefusal
from marama_route.core.registry import Model
from sovereigncode.core.decision import Reason, Unusable
from tests.unit.marama_route.asking import CHAT, MODEL, hints, named, registry, routed, rules

TOOLS: dict[str, Any] = {"tools": [{"type": "function", "function": {"name": "f"}}]}
RESTRICTED = rules(sensitivity="restricted")
NO_CAPSULE = Unusable((Reason("capsule_missing", "there is no capsule"),))


def refusal(result: Any) -> RequestRefusal:
    found = routing.refusal(result)
    assert found is not None
    return found


def test_the_gates_are_in_the_order_of_the_contract() -> None:
    assert list(gates.ORDER) == [
        "policy_denied",
        "modality_mismatch",
        "context_too_small",
        "tools_required",
        "json_required",
        "license_not_allowed",
        "residency_mismatch",
        "sovereignty_tier_too_low",
        "backend_unavailable",
    ]


@pytest.mark.parametrize(
    ("model", "payload", "reason", "detail"),
    [
        (named("m", residency=("US",)), {}, "policy_denied", "region_not_resident"),
        (
            MODEL,
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}
                ]
            },
            "modality_mismatch",
            "it does not take image",
        ),
        (
            named("m", context_tokens=1000),
            {"max_tokens": 1000},
            "context_too_small",
            "1009 tokens are needed, and it has 1000",
        ),
        (named("m", supports_tools=False), TOOLS, "tools_required", "it does not call tools"),
        (
            named("m", supports_json=False),
            {"response_format": {"type": "json_object"}},
            "json_required",
            "it does not answer in JSON",
        ),
        (MODEL, {"route": {"license_allowlist": ["mit"]}}, "license_not_allowed", "its licence is not known"),
        (
            named("m", license="mit"),
            {"route": {"license_allowlist": []}},
            "license_not_allowed",
            "its licence is mit",
        ),
        (
            MODEL,
            {"route": {"jurisdiction": "AU"}},
            "residency_mismatch",
            "it runs in NZ, and must run in AU only",
        ),
        (
            named("m", sovereignty_tier=2),
            {"model": "lumynax/local"},
            "sovereignty_tier_too_low",
            "tier 3 is needed, and it has 2",
        ),
    ],
)
def test_each_gate(model: Model, payload: dict[str, Any], reason: str, detail: str) -> None:
    result = routed(registry(model), {**CHAT, **payload})
    (rejected,) = result.rejected
    assert (rejected.model, rejected.reason, rejected.detail) == ("m", reason, detail)
    assert result.selected is None
    assert refusal(result).kind == ("policy_denied" if reason == "policy_denied" else "no_eligible_model")


def test_a_backend_that_is_left_out() -> None:
    result = routed(registry(MODEL, named("n", backend="c")), CHAT, unavailable=frozenset({"b"}))
    assert result.selected is not None
    assert result.selected.id == "n"
    assert [(one.model, one.reason) for one in result.rejected] == [("m", "backend_unavailable")]


def test_the_first_gate_gives_the_reason() -> None:
    bad = named("m", context_tokens=1, supports_tools=False, sovereignty_tier=0)
    result = routed(registry(bad), {**CHAT, **TOOLS, "model": "lumynax/local"}, unavailable=frozenset({"b"}))
    assert [one.reason for one in result.rejected] == ["context_too_small"]


@pytest.mark.parametrize("sensitivity", ["restricted", "personal", "health", "iwi", "taonga"])
def test_a_foreign_model_is_never_reached_for_high_sensitivity(sensitivity: str) -> None:
    foreign = named("us", residency=("US",), quality_rank=0)
    counted = rules(sensitivity=sensitivity, resident_regions=["NZ", "US"])
    result = routed(registry(MODEL, foreign), CHAT, counted)
    assert result.selected == MODEL
    assert [(one.model, one.reason) for one in result.rejected] == [("us", "residency_mismatch")]


def test_a_model_that_may_also_run_elsewhere_is_not_resident() -> None:
    both = named("both", residency=("AU", "NZ"), quality_rank=0)
    assert [one.reason for one in routed(registry(both), CHAT).rejected] == ["policy_denied"]
    allowed = rules(resident_regions=["NZ", "AU"])
    assert routed(registry(both), CHAT, allowed).selected == both
    in_policy = rules({"residency": ["NZ", "AU"]}, resident_regions=["NZ", "AU"])
    assert [one.reason for one in routed(registry(both), CHAT, in_policy).rejected] == ["residency_mismatch"]


@pytest.mark.parametrize("other", ["AU", "US"])
def test_every_region_where_a_model_may_run_is_judged(other: str) -> None:
    result = routed(registry(named("m", residency=("NZ", other))), CHAT)
    assert [(one.reason, one.detail) for one in result.rejected] == [("policy_denied", "region_not_resident")]


def test_a_context_that_is_just_large_enough() -> None:
    assert routed(registry(named("m", context_tokens=9)), CHAT).selected is not None
    assert routed(registry(named("m", context_tokens=8)), CHAT).selected is None


def test_a_header_makes_the_rules_stricter() -> None:
    au, low = named("au", residency=("AU",)), named("low", sovereignty_tier=1)
    counted = rules(resident_regions=["NZ", "AU"])
    assert routed(registry(au), CHAT, counted).selected == au
    result = routed(registry(au), CHAT, counted, {"X-AbteeX-Route-Jurisdiction": "NZ"})
    assert [one.reason for one in result.rejected] == ["residency_mismatch"]
    result = routed(registry(low), CHAT, None, {"X-AbteeX-Route-Sensitivity": "health"})
    assert [one.detail for one in result.rejected] == ["model_not_trusted"]


@pytest.mark.parametrize("place", ["header", "route", "both"])
@pytest.mark.parametrize("word", ["public", "internal", "restricted"])
def test_nothing_makes_the_rules_looser(place: str, word: str) -> None:
    headers = (
        {} if place == "route" else {"X-AbteeX-Route-Sensitivity": word, "X-AbteeX-Route-Jurisdiction": "US"}
    )
    route = {} if place == "header" else {"route": {"data_sensitivity": word, "jurisdiction": "US"}}
    foreign = named("us", residency=("US",), sovereignty_tier=3)
    counted = rules(sensitivity="health", resident_regions=["NZ", "US"])
    assert routed(registry(foreign, MODEL), {**CHAT, **route}, counted, headers).selected is None
    assert hints({**CHAT, **route}, counted, headers).to_json()["data_sensitivity"] == "health"


def test_a_request_without_a_capsule_is_denied_for_every_model() -> None:
    result = routed(registry(MODEL, named("n")), CHAT, NO_CAPSULE)
    assert [one.reason for one in result.rejected] == ["policy_denied", "policy_denied"]
    assert refusal(result).kind == "policy_denied"
    assert "capsule_missing" in refusal(result).message
    assert result.policy is not None
    assert [reason.code for reason in result.policy.reasons] == ["capsule_missing"]


def test_a_pin_has_no_fallback_and_an_unknown_name_is_not_found() -> None:
    models = registry(MODEL, named("n"))
    result = routed(models, {**CHAT, "model": "n"})
    assert (result.selected, result.fallbacks, result.rejected) == (models.models["n"], (), ())
    with pytest.raises(RequestRefusal) as caught:
        routed(models, {**CHAT, "model": "lumynax/kode"})
    assert (caught.value.kind, caught.value.param) == ("model_not_found", "model")
    assert "kode" not in caught.value.message


def test_a_pinned_model_that_the_tenant_may_not_use() -> None:
    result = routed(registry(MODEL), {**CHAT, "model": "m"}, rules({"models": {"deny": ["m"]}}))
    assert refusal(result).kind == "model_denied"
    assert refusal(routed(registry(MODEL), CHAT, rules({"models": {"deny": ["m"]}}))).kind == "policy_denied"


def test_policy_and_other_reasons_together_are_no_eligible_model() -> None:
    models = registry(named("us", residency=("US",)), named("small", context_tokens=1))
    found = refusal(routed(models, CHAT))
    assert found.kind == "no_eligible_model"
    assert found.message == (
        "no model can take this request: small: context_too_small (9 tokens are needed, and it has 1); "
        "us: policy_denied (region_not_resident)"
    )
    assert refusal(routed(registry(), CHAT)).kind == "no_eligible_model"


@pytest.mark.parametrize(
    ("model", "payload", "score"),
    [
        (named("m", quality_rank=10, cost_rank=0), {}, 8.0),
        (named("m", quality_rank=0, cost_rank=0), {}, 25.0),
        (named("m", quality_rank=2, cost_rank=1), {}, 8 + 13.6 - 0.25),
        (named("m", quality_rank=10, cost_rank=10), {}, 5.5),
        (named("m", cost_rank=0, active_params_b=8.0), {}, 8.5),
        (named("m", cost_rank=0, active_params_b=8.1), {}, 8.0),
        (named("m", cost_rank=0, tags=frozenset({"code"})), {"model": "lumynax/code"}, 25.0),
        (named("m", cost_rank=0, tags=frozenset({"code"})), {}, 8.0),
        (named("m", cost_rank=0, tags=frozenset({"reasoning"})), {"model": "lumynax/reasoning"}, 24.0),
        (named("m", cost_rank=0, tags=frozenset({"multimodal"})), {"model": "lumynax/multimodal"}, 15.0),
        (named("m", cost_rank=0), TOOLS, 11.0),
        (named("m", cost_rank=0), {"response_format": {"type": "json_schema"}}, 11.0),
    ],
)
def test_each_score(model: Model, payload: dict[str, Any], score: float) -> None:
    assert routed(registry(model), {**CHAT, **payload}).scores == (("m", score),)


def test_a_model_outside_the_jurisdiction_has_no_points_for_it() -> None:
    au = named("au", residency=("AU",), cost_rank=0)
    counted = rules(resident_regions=["NZ", "AU"])
    assert routed(registry(au, named("nz", cost_rank=0)), CHAT, counted).scores == (("nz", 8.0), ("au", 0.0))


def test_equal_scores_are_ordered_by_id_and_fallbacks_are_limited() -> None:
    models = registry(*(named(name) for name in "edcba"))
    result = routed(models, CHAT)
    assert result.selected is not None
    assert [result.selected.id, *(model.id for model in result.fallbacks)] == ["a", "b", "c", "d"]
    assert routed(models, {**CHAT, "route": {"max_fallbacks": 0}}).fallbacks == ()
    more = routed(models, {**CHAT, "route": {"max_fallbacks": 9}})
    assert [model.id for model in more.fallbacks] == ["b", "c", "d", "e"]


def test_the_reasons_say_what_scored() -> None:
    model = named("m", tags=frozenset({"code"}), quality_rank=2, cost_rank=1)
    assert routed(registry(model), {**CHAT, "model": "lumynax/code"}).reasons == (
        "no other is eligible",
        "it runs in NZ",
        "it is tagged code",
        "it is made for code",
        "its quality rank is 2",
        "its cost rank is 1",
    )


def test_the_purpose_is_the_headers_then_the_policys_then_the_tenants() -> None:
    policy = {"purposes": {"allowed": ["code_review"], "default": "code_review"}}
    models = registry(MODEL)
    assert routed(models, CHAT, rules(policy)).selected == MODEL
    result = routed(models, CHAT, rules(policy), {"X-AbteeX-Purpose": "model_training"})
    assert [one.detail for one in result.rejected] == ["purpose_not_allowed"]
    assert routed(models, CHAT, rules(allowed_purposes=["software_engineering"])).selected == MODEL


def test_the_consent_scope_of_the_header_counts() -> None:
    counted = rules(consent_scopes=["care"])
    assert routed(registry(MODEL), CHAT, counted).selected is None
    assert routed(registry(MODEL), CHAT, counted, {"X-AbteeX-Consent-Scope": "care"}).selected == MODEL
