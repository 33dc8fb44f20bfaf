"""Comparing one resolved config with what is expected of it: deviations, not yet blamed on anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Final, Iterator, Mapping

from gonkagate_setup.core.attribution import same
from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.core.evidence import Gated, Models
from gonkagate_setup.core.gating import allows, denies, hides
from gonkagate_setup.core.layers import MISSING, Path, leaves, lookup, unknown
from gonkagate_setup.core.native import plain_model
from gonkagate_setup.core.state import Scope

_SECRET_HEADERS: Final = ("authorization", "api-key", "apikey", "api_key", "cookie", "token", "secret")
# opencode's own agents; those of the second kind are never what it starts with.
_PRIMARY: Final = ("build", "plan")
_MASKED: Final = re.compile(
    "(api.?key|secret|password|token$|authorization$|cookie$|credential|private.?key)", re.IGNORECASE
)
_WHOLE: Final = re.compile("0|[1-9][0-9]{0,9}")
_NOT_PRIMARY: Final = ("general", "explore", "compaction", "title", "summary")


@dataclass(frozen=True)
class Expectation:
    """What plain `opencode` is to use: a catalogue model of the profile, set in that scope."""

    profile: Profile
    model_key: str
    scope: Scope

    @property
    def reference(self) -> str:
        """The model as opencode names it."""
        return self.profile.reference(self.model_key)


@dataclass(frozen=True)
class Deviation:
    """One value that is not as expected.

    `path` is the key in the resolved config; `sources` are the keys that it comes from, strongest first,
    where it is not that one alone. `resolved` is MISSING where nothing is set. `wrong` tells of a layer's
    value whether it makes or keeps the deviation; `effect` is what it does to the user.
    """

    code: str
    path: Path
    resolved: Any
    wrong: Callable[[Any], bool]
    effect: str
    sources: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The keys that opencode reads the value from, strongest first."""
        return self.sources or (self.path,)


def deviations(
    expectation: Expectation, config: Mapping[str, Any], models: Models | None
) -> Iterator[Deviation]:
    """Everything about `config` that is not as expected, most telling first."""
    yield from _activation(expectation, config)
    yield from _agents(expectation, config)
    offered = isinstance(models, tuple) and expectation.reference in models
    if not offered:
        yield from _gating(expectation, config, models)
    yield from _catalogue(expectation.profile, config)
    yield from _additions(expectation.profile, config, hidden=not offered and _hidden(expectation, config))


def _activation(expectation: Expectation, config: Mapping[str, Any]) -> Iterator[Deviation]:
    reference = expectation.reference
    for name, use in (("model", "answers with"), ("small_model", "runs its small tasks on")):
        resolved = config.get(name, MISSING)
        if resolved is MISSING:
            yield Deviation(
                "model_not_set", (name,), MISSING, _never, f"opencode chooses for itself what it {use}"
            )
        elif not same(reference, resolved):
            yield Deviation(
                "model_overridden",
                (name,),
                resolved,
                _other_model(reference, resolved),
                f"opencode {use} another model than {reference}",
            )


def _other_than(expected: Any) -> Callable[[Any], bool]:
    return lambda value: not same(expected, value)


def _other_model(reference: str, resolved: Any) -> Callable[[Any], bool]:
    """Whether a layer's model is another one; where opencode kept a `#variant`, that makes it another one."""
    if isinstance(resolved, str) and "#" in resolved:
        return _other_than(reference)
    return lambda value: not same(reference, plain_model(value))


def _never(_: Any) -> bool:
    return False


def _always(_: Any) -> bool:
    return True


def agent_paths(name: str) -> tuple[Path, ...]:
    """Where an agent's model comes from, strongest first: opencode merges every mode over the agents."""
    return _agent_sources(name, "model")


def _agent_sources(name: str, key: str) -> tuple[Path, ...]:
    return (("mode", name, key), ("agent", name, key))


def starting_agents(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The agents that opencode starts with, none where it refuses to start with the one that is named.

    That is one, but where neither default_agent nor build can be used: `opencode run` then takes the first
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


def _starts(name: str, agents: Mapping[str, Any]) -> bool:
    entry = agents.get(name)
    entry = entry if isinstance(entry, dict) else {}
    default_mode = "subagent" if name in ("general", "explore") else "all"
    hidden = entry.get("hidden", name in ("compaction", "title", "summary"))
    return not entry.get("disable") and not hidden and entry.get("mode", default_mode) != "subagent"


def _agents(expectation: Expectation, config: Mapping[str, Any]) -> Iterator[Deviation]:
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
        # Without it, opencode starts with others: what they use would be in the way then.
        config = {**config, "default_agent": None}
        started = starting_agents(config)
    if not started:
        yield from _no_agent(config)
    for name in started:
        model = lookup(config, ("agent", name, "model"))
        if model is not MISSING and not same(reference, model):
            yield Deviation(
                "agent_model_overridden",
                ("agent", name, "model"),
                model,
                _other_model(reference, model),
                f'opencode starts with the agent "{name}", which does not use {reference}',
                agent_paths(name),
            )


def _no_agent(config: Mapping[str, Any]) -> Iterator[Deviation]:
    """Where there is no agent left to start with, what keeps build from being used."""
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
                _agent_sources("build", key),
            )


def other_models(expectation: Expectation, config: Mapping[str, Any]) -> Iterator[Deviation]:
    """Agents other than the first one, and commands, with a model outside the catalogue."""
    own = {expectation.profile.reference(model.key) for model in expectation.profile.validated}
    started = starting_agents(config)
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
                _always,
                f'the {label} "{name}" does not use {expectation.reference}',
                agent_paths(name) if kind == "agent" else (),
            )


