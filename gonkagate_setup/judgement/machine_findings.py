"""Findings about the machine and about opencode itself, rather than about one value."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from foundation.errors import Refusal, Where
from gonkagate_setup.catalog import Profile
from gonkagate_setup.judgement.expectation import Deviation
from gonkagate_setup.judgement.findings import BLOCKER, DURABLE, NOTICE, SESSION, Finding
from gonkagate_setup.judgement.wording import dotted
from opencode_config import schema_line
from opencode_config.evidence import Answer, Evidence
from opencode_config.jsonc import reference_tokens
from opencode_config.judged_keys import ACTIVATION_PATHS, key_path
from opencode_config.layers import Layer
from opencode_config.places import INFERRED, PLUGIN, USER, Environment
from opencode_config.survey import Survey
from opencode_config.versions import NEWEST_AUDITED


def models_unknown(failure: Refusal, reach: str) -> Finding:
    """Opencode was asked which models it offers and did not answer."""
    return Finding(
        "opencode_models_unknown", BLOCKER, INFERRED, failure.message, failure.next_step, reach=reach
    )


def plugin_names(survey: Survey, environment: Environment, answers: Sequence[Answer]) -> tuple[str, ...]:
    """The configured plugins, by the names that the configs and opencode give them."""
    names: list[Any] = []
    for layer in survey.layers(environment):
        names += _list(layer.value.get("plugin"))
    for answer in answers:
        names += _list(None if answer.config is None else answer.config.get("plugin"))
    texts = (name[0] if isinstance(name, list) and name else name for name in names)
    return tuple(dict.fromkeys(text for text in texts if isinstance(text, str)))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def plugins_configured(names: tuple[str, ...], reach: str) -> Finding:
    """Plugins run their own code, and a key that they set does not appear in what opencode prints."""
    return Finding(
        "plugins_configured",
        NOTICE,
        PLUGIN,
        f"plugins can change the config and the key while opencode runs; configured: {', '.join(names)}",
        "no action needed if you trust them",
        reach=reach,
    )


def plugins_unproved(names: tuple[str, ...], failure: Refusal | None, reach: str) -> Finding:
    """Opencode gave no config with its plugins running."""
    reason = "" if failure is None else f" ({failure.message})"
    return Finding(
        "plugins_unproved",
        NOTICE,
        PLUGIN,
        f"plugins may change the config when opencode runs; opencode did not say whether they do{reason}: "
        + ", ".join(names),
        "check `opencode debug config` (without --pure) yourself; it may show your keys",
        reach=reach,
    )


def plugins_change(names: tuple[str, ...], deviation: Deviation, reach: str) -> Finding:
    """A plugin changes something that was proved without plugins."""
    key = dotted(deviation.path)
    change = "remove the plugin that does it (its file, or its name in the plugin list)"
    if deviation.code == "agent_model_overridden":
        agent = deviation.path[1]
        change = (
            f"change the model of {agent} in that plugin's settings, name another default_agent, or {change}"
        )
    return Finding(
        "plugins_change_config",
        BLOCKER,
        PLUGIN,
        f"a plugin changes {key} ({deviation.effect}); configured: {', '.join(names)}",
        f"{change}, then run this command again",
        reach=reach,
        key=key,
    )


def of_survey(profile: Profile, survey: Survey) -> Iterator[Finding]:
    """Notices from the files and the environment."""
    moved = survey.surroundings.environ.get("XDG_CONFIG_HOME")
    if moved:
        yield Finding(
            "config_folder_moved",
            NOTICE,
            USER,
            f"XDG_CONFIG_HOME is set, so opencode reads {survey.surroundings.user_folder}, not ~/.config; "
            "a shell without it does not see this setup",
            "set XDG_CONFIG_HOME in every shell that starts opencode, or in none",
            where=Where(str(survey.surroundings.user_folder)),
        )
    if survey.traces.stored_key:
        yield Finding(
            "stored_credential",
            NOTICE,
            INFERRED,
            f"opencode's own credential store has an entry for {profile.id}; the key file overrides it",
            f"run `opencode auth logout` and choose {profile.id}, unless you want to keep it",
        )
    for environment in (Environment.DURABLE, Environment.SESSION):
        reach = SESSION if environment is Environment.SESSION else DURABLE
        for layer in survey.layers(environment):
            yield from _of_layer(profile, layer, reach)


def _of_layer(profile: Profile, layer: Layer, reach: str) -> Iterator[Finding]:
    if profile.key_variable in layer.references:
        yield Finding(
            "key_variable_referenced",
            NOTICE,
            layer.layer,
            f"this config refers to {profile.key_variable}, which opencode does not get during setup",
            "remove the reference: opencode reads the key from the key file",
            reach=reach,
            where=Where(layer.name),
        )
    if layer.document is None:
        return
    yield from of_duplicates(profile, layer, reach)
    node = layer.document.find(key_path(profile.id))
    for token in reference_tokens(layer.document):
        if token.text != profile.key_binding or (node is not None and node.start <= token.offset < node.end):
            continue
        line, column = layer.document.location(token.offset)
        yield Finding(
            "key_reference_elsewhere",
            NOTICE,
            layer.layer,
            "the reference to the key file also appears here; opencode inserts the key here too, "
            "and does not start if the file is missing",
            "remove it here",
            reach=reach,
            where=Where(layer.name, line, column),
        )
    if layer.path is not None and schema_line.is_added_to(layer.document.text, layer.document.value):
        yield Finding(
            "opencode_edits_config",
            NOTICE,
            layer.layer,
            "this config has no $schema; opencode adds it when it starts",
            "no action needed",
            reach=reach,
            where=Where(layer.name),
        )


def of_duplicates(profile: Profile, layer: Layer, reach: str) -> Iterator[Finding]:
    """Keys that decide about the provider and appear more than once."""
    document = layer.document
    if document is None:
        return
    base = ("provider", profile.id)
    for duplicate in document.duplicates:
        path = duplicate.path
        if path[:2] == base[: len(path)] or path in ACTIVATION_PATHS:
            first, _ = document.location(duplicate.first)
            line, column = document.location(duplicate.effective)
            yield Finding(
                "key_stands_twice",
                NOTICE,
                layer.layer,
                f"{dotted(path)} appears in this config more than once, first on line {first}; "
                "opencode reads only the last one",
                "remove the one that you do not want",
                reach=reach,
                where=Where(layer.name, line, column),
                key=dotted(path),
            )


def of_evidence(evidence: Evidence) -> Iterator[Finding]:
    """Notices about the opencode that was asked."""
    if not evidence.on_path:
        yield Finding(
            "opencode_not_on_path",
            BLOCKER,
            INFERRED,
            "opencode is installed, but this shell does not find it: plain `opencode` does not start",
            f"open a new terminal, or add {evidence.executable.parent} to the PATH",
            reach=SESSION,
            where=Where(str(evidence.executable)),
        )
    for other in evidence.also:
        yield Finding(
            "opencode_second",
            NOTICE,
            INFERRED,
            f"a second opencode is on the PATH; plain `opencode` starts {evidence.executable}",
            "remove the one that you do not use",
            where=Where(str(other)),
        )
    if evidence.version > NEWEST_AUDITED:
        yield Finding(
            "opencode_not_audited",
            NOTICE,
            INFERRED,
            f"opencode {evidence.version} is newer than {NEWEST_AUDITED}, the newest audited version, "
            "so it was also asked for its models",
            "no action needed",
            where=Where(str(evidence.executable)),
        )
