"""Every entry of the catalogue: complete, with a source for each value, and validated only with a proof."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gonkagate_setup.catalog import GONKAGATE, LiveProof, Model, PublicSource, Status, Transport

MODELS = pytest.mark.parametrize("model", GONKAGATE.models, ids=lambda model: str(model.key))


@MODELS
def test_every_value_names_its_source(model: Model) -> None:
    values = {"key", "upstream_id", "display_name", "transport", "adapter"}
    if model.limit is not None:
        values.add("limit")
    values |= {f"compatibility.{name}" for name in model.compatibility}
    assert set(model.sources) == values
    assert all(source.strip() for source in model.sources.values())


@MODELS
def test_validated_names_a_live_proof_or_a_public_source(model: Model) -> None:
    if model.status is Status.VALIDATED:
        assert isinstance(model.proof, (LiveProof, PublicSource))
        assert str(model.proof).strip()
    if isinstance(model.proof, LiveProof):
        assert model.proof.file.startswith(f"validation/live/{model.key}/")


def test_the_public_source_of_today() -> None:
    assert {str(model.proof) for model in GONKAGATE.validated} == {
        "GonkaGate's published opencode setup tool, May 2026"
    }


def test_a_model_without_a_proof_cannot_be_validated() -> None:
    with pytest.raises(ValueError, match=r"kimi-k2\.6 cannot be validated without a proof"):
        replace(GONKAGATE.models[0], proof=None)
    candidate = replace(GONKAGATE.models[0], proof=None, status=Status.CANDIDATE)
    profile = replace(GONKAGATE, models=(candidate, *GONKAGATE.models[1:]))
    assert profile.model(candidate.key) is None
    assert candidate.key not in profile.provider_config()["models"]


def test_keys_and_upstream_ids_are_unique_and_the_default_is_offered() -> None:
    assert len({model.key for model in GONKAGATE.models}) == len(GONKAGATE.models)
    assert len({model.upstream_id for model in GONKAGATE.models}) == len(GONKAGATE.models)
    assert GONKAGATE.model(GONKAGATE.default_model) is not None


def test_nothing_claims_the_responses_transport() -> None:
    assert GONKAGATE.transport is Transport.CHAT_COMPLETIONS
    assert {model.transport for model in GONKAGATE.models} == {Transport.CHAT_COMPLETIONS}
    assert {GONKAGATE.adapter, *(model.adapter for model in GONKAGATE.models)} == {
        "@ai-sdk/openai-compatible"
    }
