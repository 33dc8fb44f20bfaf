"""The judgement against an oracle: what a real `opencode run` sends, for values in every layer.

The normal run takes a sample, `--deep` takes 400 cases for the newest version and 60 for each older one.

The prediction made before writing is compared with what opencode resolves afterwards, read by hand
(`_resolved_well`), and never with the judgement. It must be right, for every shell and for this session, in
every case that can be read: where no value stands in a file that a config only refers to (`{file:...}`) and
no model has a `#variant`, which each opencode reads in its own way. Those two are left to opencode, and only
counted.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any, Callable, Mapping

import pytest

from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.core.evidence import Version
from gonkagate_setup.core.findings import DURABLE, Finding
from gonkagate_setup.core.verdict import Expectation, judge, predict
from gonkagate_setup.system import evidence, opencode
from gonkagate_setup.system.child import run
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.survey import take_survey
from scripts import opencode_versions
from tests.e2e.configs import PROVIDER
from tests.e2e.oracle import OWN, REFERENCE, SELECTED, SHELLS, Case, Put, at, distinct, environment_of
from tests.e2e.oracle_cases import generate
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
    version: str,
    block: int,
    tmp_path: Path,
    stand_in: StandIn,
    deep: bool,
    figure: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolved = _listen(monkeypatch)
    machine = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(version))
    right = 0
    for seed in range(FIRST_SEED[version] + block * BLOCK, FIRST_SEED[version] + (block + 1) * BLOCK):
        case = generate(machine, seed)
        case.lay_out()
        foreseen = _foreseen(case)
        case.install()
        resolved.clear()
        found = _judged(case, version)
        fine = _fine(case, resolved)
        note = f"seed {seed}: {case.layout}, {case.scope}, {case.puts}\n" + "\n".join(map(str, found))
        _agrees_with_the_oracle(case, version, found, note)
        right += _comes_true(case, foreseen, fine, note)
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


def _listen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Mapping[str, str], Any]]:
    """What opencode prints as its config from now on, as it is, with the environment that it was asked in."""
    heard: list[tuple[Mapping[str, str], Any]] = []

    def listening(
        executable: Path, arguments: list[str], environ: Mapping[str, str], *rest: Any, **how: Any
    ) -> Any:
        output = run(executable, arguments, environ, *rest, **how)
        if arguments == ["debug", "config", "--pure"] and output.status == 0:
            heard.append((dict(environ), json.loads(output.stdout)))
        return output

    monkeypatch.setattr("gonkagate_setup.system.opencode.run", listening)
    return heard


def _fine(case: Case, resolved: list[tuple[Mapping[str, str], Any]]) -> dict[str, bool]:
    """For each environment, whether what opencode resolved there is an installation that nothing spoils."""
    fine = {}
    for shell in SHELLS:
        environ = environment_of(shell, case.environ)
        configs = [config for asked, config in resolved if asked == environ]
        assert configs, f"{shell} was not asked about"
        fine[shell] = _resolved_well(configs[-1]) and not case.breaks_a_rule(shell)
    return fine


def _resolved_well(config: dict[str, Any]) -> bool:
    """Whether this resolved config makes opencode use the selected model and our provider as it is."""
    agents = config.get("agent", {})
    agent = config.get("default_agent") or next(
        (name for name in ("build", "plan") if not at(agents, (name, "disable"))), "nobody"
    )
    own = at(config, OWN)
    return (
        config.get("model") == config.get("small_model") == REFERENCE
        and agent in ("build", "plan")
        and not at(agents, (agent, "disable"))
        and (at(agents, (agent, "model")) or REFERENCE) == REFERENCE
        and "gonkagate" in config.get("enabled_providers", ["gonkagate"])
        and "gonkagate" not in config.get("disabled_providers", [])
        and SELECTED in own.get("whitelist", [SELECTED])
        and SELECTED not in own.get("blacklist", [])
        and at(own, ("models", SELECTED, "status")) != "deprecated"
        and own["npm"] == PROVIDER["npm"]
        and own["options"]["baseURL"] == PROVIDER["options"]["baseURL"]
        and all(at(own["models"], (key, "id")) == PROVIDER["models"][key]["id"] for key in PROVIDER["models"])
    )


def _comes_true(case: Case, foreseen: tuple[Finding, ...], fine: Mapping[str, bool], note: str) -> bool:
    """Whether the prediction was right; in a case that can be read it is, and it names what is in the way."""
    durable = any(entry.blocks and entry.reach == DURABLE for entry in foreseen)
    lasting = fine["durable"] and fine["fresh"]
    right = durable == (not lasting)
    if lasting:
        right = right and any(entry.blocks for entry in foreseen) == (not fine["session"])
    left_open = [put for put in case.puts if put.through == "file" or "#" in str(put.value)]
    if not left_open:
        told = "\n".join(map(str, foreseen))
        assert right, f"foreseen, where opencode then resolves {fine}:\n{told}\n{note}"
        _culprits(case, foreseen, f"foreseen; {note}")
    return right


def _works(case: Case, version: str, shell: str) -> bool:
    """The oracle's answer; what it said of the very same files and variables before is said again."""
    state = (version, case.layout, case.scope, repr(sorted(map(repr, case.seen_in(shell)))))
    if state not in ANSWERED:
        ANSWERED[state] = case.uses_gonkagate(shell)
    return ANSWERED[state]


