"""The judgement: expectation and evidence in, findings out. Setup, the preview and `verify` share it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Mapping, Sequence

from gonkagate_setup.judgement import machine_findings, plugins, refusals, wording
from gonkagate_setup.judgement.agents import other_models, starting_agents
from gonkagate_setup.judgement.attribution import Culprit, attribute
from gonkagate_setup.judgement.checks import addition, deviations, masked_by_opencode
from gonkagate_setup.judgement.expectation import Deviation, DeviationKind, Expectation, always
from gonkagate_setup.judgement.findings import BLOCKER, DURABLE, NOTICE, SESSION, Finding
from gonkagate_setup.judgement.key_binding import key_facts
from opencode_config.evidence import Answer, Evidence
from opencode_config.jsonc import same
from opencode_config.judged_keys import key_path
from opencode_config.layers import MISSING, Layer, leaves, lookup, merge, unknown
from opencode_config.output import MASK
from opencode_config.places import INFERRED, USER, Environment, Kind, Place
from opencode_config.survey import Survey
from opencode_config.v2_spelling import plain_model
from opencode_config.versions import VARIANTS_GO


def predict(expectation: Expectation, survey: Survey) -> tuple[Finding, ...]:
    """What opencode would say, from the files and the environment alone.

    For a preview, `survey.replace` puts the planned texts in place first.
    """
    found: list[Finding] = []
    for environment in Environment:
        layers = survey.layers(environment)
        unreadable = [layer for layer in layers if layer.problem is not None]
        found += [refusals.unreadable(layer, _reach(environment), BLOCKER) for layer in unreadable]
        found += _judge_config(expectation, survey, environment, _without_variant(merge(layers)), None)
    found += machine_findings.of_survey(expectation.profile, survey)
    return _settled(found)


def judge(expectation: Expectation, survey: Survey, evidence: Evidence) -> tuple[Finding, ...]:
    """What opencode's own answers prove; the survey only says which layer is responsible."""
    found: list[Finding] = []
    survey = replace(survey, traces=replace(survey.traces, launcher=evidence.launcher))
    for environment in Environment:
        answer = evidence.answers[environment]
        if environment in evidence.folders:
            # Everything else that it resolved comes from there, so writing our settings again would change
            # nothing.
            moved = evidence.folders[environment], evidence.executable
            found.append(refusals.elsewhere(expectation.profile, survey, *moved, _reach(environment)))
            continue
        if answer.failure is not None:
            found.append(refusals.refused(answer.failure, survey, environment, _reach(environment)))
        if answer.config is None:
            continue
        found += _judge_config(
            expectation,
            survey,
            environment,
            _unmasked(expectation, survey, environment, answer.config),
            answer,
            variants_stay=evidence.version < VARIANTS_GO,
            running=plugins.running(survey, evidence, environment),
        )
        if answer.models_failure is not None:
            found.append(machine_findings.models_unknown(answer.models_failure, _reach(environment)))
        found += [
            refusals.unreadable(layer, _reach(environment), NOTICE)
            for layer in survey.layers(environment)
            if layer.problem is not None
        ]
    found += _with_plugins(expectation, survey, evidence)
    found += machine_findings.of_survey(expectation.profile, survey)
    found += machine_findings.of_evidence(evidence)
    return _settled(found)


def _reach(environment: Environment) -> str:
    return SESSION if environment is Environment.SESSION else DURABLE


def _without_variant(config: dict[str, Any]) -> dict[str, Any]:
    """Whether this opencode removes `#variant` from a model, as 1.18.28 and newer do; its answer shows it."""
    return {**config, "model": plain_model(config["model"])} if "model" in config else config


def _unmasked(
    expectation: Expectation, survey: Survey, environment: Environment, config: Mapping[str, Any]
) -> dict[str, Any]:
    """The resolved config; where opencode masks (`***`) a key of the catalogue, with the layers' own value.

    Only if opencode would mask the catalogue's value too, such as a header. A mask at any other key means
    that the value is not the catalogue's, for example an address with a password in it.
    """
    result = merge([Layer(Place(INFERRED, Kind.REMOTE), "", value=config)])
    readable = merge(survey.layers(environment))
    base = ("provider", expectation.profile.id)
    for path, _ in leaves(expectation.profile.provider_config(), base):
        known = lookup(readable, path)
        if lookup(config, path) == MASK and masked_by_opencode(path) and known is not MISSING:
            lookup(result, path[:-1])[path[-1]] = known
    return result


