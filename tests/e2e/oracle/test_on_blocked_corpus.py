"""Real configs with --on-blocked fix: none stays blocked that opencode itself takes, and undo is exact.

Each as the user's own config and as a project's, with the real opencode. The normal run takes two of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from scripts.lib import opencode_versions
from tests.stand_in import StandIn
from tests.support.configs import KIMI
from tests.support.machine import Finished, Machine

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
FILES = sorted(CORPUS.glob("*.json*"))
NORMAL = ("001.jsonc",)
SCHEMA_LINE = b'\n  "$schema": "https://opencode.ai/config.json",'
Record = Callable[[str, float, str], None]

needs_corpus = pytest.mark.skipif(not FILES, reason=f"the corpus of real configs is not at {CORPUS}")
EACH = [
    pytest.param(
        path, place, marks=() if path.name in NORMAL else pytest.mark.deep, id=f"{path.name}-{place}"
    )
    for path in FILES
    for place in ("user", "project")
]


def run(machine: Machine, *arguments: str) -> Finished:
    environ = {
        "GONKAGATE_API_KEY": machine.key,
        # With a plugin opencode wants packages from a registry that is not there, again and again.
        "npm_config_fetch_retries": "0",
    }
    return machine.run_setup(*arguments, "--json", env=environ)


@needs_corpus
@pytest.mark.parametrize(("path", "place"), EACH)
def test_no_config_that_opencode_takes_stays_blocked(
    path: Path, place: str, tmp_path: Path, stand_in: StandIn, figure: Record
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(opencode_versions.NEWEST))
    folder = machine.config_folder if place == "user" else machine.project
    config = folder / "opencode.jsonc"
    config.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes()
    config.write_bytes(before)
    taken = machine.opencode("debug", "config", "--pure", env={"npm_config_fetch_retries": "0"}).status == 0
    config.write_bytes(before)
    done = run(machine, "--yes", "--scope", "user", "--model", KIMI, "--on-blocked", "fix")
    if not taken:
        figure("refused by opencode itself", 1, path.name)
        assert done.status in (5, 6), done.output
        assert config.read_bytes() in (before, before.replace(b"{", b"{" + SCHEMA_LINE, 1))
        return
    assert (done.status, done.json["status"]) == (0, "success"), done.output
    figure(f"set up with {len(done.json['edits'])} edits", 1, path.name)
    undone = run(machine, "undo", "--yes")
    assert undone.status == 0, undone.output
    after = config.read_bytes()
    exact = after == before
    # opencode itself adds $schema to a config without one, when it starts; that is not undone.
    figure("exact after undo" if exact else "exact after undo but for $schema", 1, path.name)
    assert exact or after.replace(SCHEMA_LINE, b"", 1) == before.lstrip(b"\xef\xbb\xbf \t\r\n")
