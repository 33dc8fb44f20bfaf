"""A conflict is shown before anything is written, with its way out; no opencode is asked for its config.

The preview at a terminal is in tests/sessions/expected/blocked-80.txt.
"""

from __future__ import annotations

import json
import re

from tests.support.configs import SCHEMA
from tests.support.machine import Machine
from tests.support.refusals import fake_opencode, ours

DRY = ("--yes", "--dry-run", "--scope", "user", "--api-key-stdin")


def test_a_dry_run_shows_the_conflict_and_its_way_out(machine: Machine) -> None:
    machine.project_config.write_text(json.dumps({"$schema": SCHEMA, "model": "openai/gpt"}, indent=2))
    fake_opencode(machine, 'print("1.18.33") if sys.argv[1:] == ["--version"] else sys.exit("it is asked")')
    before = ours(machine)
    done = machine.run_setup(*DRY, "--json", stdin=machine.key)
    assert done.status == 0, done.output
    (blocker,) = done.json["blockers"]
    assert (done.json["status"], blocker["code"], blocker["layer"]) == (
        "dry_run",
        "model_overridden",
        "project_config",
    )
    assert (blocker["file"], blocker["line"], blocker["column"], blocker["key"]) == (
        str(machine.project_config),
        3,
        3,
        "model",
    )
    assert "`--scope project`" in blocker["nextStep"]
    text = machine.run_setup(*DRY, stdin=machine.key)
    assert text.status == 0, text.output
    said = re.sub(r"\s+", " ", text.stdout)
    assert f"where: {machine.project_config}:3:3" in said
    assert blocker["nextStep"] in said
    assert ours(machine) == before
    # The way out that is offered is one.
    way_out = machine.run_setup(*DRY[:3], "project", "--api-key-stdin", "--json", stdin=machine.key)
    assert (way_out.status, way_out.json["blockers"]) == (0, [])
