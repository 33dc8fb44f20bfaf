"""Which agents opencode starts with, and which model they and the others use."""

from __future__ import annotations

import re
from typing import Any, Final, Iterator, Mapping, Sequence

from gonkagate_setup.judgement.expectation import Deviation, Expectation, always, other_model
from opencode_config.jsonc import same
from opencode_config.layers import MISSING, Path, lookup, unknown

# opencode's own agents; it never starts with one of the second kind.
_PRIMARY: Final = ("build", "plan")
_NOT_PRIMARY: Final = ("general", "explore", "compaction", "title", "summary")
_WHOLE: Final = re.compile("0|[1-9][0-9]{0,9}")


def _sources(name: str, key: str) -> tuple[Path, ...]:
    """Where a key of an agent comes from, strongest first: opencode merges every mode over the agents."""
    return (("mode", name, key), ("agent", name, key))


def starting_agents(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The agents that opencode starts with; none if it refuses to start with the named one.

    That is one agent, unless neither default_agent nor build can be used: `opencode run` then takes the first
    one that is defined, and the terminal interface the first one by name (read in 1.18.33, and tried).
    """
    agents = config.get("agent")
    agents = agents if isinstance(agents, dict) else {}
    named = config.get("default_agent")
    if isinstance(named, str) and named:
        known = named in agents or named in _PRIMARY or named in _NOT_PRIMARY
        return (named,) if known and _starts(named, agents) else ()
    defined = [*_PRIMARY, *(name for name in agents if name not in _PRIMARY and name not in _NOT_PRIMARY)]
    # JavaScript puts keys that are whole numbers before all others.
    defined.sort(key=lambda name: int(name) if _WHOLE.fullmatch(name) else float("inf"))
    usable = [name for name in defined if _starts(name, agents)]
    by_name = sorted(usable, key=lambda name: (name != "build", name.encode("utf-16-be", "surrogatepass")))
    return tuple(dict.fromkeys((*usable[:1], *by_name[:1])))


def names_model(config: Mapping[str, Any]) -> bool:
    """Whether the config sets the model that opencode starts with; otherwise opencode chooses one itself."""
    return "model" in config or all(
        lookup(config, ("agent", name, "model")) is not MISSING
        for name in starting_agents(config) or ("build",)
    )


def _starts(name: str, agents: Mapping[str, Any]) -> bool:
    entry = agents.get(name)
    entry = entry if isinstance(entry, dict) else {}
    default_mode = "subagent" if name in ("general", "explore") else "all"
    hidden = entry.get("hidden", name in ("compaction", "title", "summary"))
    return not entry.get("disable") and not hidden and entry.get("mode", default_mode) != "subagent"


def agent_deviations(
    expectation: Expectation, config: Mapping[str, Any], named: Sequence[str], *, variants_stay: bool
) -> Iterator[Deviation]:
    """What is wrong with the agents that opencode starts with, or why there are none.

    `named` are the default agents that the layers name, highest first.
    """
    reference = expectation.reference
    started = starting_agents(config)
    if not started and config.get("default_agent"):
        yield Deviation(
            "agent_unusable",
            ("default_agent",),
            config["default_agent"],
            lambda named: not starting_agents({**config, "default_agent": named}),
            "opencode refuses to start with this agent",
        )
        # Without this agent, opencode starts with others, whose models could then be in the way.
        below = ({**config, "default_agent": name} for name in (*named, None))
        started = next(filter(None, map(starting_agents, below)), ())
    if not started:
        yield from _no_agent(config)
        # Once that is fixed, opencode starts with build, so its model is judged as well.
        started = ("build",)
    for name in started:
        model = lookup(config, ("agent", name, "model"))
        if model is not MISSING and not same(reference, model):
            yield Deviation(
                "agent_model_overridden",
                ("agent", name, "model"),
                model,
                other_model(reference, model, variants_stay=variants_stay),
                f'opencode starts with the agent "{name}", which does not use {reference}',
                _sources(name, "model"),
            )


def _no_agent(config: Mapping[str, Any]) -> Iterator[Deviation]:
    """If there is no agent left to start with: what keeps build from being used."""
    for key, wrong in (
        ("disable", bool),
        ("hidden", bool),
        ("mode", lambda mode: bool(mode == "subagent")),
    ):
        resolved = lookup(config, ("agent", "build", key))
        if resolved is not MISSING and wrong(resolved):
            yield Deviation(
                "agent_unusable",
                ("agent", "build", key),
                resolved,
                wrong,
                "opencode has no agent left to start with",
                _sources("build", key),
            )


def other_models(
    expectation: Expectation, config: Mapping[str, Any], started: Sequence[str]
) -> Iterator[Deviation]:
    """Agents other than those that opencode starts with, and commands, with a model outside the catalogue."""
    own = {expectation.profile.reference(model.key) for model in expectation.profile.validated}
    for kind, label in (("agent", "agent"), ("command", "command")):
        entries = config.get(kind)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            model = entry.get("model") if isinstance(entry, dict) else None
            if not isinstance(model, str) or model in own or unknown(model):
                continue
            if kind == "agent" and (name in started or entry.get("disable")):
                continue
            yield Deviation(
                "agent_model",
                (kind, name, "model"),
                model,
                always,
                f'the {label} "{name}" does not use {expectation.reference}',
                _sources(name, "model") if kind == "agent" else (),
            )
