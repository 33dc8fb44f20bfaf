"""What is edited so that a setup is no longer blocked, for many cases of the oracle matrix, without opencode.

The edits are planned and made as setup does it; then the files are merged by hand (by_hand.py, which
test_oracle_matrix.py holds to the real opencode). test_on_blocked_matrix.py asks the real one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes import plan as plans
from gonkagate_setup.changes import repairs
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.choice import Choice, Scope
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import DURABLE
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Survey
from tests.stand_in import StandIn
from tests.support.machine import Machine
from tests.support.oracle.by_hand import resolved_from_files
from tests.support.oracle.cases import generate
from tests.support.oracle.checks import expectation_of, host_of, resolved_well
from tests.support.oracle.machine import OWN, SELECTED, SHELLS, Case, at

BLOCK = 25
NORMAL, DEEP = 4, 160
BLOCKS = [pytest.param(number, marks=() if number < NORMAL else pytest.mark.deep) for number in range(DEEP)]
# The files that setup may edit, by the names of the matrix.
EDITABLE = {"user config.json", "user jsonc", "root json", "root jsonc", "cwd json", "cwd jsonc", "home json"}
Record = Callable[[str, float, str], None]


def planned(case: Case, survey: Survey, *, available_only: bool) -> Plan:
    """What a first setup would write."""
    model = GONKAGATE.model(SELECTED)
    assert model is not None
    choice = Choice(model, case.scope, available_only)
    return plans.build(GONKAGATE, choice, KeyAction.CREATE, survey.user_files, survey.project_files, None)


def proposed(case: Case, *, available_only: bool) -> tuple[Plan, repairs.Proposal, bool]:
    """The plan, what would be edited beyond it, and whether the plan alone is blocked in every shell."""
    survey = take_survey(host_of(case), case.cwd, GONKAGATE.id)
    plan = planned(case, survey, available_only=available_only)
    after = survey.replace(plan.texts)
    wanted = verdict.Expectation(GONKAGATE, SELECTED, case.scope, available_only)
    blockers = [one for one in verdict.predict(wanted, after) if one.blocks]
    home = case.machine.home.resolve()
    proposal = repairs.propose(wanted, after, blockers, home, plans.project_target(plan))
    return plan, proposal, any(one.reach == DURABLE for one in blockers)


def written(plan: Plan) -> None:
    for config in plan.configs:
        path = Path(config.snapshot.real)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config.after)


def offered(config: dict[str, Any]) -> bool:
    """Whether this resolved config makes opencode offer the selected model from our service."""
    own = at(config, OWN)
    right = {**config, "model": "gonkagate/" + SELECTED, "small_model": "gonkagate/" + SELECTED}
    right.pop("default_agent", None)
    return isinstance(own, dict) and resolved_well({**right, "agent": {}})


def start(config: dict[str, Any]) -> dict[str, Any]:
    """What decides which model opencode starts with."""
    agents = {name: dict(entry) for name, entry in config.get("agent", {}).items() if entry}
    return {**{key: config.get(key) for key in ("model", "small_model", "default_agent")}, "agent": agents}


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_edited_takes_away_what_is_in_the_way_and_only_in_files_of_the_user(
    block: int, tmp_path: Path, stand_in: StandIn, figure: Record
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, None)
    fixed = left = 0
    for seed in range(60_000 + block * BLOCK, 60_000 + (block + 1) * BLOCK):
        case = generate(machine, seed)
        case.lay_out()
        note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}"
        plan, proposal, blocked = proposed(case, available_only=False)
        if proposal.left:
            left += 1
            foreign = [put for put in case.puts if put.where not in EDITABLE]
            assert foreign, f"{note}\nnothing but {proposal.left} could not be edited"
            case.clear()
            continue
        fixed += blocked
        written(plans.repaired(plan, proposal.repairs))
        for shell in ("durable", "fresh"):
            resolved = resolved_from_files(case, shell)
            assert resolved_well(resolved), f"{note}\n{shell}: {resolved}\n{proposal.repairs}"
        # The rules of docs/layers.md#whose-keys-may-be-where are the judgement's, too.
        judged = verdict.predict(expectation_of(case), take_survey(host_of(case), case.cwd, GONKAGATE.id))
        assert not [one for one in judged if one.blocks and one.reach == DURABLE], f"{note}\n{judged}"
        edited = {Path(one.snapshot.real) for one in proposal.repairs}
        own = {case.paths[name].resolve() for name in EDITABLE if name in case.paths}
        assert edited <= own | {path.resolve() for path in case.texts()}, note
        _no_edit_is_left_out(case, plan, proposal, note)
        case.clear()
    figure("blocked cases in which the edits help", fixed, f"of {BLOCK}")
    figure("cases with a blocker elsewhere, which are left alone", left, f"of {BLOCK}")


def _no_edit_is_left_out(case: Case, plan: Plan, proposal: repairs.Proposal, note: str) -> None:
    """In project scope nothing is edited that need not be; in user scope other folders count too."""
    if case.scope is Scope.USER:
        return
    for one in proposal.repairs:
        fewer = [other for other in proposal.repairs if other is not one]
        written(plans.repaired(plan, fewer))
        if one.snapshot.real not in {config.snapshot.real for config in plan.configs}:
            Path(one.snapshot.real).write_bytes(one.snapshot.data or b"{}")
        wells = [
            resolved_well(resolved_from_files(case, shell)) and not case.breaks_a_rule(shell)
            for shell in SHELLS
        ]
        assert not all(wells), f"{note}\n{one} is not needed"


@pytest.mark.parametrize("block", BLOCKS)
def test_available_offers_the_model_and_leaves_what_opencode_starts_with(
    block: int, tmp_path: Path, stand_in: StandIn
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, None)
    for seed in range(70_000 + block * BLOCK, 70_000 + (block + 1) * BLOCK):
        case = generate(machine, seed)
        case.lay_out()
        note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}"
        plan, proposal, _ = proposed(case, available_only=True)
        if not proposal.left:
            earlier = {shell: start(_resolved(case, shell)) for shell in ("durable", "fresh")}
            written(plans.repaired(plan, proposal.repairs))
            for shell, was in earlier.items():
                resolved = resolved_from_files(case, shell)
                assert offered(resolved), f"{note}\n{shell}: {resolved}"
                assert start(resolved) == was, f"{note}\n{shell}"
        case.clear()


def _resolved(case: Case, shell: str) -> dict[str, Any]:
    """The config before anything of ours is there; the provider is added so that it can be printed."""
    path = case.machine.user_config
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"provider": {"gonkagate": {"options": {"baseURL": ""}, "models": {}}}}')
    resolved = resolved_from_files(case, shell)
    path.unlink()
    return resolved
