"""The judgement against an oracle: what a real `opencode run` sends, for values in every layer.

The normal run takes a sample, `--deep` takes 400 cases for the newest version and 60 for each older one.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Callable

import pytest

from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.core.evidence import Version
from gonkagate_setup.core.findings import DURABLE, Finding
from gonkagate_setup.core.places import Environment
from gonkagate_setup.core.verdict import Expectation, judge, predict
from gonkagate_setup.system import evidence, opencode
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.survey import take_survey
from scripts import opencode_versions
from tests.e2e.oracle import SELECTED, Case, Put, distinct, generate
from tests.machine import Machine
from tests.stand_in import StandIn

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
    version: str, block: int, tmp_path: Path, stand_in: StandIn, deep: bool, figure: Record
) -> None:
    machine = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(version))
    right = 0
    for seed in range(FIRST_SEED[version] + block * BLOCK, FIRST_SEED[version] + (block + 1) * BLOCK):
        case = generate(machine, seed)
        case.lay_out()
        foreseen = _foreseen(case)
        case.install()
        found = _judged(case, version)
        note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}\n" + "\n".join(map(str, found))
        _agrees_with_the_oracle(case, version, found, note)
        right += _blockers(foreseen) == _blockers(found)
        if deep or seed % WAYS_OUT == 0:
            _ways_out_work(case, version, found, note, leave_each_in=deep)
        case.clear()
    figure("judgements that agree with what opencode sends", BLOCK, f"of {BLOCK}")
    figure("predictions made before writing that came true", right, f"of {BLOCK}")


def _host(case: Case) -> Host:
    return Host(case.environ, case.machine.home, case.cwd, "linux")


def _expectation(case: Case) -> Expectation:
    return Expectation(GONKAGATE, SELECTED, case.scope)


def _foreseen(case: Case) -> tuple[Finding, ...]:
    survey = take_survey(_host(case), case.cwd, GONKAGATE)
    planned: dict[PurePath, bytes | None] = {path.resolve(): data for path, data in case.texts().items()}
    return predict(_expectation(case), survey.replace(planned))


def _judged(case: Case, version: str) -> tuple[Finding, ...]:
    host = _host(case)
    survey = take_survey(host, case.cwd, GONKAGATE)
    major, minor, patch = (int(part) for part in version.split("."))
    proof = evidence.gather(opencode.find(host), Version(major, minor, patch), host, survey, ask_models=False)
    return judge(_expectation(case), survey, proof)


def _blockers(found: tuple[Finding, ...]) -> set[tuple[str, str, str | None, str | None, str]]:
    return {(entry.code, entry.layer, entry.path, entry.key, entry.reach) for entry in found if entry.blocks}


def _works(case: Case, version: str, environment: Environment) -> bool:
    """The oracle's answer; what it said of the very same files and variables before is said again."""
    state = (version, case.layout, case.scope, repr(sorted(map(repr, case.seen_in(environment)))))
    if state not in ANSWERED:
        ANSWERED[state] = case.uses_gonkagate(environment)
    return ANSWERED[state]


def _agrees_with_the_oracle(case: Case, version: str, found: tuple[Finding, ...], note: str) -> None:
    durable = any(entry.blocks and entry.reach == DURABLE for entry in found)
    fine = {}
    for environment, twins in distinct(case):
        works = _works(case, version, environment)
        fine.update(dict.fromkeys(twins, works and not case.breaks_a_rule(environment)))
    lasting = fine[Environment.DURABLE] and fine[Environment.FRESH]
    assert durable == (not lasting), f"durable: judged {durable}, opencode {fine}\n{note}"
    if lasting:
        blocked = any(entry.blocks for entry in found)
        assert blocked == (not fine[Environment.SESSION]), f"session: judged {blocked}, {fine}\n{note}"


def _ways_out_work(
    case: Case, version: str, found: tuple[Finding, ...], note: str, *, leave_each_in: bool
) -> None:
    """Without the culprits it works; with any one of them left in it does not."""
    culprits = _culprits(case, found, note)
    if not culprits:
        return
    everything = case.puts
    remaining = [put for put in everything if put not in culprits]
    case.puts = remaining
    case.write_puts()
    left = [entry for entry in _judged(case, version) if entry.blocks]
    assert left == [], f"still blocked without {culprits}: {left}\n{note}"
    assert _works(case, version, Environment.SESSION), f"does not work without {culprits}\n{note}"
    for culprit in culprits if leave_each_in and len(culprits) > 1 else ():
        case.puts = [*remaining, culprit]
        case.write_puts()
        works = all(_works(case, version, environment) for environment, _ in distinct(case))
        assert not works or culprit.against_the_rules, f"{culprit} alone does no harm\n{note}"
    case.puts = everything
    case.write_puts()


def _culprits(case: Case, found: tuple[Finding, ...], note: str) -> list[Put]:
    """The puts that the blockers name; every blocker names one."""
    culprits: list[Put] = []
    for entry in (entry for entry in found if entry.blocks):
        names = {str(path): name for name, path in case.paths.items()}
        names["OPENCODE_CONFIG_CONTENT"] = "inline"
        where = names.get(entry.path or "")
        named = [
            put
            for put in case.puts
            if put.where == where and entry.key is not None and _same_key(entry.key, ".".join(put.key))
        ]
        assert len(named) == 1, f"{entry} names {named}\n{note}"
        culprits += [put for put in named if put not in culprits]
    return culprits


def _same_key(named: str, put: str) -> bool:
    """A finding may name a key in what was put, such as one header."""
    return named == put or named.startswith(f"{put}.")
