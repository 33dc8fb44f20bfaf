"""--on-blocked against the oracle: what a real `opencode run` sends after `fix`, and after `available`.

The cases are those of test_oracle_matrix.py. The normal run takes one that only files of the user block;
`--deep` takes all such cases among the 400, and of those with a blocker elsewhere, in which `fix` must change
nothing, every eighth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from gonkagate_setup.judgement.findings import DURABLE
from scripts.lib import opencode_versions
from tests.e2e.oracle.test_on_blocked_by_hand import EDITABLE
from tests.stand_in import StandIn
from tests.support.configs import BINDING, UPSTREAM
from tests.support.machine import Finished, Machine
from tests.support.oracle.cases import generate
from tests.support.oracle.checks import foreseen_of
from tests.support.oracle.machine import HOST, REFERENCE, SELECTED, Case

BLOCK = 5
DEEP = 80
FOREIGN = 8
# A list, an agent and a small model, in the user's own file and in a project's.
NORMAL = (207,)
Record = Callable[[str, float, str], None]


def command(case: Case, *arguments: str) -> Finished:
    environ = {**case.environ, "GONKAGATE_API_KEY": case.machine.key}
    return case.machine.run_setup(*arguments, "--json", env=environ, cwd=case.cwd)


def set_up(case: Case, on_blocked: str) -> Finished:
    chosen = ("--yes", "--model", SELECTED, "--scope", case.scope.value)
    return command(case, *chosen, "--on-blocked", on_blocked)


def files(case: Case) -> dict[str, bytes]:
    """Every config of the case; opencode itself adds `$schema` where it is missing, so all have it."""
    paths = [*case.paths.values(), *case.texts()]
    return {str(path): path.read_bytes() for path in paths if path.exists()}


def asked(case: Case, *arguments: str) -> list[tuple[str, str, str, bool]]:
    """Host, key, model, and whether it is for a title, of each request of an `opencode run`."""
    machine = case.machine
    machine.stand_in.requests.clear()
    opencode = str(machine.bin / "opencode")
    # In the environment that stays: what is set for this session is not what setup is about.
    environ = {name: value for name, value in case.environ.items() if name != "OPENCODE_CONFIG_CONTENT"}
    machine.run([opencode, "run", *arguments, "say hi"], environ=environ, cwd=case.cwd, timeout=120)
    return sorted(
        (request.host.partition(":")[0], request.key or "", request.json.get("model", ""), request.is_title)
        for request in machine.stand_in.requests
    )


KINDS = ("not blocked", "own", "own, agent", "own, chosen by opencode", "foreign", "foreign, left out")


def is_ours(case: Case, sent: list[tuple[str, str, str, bool]]) -> bool:
    """Whether everything went to our service with our key and the selected model, and something did."""
    wanted = (HOST, case.machine.key, UPSTREAM[SELECTED])
    return any(not title for *_, title in sent) and all(one[:3] == wanted for one in sent)


def where_blocked(case: Case, report: dict[str, Any]) -> set[str]:
    """The places, by the matrix's names, of what blocks in every shell."""
    names = {str(path): name for name, path in case.paths.items()}
    found = [entry for entry in report["blockers"] if entry["reach"] == "durable"]
    return {names.get(entry["file"] or "", "?") for entry in found}


@pytest.mark.parametrize("seed", NORMAL)
def test_fix_and_available_do_what_they_say(
    seed: int, tmp_path: Path, stand_in: StandIn, figure: Record
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(opencode_versions.NEWEST))
    assert _holds(generate(machine, seed), seed) == "own"


@pytest.mark.deep
@pytest.mark.parametrize("block", range(DEEP))
def test_fix_and_available_do_what_they_say_in_every_case(
    block: int, tmp_path: Path, stand_in: StandIn, figure: Record
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(opencode_versions.NEWEST))
    kinds = [_holds(generate(machine, seed), seed) for seed in range(block * BLOCK, (block + 1) * BLOCK)]
    for kind in (
        "not blocked",
        "own",
        "own, agent",
        "own, chosen by opencode",
        "foreign",
        "foreign, left out",
    ):
        figure(f"cases of the matrix: {kind}", kinds.count(kind), f"of {BLOCK}")


def _holds(case: Case, seed: int) -> str:
    """Check one case, and say what kind it is; nothing of it is left for the next one."""
    note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}"
    case.lay_out()
    foreseen = [one for one in foreseen_of(case) if one.blocks and one.reach == DURABLE]
    try:
        if not foreseen:
            return "not blocked"
        if any(one.layer not in ("user_config", "project_config") for one in foreseen) and seed % FOREIGN:
            return "foreign, left out"
        return _checked(case, note)
    finally:
        command(case, "uninstall", "--yes")
        case.clear()


def opencode_was_told(case: Case) -> bool:
    """Whether some config that every shell reads names the model to start with."""
    return any(
        put.key == ("model",) and put.where not in ("inline", "custom", "config dir") for put in case.puts
    )


def as_given_back(case: Case, before: dict[str, bytes]) -> dict[str, bytes]:
    """What undo brings back: a key that was in a config is nowhere kept, the reference is in its place."""
    literal = any(put.key[-1] == "apiKey" and not put.through for put in case.puts)
    if not literal:
        return before
    return {path: data.replace(b"gp-somebody-elses", BINDING.encode()) for path, data in before.items()}


def _checked(case: Case, note: str) -> str:
    start = asked(case)
    # Started without any config of the user's, opencode has made one with nothing but $schema in it.
    before = files(case)
    done = set_up(case, "rollback")
    if done.status == 0:
        # What blocked before is in the file that a setup writes into, and it writes that key.
        assert is_ours(case, asked(case)), f"{note}\n{done.output}"
        return "not blocked"
    assert done.status == 6, f"{note}\n{done.output}"
    places = where_blocked(case, done.json)
    assert files(case) == before, note
    if places - EDITABLE:
        done = set_up(case, "fix")
        assert done.status == 6, f"{note}\n{done.output}"
        assert done.json["edits"] == []
        assert files(case) == before, note
        return "foreign"
    done = set_up(case, "fix")
    assert done.status in (0, 7), f"{note}\n{done.output}"
    assert done.json["edits"], note
    sent = asked(case)
    assert is_ours(case, sent), f"{note}\n{sent}\n{done.output}"
    undone = command(case, "undo", "--yes")
    assert undone.status == 0, undone.output
    assert files(case) == as_given_back(case, before), note
    for path, data in before.items():
        Path(path).write_bytes(data)

    done = set_up(case, "available")
    if done.status == 6 and not opencode_was_told(case):
        # opencode chooses its model itself, and would choose another one with more of them.
        assert done.json["blockers"][0]["code"] == "model_not_set", note
        assert files(case) == before, note
        assert asked(case) == start, note
        return "own, chosen by opencode"
    assert done.status in (0, 7), f"{note}\n{done.output}"
    # Titles go where the user's own small_model says.
    sent = [one for one in asked(case, "--model", REFERENCE) if not one[-1]]
    starts = [put for put in case.puts if put.key in (("default_agent",), ("agent", "build", "disable"))]
    # An agent that opencode refuses to start with is left as it is: then nothing is asked, before and after.
    assert is_ours(case, sent) or (starts and not start and not sent), f"{note}\n{sent}\n{done.output}"
    now = asked(case)
    assert now == start or (not start and all(one[0] == HOST for one in now)), f"{note}\n{start}\n{now}"
    undone = command(case, "undo", "--yes")
    assert undone.status == 0, undone.output
    assert files(case) == as_given_back(case, before), note
    return "own, agent" if not sent else "own"
