"""Agents that plugins add or change: which deviations the configs cause, and which the plugins.

opencode starts with the agents that exist after its plugins have run; `debug config --pure` runs no plugins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Iterator, Mapping, Sequence

from gonkagate_setup.judgement.agents import starting_agents
from gonkagate_setup.judgement.expectation import Deviation
from opencode_config.evidence import Answer, Evidence
from opencode_config.jsonc import same
from opencode_config.places import Environment, without_plugins
from opencode_config.survey import Survey

# These depend on which agents there are.
_OF_AGENTS: Final = ("agent_unusable", "agent_model_overridden")
_AGENT_KEYS: Final = ("agent", "default_agent")


def running(survey: Survey, evidence: Evidence, environment: Environment) -> Answer | None:
    """The answer with plugins, None if opencode loads none."""
    if without_plugins(environment.select(survey.surroundings.environ)):
        return None
    return evidence.plugins.get(environment)


def with_agents_of(config: Mapping[str, Any], answer: Answer | None) -> Mapping[str, Any]:
    """`config` with the agents of the answer with plugins, if there is one: opencode starts with those."""
    if answer is None or answer.config is None:
        return config
    kept = {key: value for key, value in config.items() if key not in _AGENT_KEYS}
    kept.update((key, answer.config[key]) for key in _AGENT_KEYS if key in answer.config)
    return kept


def of_configs(
    alone: Sequence[Deviation], together: Sequence[Deviation], answer: Answer | None
) -> Iterator[Deviation]:
    """The deviations that the configs cause: `together`, judged with plugins, minus those that plugins cause.

    `alone` are the deviations without plugins. If `answer` failed, it is unknown what plugins add.
    """
    for deviation in together:
        if deviation.code not in _OF_AGENTS or answer is None:
            yield deviation
        elif answer.config is None:
            yield _unsaid(deviation)
        elif among(deviation, alone):
            yield deviation


def among(deviation: Deviation, others: Sequence[Deviation]) -> bool:
    """Whether `others` has the same deviation about the same value."""
    return any(
        (other.code, other.path) == (deviation.code, deviation.path)
        and (other.resolved is deviation.resolved or same(other.resolved, deviation.resolved))
        for other in others
    )


def _unsaid(deviation: Deviation) -> Deviation:
    if deviation.path != ("default_agent",):
        return deviation
    return replace(
        deviation,
        effect=f"{deviation.effect}, unless a plugin provides it; opencode did not say what they provide",
    )


def left_open(
    deviation: Deviation, survey: Survey, environment: Environment, config: Mapping[str, Any]
) -> bool:
    """Whether a plugin may add the agent that the configs do not have; asked before opencode has answered."""
    return (
        deviation.code in _OF_AGENTS
        and not starting_agents(config)
        and survey.has_plugins(environment)
        and not without_plugins(environment.select(survey.surroundings.environ))
    )


def open_question(deviation: Deviation) -> Deviation | None:
    """The deviation as the preview shows it; None if it only follows from another one."""
    if deviation.code != "agent_unusable":
        return None
    return replace(
        deviation,
        effect="no config has an agent that opencode could start with; a plugin may provide one, "
        "so opencode will be asked",
    )