def _agrees_with_the_oracle(case: Case, version: str, found: tuple[Finding, ...], note: str) -> None:
    durable = any(entry.blocks and entry.reach == DURABLE for entry in found)
    fine = {}
    for shell, twins in distinct(case):
        works = _works(case, version, shell)
        fine.update(dict.fromkeys(twins, works and not case.breaks_a_rule(shell)))
    lasting = fine["durable"] and fine["fresh"]
    assert durable == (not lasting), f"durable: judged {durable}, opencode {fine}\n{note}"
    if lasting:
        blocked = any(entry.blocks for entry in found)
        assert blocked == (not fine["session"]), f"session: judged {blocked}, {fine}\n{note}"


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
    assert _works(case, version, "session"), f"does not work without {culprits}\n{note}"
    for culprit in culprits if leave_each_in and len(culprits) > 1 else ():
        case.puts = [*remaining, culprit]
        case.write_puts()
        works = all(
            _works(case, version, shell) and not case.breaks_a_rule(shell) for shell, _ in distinct(case)
        )
        assert not works, f"{culprit} alone does no harm\n{note}"
    case.puts = everything
    case.write_puts()


def _culprits(case: Case, found: tuple[Finding, ...], note: str) -> list[Put]:
    """The puts that the blockers name; every blocker names one, or one addition that is in several parts."""
    culprits: list[Put] = []
    for entry in (entry for entry in found if entry.blocks):
        names = {str(path): name for name, path in case.paths.items()}
        names["OPENCODE_CONFIG_CONTENT"] = "inline"
        where = names.get(entry.path or "")
        named = [
            put
            for put in case.puts
            if put.where == where and entry.key is not None and _same_key(tuple(entry.key.split(".")), put)
        ]
        assert named, f"{entry} names nothing that was put there\n{note}"
        assert len(named) == 1 or _is_addition(tuple((entry.key or "").split("."))), f"{entry}\n{note}"
        culprits += [put for put in named if put not in culprits]
    return culprits


def _same_key(named: tuple[str, ...], put: Put) -> bool:
    """A finding may name a key in what was put, such as one header, or an addition as a whole."""
    key = tuple(".".join(put.key).split("."))
    within = named[: len(key)] == key
    return within or (key[: len(named)] == named and _is_addition(named))


def _is_addition(key: tuple[str, ...]) -> bool:
    """Whether nothing of ours is at that key of the provider or in it."""
    return key[:2] == OWN and not any(
        ".".join((*OWN, *ours)).startswith(".".join(key)) for ours in _ours(PROVIDER)
    )


def _ours(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [leaf for key, child in value.items() for leaf in _ours(child, (*path, key))]
