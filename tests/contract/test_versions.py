"""The opencode versions that the tests, the catalogue's proofs and the program name are about the same."""

from __future__ import annotations

from gonkagate_setup.catalog import GONKAGATE
from opencode_config.versions import BEYOND, NEWEST_AUDITED, OLDEST, VARIANTS_GO, Version
from scripts.lib import opencode_versions


def version(text: str) -> Version:
    major, minor, patch = map(int, text.split("."))
    return Version(major, minor, patch)


def test_the_tests_run_with_what_the_program_accepts() -> None:
    supported = [version(text) for text in opencode_versions.SUPPORTED]
    assert all(OLDEST <= found < BEYOND for found in supported)
    assert version(opencode_versions.TOO_OLD) < OLDEST
    # Both sides of the one difference that the judgement makes.
    assert min(supported) < VARIANTS_GO <= max(supported)


def test_the_newest_that_was_audited_is_the_newest_that_is_tested() -> None:
    assert version(opencode_versions.NEWEST) == NEWEST_AUDITED


def test_every_model_is_wired_with_versions_that_are_tested() -> None:
    for model in GONKAGATE.models:
        assert set(model.wiring_proofs) <= set(opencode_versions.SUPPORTED), model.key
