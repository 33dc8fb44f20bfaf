"""The proofs against their schema, and against the config that the product writes today."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

from gonkagate_setup.catalog import GONKAGATE
from scripts.lib import proofs_table

FOLDER = Path(__file__).resolve().parents[3] / "validation"
PROOFS = sorted(FOLDER.glob("*/*/*.json"))
SCHEMA = json.loads((FOLDER / "proof.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PROOFS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_proof_fits_its_schema_and_the_config_of_today(path: Path) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(value, SCHEMA, jsonschema.Draft202012Validator)
    # A change of the catalogue's config makes every proof stale: scripts/validate_model.py --all
    today = json.dumps(GONKAGATE.provider_config(), sort_keys=True).encode()
    assert value["configDigest"] == hashlib.sha256(today).hexdigest()


def test_the_schema_refuses_what_no_proof_may_hold() -> None:
    value = json.loads(PROOFS[0].read_text(encoding="utf-8"))
    for wrong in (
        {**value, "seconds": 3.5},
        {**value, "mode": "both"},
        {**value, "workflows": {name: one for name, one in value["workflows"].items() if name != "tools"}},
        {
            **value,
            "workflows": {**value["workflows"], "run": {"requests": 1, "exitStatus": 0, "prompt": "x"}},
        },
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA, jsonschema.Draft202012Validator)


def test_the_page_has_a_row_for_every_proof_and_for_every_model() -> None:
    page = proofs_table.PAGE.read_text(encoding="utf-8")
    rows = page.split(proofs_table.BEGIN)[1].split(proofs_table.END)[0].splitlines()
    for path in PROOFS:
        value = json.loads(path.read_text(encoding="utf-8"))
        link = f"[file](../{path.relative_to(FOLDER.parent).as_posix()})"
        (row,) = [line for line in rows if link in line]
        assert row.startswith(f"| `{value['modelKey']}` | {value['opencodeVersion']} | {value['mode']} | ")
        assert f"| {len(value['workflows'])} of {len(value['workflows'])} |" in row
    # The catalogue, which `models` prints, and the page name the same versions.
    for model in GONKAGATE.validated:
        cells = [line.strip("| ").split(" | ") for line in rows]
        wired = [row[1] for row in cells if row[0] == f"`{model.key}`" and row[2] == "stand-in"]
        assert tuple(wired) == model.wiring_proofs
