"""Compare one resolved config with what is expected of it: deviations in words, without their layer."""

from __future__ import annotations

from typing import Any, Callable, Final, Iterator, Mapping, Sequence

from gonkagate_setup.catalog import Profile
from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement.agents import agent_deviations
from gonkagate_setup.judgement.expectation import (
    Deviation,
    DeviationKind,
    Expectation,
    always,
    never,
    other_model,
    other_than,
)
from opencode_config.availability import allows, denies, hides
from opencode_config.evidence import Gated, Models
from opencode_config.jsonc import same
from opencode_config.judged_keys import key_path
from opencode_config.layers import MISSING, Path, leaves, lookup
from opencode_config.output import masked_name
from opencode_config.places import PROJECT, USER

_SECRET_HEADERS: Final = ("authorization", "api-key", "apikey", "api_key", "cookie", "token", "secret")


def deviations(
    expectation: Expectation,
    config: Mapping[str, Any],
    models: Models | None,
    named_agents: Sequence[str] = (),
    *,
    variants_stay: bool = False,
    agents: Mapping[str, Any] | None = None,
) -> Iterator[Deviation]:
    """Everything about `config` that is not as expected, the most informative first.

    `named_agents` are the default agents that the layers name, highest first; with `variants_stay` this
    opencode is known to keep a model's `#variant`. `agents` is the config with the agents that opencode
    starts with, if those are not the config's own.
    """
    if not expectation.available_only:
        yield from _activation(expectation, config, variants_stay=variants_stay)
        agents = config if agents is None else agents
        yield from agent_deviations(expectation, agents, named_agents, variants_stay=variants_stay)
    offered = isinstance(models, tuple) and expectation.reference in models
    hiding = frozenset() if offered else _hiding(expectation, config)
    if not offered:
        yield from _gating(expectation, config, models, hiding)
    yield from _catalogue(expectation.profile, config)
    yield from _additions(expectation, config, hiding)


def _activation(
    expectation: Expectation, config: Mapping[str, Any], *, variants_stay: bool
) -> Iterator[Deviation]:
    reference = expectation.reference
    for name, use in (("model", "answers with"), ("small_model", "runs its small tasks on")):
        resolved = config.get(name, MISSING)
        if resolved is MISSING:
            yield _missing(
                "model_not_set",
                (name,),
                f"opencode chooses for itself which model it {use}",
                PROJECT if expectation.scope is Scope.PROJECT else USER,
            )
        elif not same(reference, resolved):
            yield Deviation(
                "model_overridden",
                (name,),
                resolved,
                other_model(reference, resolved, variants_stay=variants_stay),
                f"opencode {use} a model other than {reference}",
            )


def _missing(code: str, path: Path, effect: str, belongs: str) -> Deviation:
    return Deviation(code, path, MISSING, never, effect, kind=DeviationKind.MISSING, belongs=belongs)


def _hiding(expectation: Expectation, config: Mapping[str, Any]) -> frozenset[Path]:
    """The keys of the provider that hide the selected model."""
    able = _able_to_hide(expectation)
    return frozenset(path for path, hides_it in able.items() if hides_it(lookup(config, path)))


def _able_to_hide(expectation: Expectation) -> dict[Path, Callable[[Any], bool]]:
    """The keys of the provider that can hide the selected model, each with a test for the values that do."""
    base, key = ("provider", expectation.profile.id), expectation.model_key
    return {
        (*base, "whitelist"): lambda value: not allows(value, key),
        (*base, "blacklist"): lambda value: denies(value, key),
        (*base, "models", key, "status"): hides,
    }


def addition(expectation: Expectation, path: Path, resolved: Any, *, hidden: bool) -> Deviation:
    """What the provider has beyond the catalogue; `hidden` if it hides the selected model."""
    profile, can_hide = expectation.profile, _able_to_hide(expectation).get(path)
    if hidden:
        effect = f"opencode does not offer {expectation.reference}"
        return Deviation("model_hidden", path, resolved, always, effect, hides=can_hide)
    return Deviation(
        "provider_extended",
        path,
        resolved,
        always,
        f"this was added to the provider {profile.id}",
        hides=can_hide,
        kind=DeviationKind.EXTRA,
        tolerated=() if _dangerous(profile, path) else (USER,),
    )


def _gating(
    expectation: Expectation, config: Mapping[str, Any], models: Models | None, hiding: frozenset[Path]
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
    for path in sorted(hiding):
        found = True
        yield addition(expectation, path, lookup(config, path), hidden=True)
    configured = lookup(config, ("provider", provider, "models", key)) is not MISSING
    if not found and configured and isinstance(models, (Gated, tuple)):
        yield Deviation(
            "provider_not_offered",
            ("provider", provider),
            MISSING,
            never,
            f"`opencode models {provider}` does not list {expectation.reference}",
        )


def _catalogue(profile: Profile, config: Mapping[str, Any]) -> Iterator[Deviation]:
    base = ("provider", profile.id)
    if not isinstance(lookup(config, base), dict):
        yield _missing("provider_incomplete", base, f"opencode does not know the provider {profile.id}", USER)
        return
    for path, expected in leaves(profile.provider_config(), base):
        if path == key_path(profile.id):
            continue
        resolved = lookup(config, path)
        if resolved is MISSING:
            yield _missing("provider_incomplete", path, "part of the provider's catalogue is missing", USER)
        elif not same(expected, resolved):
            yield Deviation(
                "provider_overridden",
                path,
                resolved,
                other_than(expected),
                _override_effect(profile, path),
            )


def _override_effect(profile: Profile, path: Path) -> str:
    if path[-1] == "baseURL":
        return f"opencode sends the key and the prompts to an address that is not {profile.display_name}'s"
    return f"opencode does not talk to {profile.display_name} the way the catalogue says"


def masked_by_opencode(path: Path) -> bool:
    """Whether opencode prints MASK for any text at that key, whatever it is."""
    return "headers" in path[:-1] or masked_name(path[-1])


def _additions(
    expectation: Expectation, config: Mapping[str, Any], named: frozenset[Path]
) -> Iterator[Deviation]:
    """What the provider has beyond the catalogue, except what was reported as hiding the model."""
    profile = expectation.profile
    base = ("provider", profile.id)
    own = lookup(config, base)
    if not isinstance(own, dict):
        return
    catalogue = dict(leaves(profile.provider_config(), base))
    for path in _beside(own, base, catalogue):
        if path not in named and path != key_path(profile.id):
            yield addition(expectation, path, lookup(config, path), hidden=False)


def _beside(own: Mapping[str, Any], base: Path, catalogue: Mapping[Path, Any]) -> Iterator[Path]:
    """The outermost keys below `base` that the catalogue does not have; headers one by one."""
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


def _dangerous(profile: Profile, path: Path) -> bool:
    """Whether an addition is not allowed even in the user's own layer.

    Such an addition changes who gets the key, or how our own models are called.
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
