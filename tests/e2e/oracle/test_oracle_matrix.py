"""The judgement against an oracle: what a real `opencode run` sends, for values in every layer.

The normal run takes a sample, `--deep` takes 400 cases for the newest version and 60 for each older one.

What has to hold is in tests.support.oracle.checks. test_oracle_by_hand.py tries more cases without opencode.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.judgement.verdict import judge
from opencode_config.program import asking, opencode
from opencode_config.program.find import find
from opencode_config.program.run import run
from opencode_config.program.surveying import take_survey
from opencode_config.versions import Version
from scripts.lib import opencode_versions
from tests.stand_in import StandIn
from tests.support.machine import Machine
from tests.support.oracle.by_hand import resolved_by_hand
from tests.support.oracle.cases import generate
from tests.support.oracle.checks import (
    agrees_with_the_oracle,
    comes_true,
    expectation_of,
    foreseen_of,
    host_of,
    resolved_well,
    ways_out_work,
)
from tests.support.oracle.machine import SHELLS, Case, environment_of

BLOCK = 5
# The normal run tries the ways out of every third case: they cost as much as the judgement.
WAYS_OUT = 3
NORMAL = {"1.18.33": 6, "1.17.19": 1, "1.14.34": 1}
DEEP = {"1.18.33": 80, "1.17.19": 12, "1.14.34": 12}
FIRST_SEED = {"1.18.33": 0, "1.17.19": 10_000, "1.14.34": 20_000}
BLOCKS = [
    pytest.param(
        version, number, marks=() if number < NORMAL[version] else pytest.mark.deep, id=f"{version}-{number}"
    )
    for version, blocks in DEEP.items()
    for number in range(blocks)
]
Record = Callable[[str, float, str], None]
ANSWERED: dict[tuple[object, ...], bool] = {}


@pytest.mark.parametrize(("version", "block"), BLOCKS)
def test_the_judgement_agrees_with_what_opencode_sends(
    version: str,
    block: int,
    tmp_path: Path,
    stand_in: StandIn,
    deep: bool,
    figure: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Opencode(version, monkeypatch)
    machine = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(version))
    right = 0
    for seed in range(FIRST_SEED[version] + block * BLOCK, FIRST_SEED[version] + (block + 1) * BLOCK):
        case = generate(machine, seed)
        case.variants_stay = version != opencode_versions.NEWEST
        case.lay_out()
        foreseen = foreseen_of(case)
        case.install()
        found = asked.judged(case)
        fine = asked.fine(case)
        note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}\n" + "\n".join(map(str, found))
        agrees_with_the_oracle(case, asked, found, note)
        right += comes_true(case, foreseen, fine, note)
        if deep or seed % WAYS_OUT == 0:
            ways_out_work(case, asked, found, note, leave_each_in=deep)
        case.clear()
    figure("judgements that agree with what opencode sends", BLOCK, f"of {BLOCK}")
    figure("predictions made before writing that came true", right, f"of {BLOCK}")


class Opencode:
    """The real opencode of that version; what it prints as its config is listened to."""

    def __init__(self, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._version = version
        self._heard: list[tuple[Mapping[str, str], Any]] = []
        monkeypatch.setattr("opencode_config.program.opencode.run", self._listening)

    def _listening(
        self, executable: Path, arguments: list[str], environ: Mapping[str, str], *rest: Any, **how: Any
    ) -> Any:
        output = run(executable, arguments, environ, *rest, **how)
        if arguments == ["debug", "config", "--pure"] and output.status == 0:
            self._heard.append((dict(environ), json.loads(output.stdout)))
        return output

    def judged(self, case: Case) -> tuple[Finding, ...]:
        """The judgement on what it resolves."""
        self._heard.clear()
        host = host_of(case)
        survey = take_survey(host, case.cwd, GONKAGATE.id)
        major, minor, patch = (int(part) for part in self._version.split("."))
        asked = opencode.Opencode(find(host), case.cwd, host.hidden)
        proof = asking.gather(asked, Version(major, minor, patch), survey, ask_models=False)
        return judge(expectation_of(case), survey, proof)

    def works(self, case: Case, shell: str) -> bool:
        """The oracle's answer; what it said of the very same files and variables before is said again."""
        seen = repr(sorted(map(repr, case.seen_in(shell))))
        state = (self._version, case.layout, case.scope, seen)
        if state not in ANSWERED:
            ANSWERED[state] = case.uses_gonkagate(shell)
        return ANSWERED[state]

    def fine(self, case: Case) -> dict[str, bool]:
        """For each environment, whether what was last resolved there is right, and nothing breaks a rule."""
        fine = {}
        for shell in SHELLS:
            environ = environment_of(shell, case.environ)
            configs = [config for asked, config in self._heard if asked == environ]
            assert configs, f"{shell} was not asked about"
            well = resolved_well(configs[-1])
            by_hand = resolved_by_hand(case, shell, self._version)
            assert well == resolved_well(by_hand), (
                f"{shell}: merged by hand {by_hand}, opencode {configs[-1]}"
            )
            fine[shell] = well and not case.breaks_a_rule(shell)
        return fine