def _judge_config(
    expectation: Expectation,
    survey: Survey,
    environment: Environment,
    config: Mapping[str, Any],
    answer: Answer | None,
    *,
    variants_stay: bool = False,
    running: Answer | None = None,
) -> Iterator[Finding]:
    """What is wrong with a resolved config; without an answer of opencode, with a predicted one.

    `running` is the answer with plugins.
    """
    layers = survey.layers(environment)
    reach = _reach(environment)
    models = None if answer is None else answer.models
    named = _default_agents(layers)
    agents = plugins.with_agents_of(config, running)
    settings = (expectation, config, models, named)
    together = list(deviations(*settings, variants_stay=variants_stay, agents=agents))
    alone = list(deviations(*settings, variants_stay=variants_stay)) if running is not None else together
    for deviation in plugins.of_configs(alone, together, running):
        if answer is None and plugins.left_open(deviation, survey, environment, config):
            told = plugins.open_question(deviation)
            if told is not None:
                yield _noticed(expectation, survey, layers, told, reach)
            continue
        # A value in a file that is not read here is known once opencode has answered.
        open_question = answer is None and unknown(deviation.resolved)
        if not open_question or deviation.kind is DeviationKind.EXTRA:
            yield from _blamed(expectation, survey, layers, deviation, reach)
    for fact in key_facts(expectation.profile, layers):
        path = key_path(expectation.profile.id)
        yield wording.finding(
            expectation,
            fact.code,
            fact.severity,
            reach,
            fact.layer,
            path,
            fact.effect,
            fallback=USER,
            root=survey.project_root,
        )
    others = () if expectation.available_only else other_models(expectation, config, starting_agents(agents))
    for deviation in others:
        yield _noticed(expectation, survey, layers, deviation, reach)


def _default_agents(layers: Sequence[Layer]) -> list[str]:
    """The default agents that the layers name, highest first."""
    named = (layer.get(("default_agent",)) for layer in reversed(layers))
    return [name for name in named if isinstance(name, str)]


def _noticed(
    expectation: Expectation, survey: Survey, layers: Sequence[Layer], deviation: Deviation, reach: str
) -> Finding:
    """A notice at the highest layer that makes the deviation."""
    culprits = attribute(layers, deviation.paths, deviation.wrong, deviation.resolved).culprits
    layer, path = (culprits[0].layer, culprits[0].path) if culprits else (None, deviation.path)
    return wording.finding(
        expectation,
        deviation.code,
        NOTICE,
        reach,
        layer,
        path,
        deviation.effect,
        value=deviation.resolved,
        root=survey.project_root,
    )


def _blamed(
    expectation: Expectation, survey: Survey, layers: Sequence[Layer], deviation: Deviation, reach: str
) -> Iterator[Finding]:
    """One finding for each layer that has to change, highest first."""
    if deviation.kind is DeviationKind.MISSING:
        yield wording.finding(
            expectation,
            deviation.code,
            BLOCKER,
            reach,
            None,
            deviation.path,
            deviation.effect,
            fallback=deviation.belongs,
            root=survey.project_root,
        )
        return
    attribution = attribute(layers, deviation.paths, deviation.wrong, deviation.resolved)
    if not attribution.explained or not attribution.culprits:
        yield wording.inferred(survey, layers, deviation, reach)
    for number, culprit in enumerate(attribution.culprits):
        in_force = number == 0 and attribution.explained
        told = _as_said_there(expectation, deviation, culprit, in_force=in_force)
        tolerated = culprit.layer.layer in told.tolerated
        yield wording.finding(
            expectation,
            told.code,
            NOTICE if tolerated else BLOCKER,
            reach,
            culprit.layer,
            culprit.path,
            told.effect,
            value=culprit.value,
            root=survey.project_root,
        )
        if tolerated and deviation.hides is not None:
            return  # this value takes effect, and none below it


def _as_said_there(
    expectation: Expectation, deviation: Deviation, culprit: Culprit, *, in_force: bool
) -> Deviation:
    """The deviation as it is in one layer: whether a value hides the model may differ from layer to layer.

    A layer's own value takes effect once those above it are gone.
    """
    if deviation.hides is None:
        return deviation
    value = culprit.layer.get(deviation.path)
    if in_force or same(value, deviation.resolved):
        hidden = deviation.kind is not DeviationKind.EXTRA
    else:
        hidden = deviation.hides(value)
    return addition(expectation, deviation.path, deviation.resolved, hidden=hidden)


def _with_plugins(expectation: Expectation, survey: Survey, evidence: Evidence) -> Iterator[Finding]:
    """What the user's plugins change in the config when opencode runs, and what they may change unseen."""
    for environment, answer in evidence.plugins.items():
        pure, reach = evidence.answers[environment], _reach(environment)
        names = machine_findings.plugin_names(survey, environment, (pure, answer))
        if pure.config is None:
            continue
        if answer.config is None:
            yield machine_findings.plugins_unproved(names, answer.failure, reach)
            continue
        yield machine_findings.plugins_configured(names, reach)
        named = _default_agents(survey.layers(environment))
        known = list(deviations(expectation, pure.config, None, named))
        for deviation in deviations(expectation, answer.config, None, named):
            if not plugins.among(deviation, known):
                yield machine_findings.plugins_change(names, deviation, reach)
        if answer.key != pure.key:
            effect = "opencode sends a key other than the one in the key file"
            replaced = Deviation("key", key_path(expectation.profile.id), MISSING, always, effect)
            yield machine_findings.plugins_change(names, replaced, reach)


def _settled(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each fact once, durable before session, blockers before notices, otherwise in order."""
    kept: dict[Finding, None] = {}
    for finding in findings:
        if finding.reach == DURABLE:
            kept.setdefault(finding)
    for finding in findings:
        if finding.reach == SESSION and replace(finding, reach=DURABLE) not in kept:
            kept.setdefault(finding)
    ordered = list(kept)
    return tuple(
        [finding for finding in ordered if finding.blocks]
        + [finding for finding in ordered if not finding.blocks]
    )


__all__ = ["Expectation", "Finding", "judge", "predict"]
