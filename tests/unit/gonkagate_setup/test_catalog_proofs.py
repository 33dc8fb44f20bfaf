"""The proofs in the repository: their shape, their places, and that the catalogue names exactly these."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gonkagate_setup.catalog import GONKAGATE, LiveProof

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "validation"
PROOFS = sorted(FOLDER.glob("*/*/*.json"))
EACH = pytest.mark.parametrize(
    "path", PROOFS, ids=lambda path: "-".join(path.relative_to(FOLDER).with_suffix("").parts)
)


def proof(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def test_there_is_a_stand_in_proof_for_every_model_and_both_ends_of_the_supported_versions() -> None:
    found = {(path.parent.name, path.stem) for path in PROOFS if path.parts[-3] == "stand-in"}
    versions = ("opencode-1.14.34", "opencode-1.18.33")
    assert found >= {(model.key, version) for model in GONKAGATE.validated for version in versions}


@EACH
def test_the_place_of_a_proof_says_what_it_is(path: Path) -> None:
    value = proof(path)
    place = (value["mode"], value["modelKey"], f"opencode-{value['opencodeVersion']}")
    assert place == (path.parts[-3], path.parts[-2], path.stem)
    model = GONKAGATE.model(value["modelKey"])
    assert model is not None
    assert value["upstreamId"] == model.upstream_id


@EACH
def test_a_proof_holds_no_key_no_prompt_and_no_path(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"gp-|\{file:|Bearer|/home/|/tmp/|Answer in|seconds", text)
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_the_catalogue_names_exactly_the_proofs_that_are_there() -> None:
    for model in GONKAGATE.models:
        wired = sorted(
            path.stem.partition("-")[2] for path in (FOLDER / "stand-in" / model.key).glob("*.json")
        )
        assert sorted(model.wiring_proofs) == wired, model.key
        if isinstance(model.proof, LiveProof):
            value = proof(ROOT / model.proof.file)
            assert (value["mode"], value["modelKey"]) == ("live", model.key)
