"""The oracle matrix without opencode: the same cases and rules on configs that are merged by hand.

That merge is held to the real opencode by test_oracle_matrix.py. Here every way out is tried and each
culprit left in, for many more cases than an opencode could be started for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.judgement.verdict import judge
from opencode_config.evidence import Evidence
from opencode_config.output import answer_of
from opencode_config.places import Environment
from opencode_config.program.surveying import take_survey
from opencode_config.versions import Version
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
from tests.support.oracle.machine import SHELLS, Case

BLOCK = 25
NORMAL, DEEP = 6, 120
BLOCKS = [pytest.param(number, marks=() if number < NORMAL else pytest.mark.deep) for number in range(DEEP)]


class ByHand:
    """Answers for opencode 1.18.33."""

    def judged(self, case: Case) -> tuple[Finding, ...]:
        """The judgement on the config that is merged by hand."""
        answers = {
            environment: answer_of(resolved_by_hand(case, environment.value), "gonkagate")
            for environment in Environment
        }
        survey = take_survey(host_of(case), case.cwd, GONKAGATE.id)
        proof = Evidence(Version(1, 18, 33), case.machine.bin / "opencode", answers)
        return judge(expectation_of(case), survey, proof)

    def works(self, case: Case, shell: str) -> bool:
        """Whether that config uses our service and model, and no other key stands above ours."""
        other_key = any(
            put.where != "user config.json" and put.key[-1] == "apiKey" for put in case.seen_in(shell)
        )
        return resolved_well(resolved_by_hand(case, shell)) and not other_key


@pytest.mark.parametrize("block", BLOCKS)
def test_the_judgement_on_configs_that_are_merged_by_hand(
    block: int, tmp_path: Path, stand_in: StandIn
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, None)
    asked = ByHand()
    for seed in range(50_000 + block * BLOCK, 50_000 + (block + 1) * BLOCK):
        case = generate(machine, seed)
        case.lay_out()
        foreseen = foreseen_of(case)
        case.install()
        found = asked.judged(case)
        fine = {shell: asked.works(case, shell) and not case.breaks_a_rule(shell) for shell in SHELLS}
        note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}\n" + "\n".join(map(str, found))
        agrees_with_the_oracle(case, asked, found, note)
        comes_true(case, foreseen, fine, note)
        ways_out_work(case, asked, found, note, leave_each_in=True)
        case.clear()
