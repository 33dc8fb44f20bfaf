"""What has to hold for every case of the oracle matrix, whoever answers for opencode.

The prediction made before writing is compared with what opencode resolves afterwards, read by hand
(`resolved_well`), and never with the judgement. It must be right, for every shell and for this session, in
every case that can be read: where no value stands in a file that a config only refers to (`{file:...}`) and
no model has a `#variant`, which each opencode reads in its own way. Those two are left to opencode, and only
counted.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Mapping, Protocol

from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.judgement.findings import DURABLE, Finding
from gonkagate_setup.judgement.verdict import Expectation, predict
from opencode_config.program.surveying import take_survey
from tests.support.configs import PROVIDER
from tests.support.oracle.machine import OWN, REFERENCE, SELECTED, Case, Put, at, distinct


class Asked(Protocol):
    """Who answers: a real opencode, or its config as it is merged by hand."""

    def judged(self, case: Case) -> tuple[Finding, ...]:
        """The judgement on what opencode resolves."""

    def works(self, case: Case, shell: str) -> bool:
        """Whether plain opencode uses the right service, key and model in that environment."""


def host_of(case: Case) -> Host:
    """The machine as the product sees it."""
    return Host(case.environ, case.machine.home, case.cwd, "linux", hidden=GONKAGATE.hidden)


def expectation_of(case: Case) -> Expectation:
    """What the installation is for."""
    return Expectation(GONKAGATE, SELECTED, case.scope)


def foreseen_of(case: Case) -> tuple[Finding, ...]:
    """The prediction before anything of ours is written."""
    survey = take_survey(host_of(case), case.cwd, GONKAGATE.id)
    planned: dict[PurePath, bytes | None] = {path.resolve(): data for path, data in case.texts().items()}
    return predict(expectation_of(case), survey.replace(planned))


def resolved_well(config: dict[str, Any]) -> bool:
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


def comes_true(case: Case, foreseen: tuple[Finding, ...], fine: Mapping[str, bool], note: str) -> bool:
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


def agrees_with_the_oracle(case: Case, asked: Asked, found: tuple[Finding, ...], note: str) -> None:
    durable = any(entry.blocks and entry.reach == DURABLE for entry in found)
    fine = {}
    for shell, twins in distinct(case):
        works = asked.works(case, shell)
        fine.update(dict.fromkeys(twins, works and not case.breaks_a_rule(shell)))
    lasting = fine["durable"] and fine["fresh"]
    assert durable == (not lasting), f"durable: judged {durable}, opencode {fine}\n{note}"
    if lasting:
        blocked = any(entry.blocks for entry in found)
        assert blocked == (not fine["session"]), f"session: judged {blocked}, {fine}\n{note}"


def ways_out_work(
    case: Case, asked: Asked, found: tuple[Finding, ...], note: str, *, leave_each_in: bool
) -> None:
    """Without the culprits it works; with any one of them left in it does not."""
    culprits = _culprits(case, found, note)
    if not culprits:
        return
    everything = case.puts
    remaining = [put for put in everything if put not in culprits]
    case.puts = remaining
    case.write_puts()
    left = [entry for entry in asked.judged(case) if entry.blocks]
    assert left == [], f"still blocked without {culprits}: {left}\n{note}"
    assert asked.works(case, "session"), f"does not work without {culprits}\n{note}"
    for culprit in culprits if leave_each_in and len(culprits) > 1 else ():
        case.puts = [*remaining, culprit]
        case.write_puts()
        works = all(asked.works(case, shell) and not case.breaks_a_rule(shell) for shell, _ in distinct(case))
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