def _hidden(expectation: Expectation, config: Mapping[str, Any]) -> frozenset[Path]:
    """The keys of the provider that hide the selected model."""
    base = ("provider", expectation.profile.id)
    key = expectation.model_key
    found: set[Path] = set()
    if not allows(lookup(config, (*base, "whitelist")), key):
        found.add((*base, "whitelist"))
    if denies(lookup(config, (*base, "blacklist")), key):
        found.add((*base, "blacklist"))
    if hides(lookup(config, (*base, "models", key, "status"))):
        found.add((*base, "models", key, "status"))
    return frozenset(found)


def _gating(
    expectation: Expectation, config: Mapping[str, Any], models: Models | None
) -> Iterator[Deviation]:
    provider, key = expectation.profile.id, expectation.model_key
    found = False
    enabled = config.get("enabled_providers")
    if not allows(enabled, provider):
        found = True
        yield Deviation(
            "provider_not_enabled",
            ("enabled_providers",),
            enabled,
            lambda value: not allows(value, provider),
            f"opencode loads only the providers in this list, and {provider} is not among them",
        )
    disabled = config.get("disabled_providers")
    if denies(disabled, provider):
        found = True
        yield Deviation(
            "provider_disabled",
            ("disabled_providers",),
            disabled,
            lambda value: denies(value, provider),
            f"opencode does not load {provider}",
        )
    tests: dict[str, Callable[[Any], bool]] = {
        "whitelist": lambda value: not allows(value, key),
        "blacklist": lambda value: denies(value, key),
        "status": hides,
    }
    for path in sorted(_hidden(expectation, config)):
        found = True
        yield Deviation(
            "model_hidden",
            path,
            lookup(config, path),
            tests[path[-1]],
            f"opencode does not offer {expectation.reference}",
        )
    configured = lookup(config, ("provider", provider, "models", key)) is not MISSING
    if not found and configured and isinstance(models, (Gated, tuple)):
        yield Deviation(
            "provider_not_offered",
            ("provider", provider),
            MISSING,
            _never,
            f"`opencode models {provider}` does not list {expectation.reference}",
        )


def _catalogue(profile: Profile, config: Mapping[str, Any]) -> Iterator[Deviation]:
    base = ("provider", profile.id)
    if not isinstance(lookup(config, base), dict):
        yield Deviation(
            "provider_incomplete", base, MISSING, _never, f"opencode knows no provider {profile.id}"
        )
        return
    for path, expected in leaves(profile.provider_config(), base):
        if path == key_path(profile):
            continue
        resolved = lookup(config, path)
        if resolved is MISSING:
            yield Deviation(
                "provider_incomplete",
                path,
                MISSING,
                _never,
                "a part of the provider's catalogue is missing",
            )
        elif not same(expected, resolved):
            yield Deviation(
                "provider_overridden",
                path,
                resolved,
                _other_than(expected),
                _override_effect(profile, path),
            )


def _override_effect(profile: Profile, path: Path) -> str:
    if path[-1] == "baseURL":
        return f"opencode sends the key and the prompts to an address that is not {profile.display_name}'s"
    return f"opencode does not talk to {profile.display_name} as the catalogue says"


def masked_by_opencode(path: Path) -> bool:
    """Whether opencode prints `***` for any text at that key, whatever it is (opencode-facts section 2)."""
    return "headers" in path[:-1] or _MASKED.search(path[-1]) is not None


def key_path(profile: Profile) -> Path:
    """Where the provider's key is bound."""
    return ("provider", profile.id, "options", "apiKey")


def _additions(
    profile: Profile, config: Mapping[str, Any], hidden: frozenset[Path] | bool
) -> Iterator[Deviation]:
    """What is on the provider beside the catalogue, except what was named as hiding the model."""
    base = ("provider", profile.id)
    own = lookup(config, base)
    named = hidden if isinstance(hidden, frozenset) else frozenset()
    if not isinstance(own, dict):
        return
    catalogue = dict(leaves(profile.provider_config(), base))
    for path in _beside(own, base, catalogue):
        if path not in named and path != key_path(profile):
            yield Deviation(
                "provider_extended",
                path,
                lookup(config, path),
                _always,
                f"this was added to the provider {profile.id}",
            )


def _beside(own: Mapping[str, Any], base: Path, catalogue: Mapping[Path, Any]) -> Iterator[Path]:
    """The outermost keys below `base` that no catalogue key lies at or under; headers one by one."""
    inner = {path[:length] for path in catalogue for length in range(len(base), len(path))}
    stack: list[tuple[Path, Any]] = [(base, own)]
    while stack:
        path, value = stack.pop()
        if path in catalogue:
            continue
        if isinstance(value, dict) and (path in inner or path[-1] in ("headers", "provider")):
            stack.extend(((*path, key), child) for key, child in reversed(list(value.items())))
        else:
            yield path


def dangerous(profile: Profile, path: Path) -> bool:
    """Whether an addition may not even stand in the user's own layer.

    Such a one changes who gets the key, or how our own models are spoken to.
    """
    relative = path[2:]
    own_models = {model.key for model in profile.models}
    if relative[:1] == ("models",):
        if len(relative) < 3 or relative[1] not in own_models:  # noqa: PLR2004
            return False
        relative = relative[2:]
    else:
        relative = relative[1:] if relative[:1] == ("options",) else relative
    if relative[:1] == ("provider",):
        return True
    return relative[:1] == ("headers",) and any(word in path[-1].lower() for word in _SECRET_HEADERS)
