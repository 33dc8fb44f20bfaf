"""If GonkaGate is only made available, opencode must start with the same model as before."""

from __future__ import annotations

from typing import Sequence

from gonkagate_setup.catalog import Profile
from gonkagate_setup.commands.setup.context import Context, Observation
from gonkagate_setup.judgement.agents import names_model
from gonkagate_setup.judgement.findings import BLOCKER, Finding
from opencode_config.evidence import Gated
from opencode_config.layers import merge
from opencode_config.places import INFERRED, Environment
from opencode_config.program.search import Found
from opencode_config.survey import Survey


def is_chosen(survey: Survey) -> bool:
    """Whether a config, or an earlier choice inside opencode, sets the model that it starts with."""
    return survey.traces.recent or names_model(merge(survey.layers(Environment.DURABLE)))


def would_change(context: Context, observed: Observation, found: Found) -> Finding | None:
    """A finding if opencode chooses its model itself and would choose GonkaGate once it is defined.

    opencode takes the first provider that a config defines, and others only if none does (tried on 1.14.34
    and 1.18.33); which of that provider's models depends on all that it has. So nothing changes if opencode
    has no model at all yet, offers the whole catalogue already, or GonkaGate was made available before.
    """
    if is_chosen(observed.survey):
        return None
    environ = Environment.DURABLE.select(context.host.environ)
    with context.terminal.progress("asking opencode which models it offers"):
        models = found.asked_in(observed.survey.surroundings.cwd, context.host).models(environ, None)
    if isinstance(models, Gated) or not models or _chosen_before(context.profile, observed, models):
        return None
    name = context.profile.display_name
    return Finding(
        "model_not_set",
        BLOCKER,
        INFERRED,
        f"no config sets a model, so opencode chooses one itself, and from now on it would choose {name}",
        f"set model in your opencode config to the model it should start with; or, to start with {name}, run "
        "this command again with `--on-blocked fix`",
        key="model",
    )


def _chosen_before(profile: Profile, observed: Observation, models: Sequence[str]) -> bool:
    catalogue = {profile.reference(model.key) for model in profile.validated}
    offered = any(model.startswith(f"{profile.id}/") for model in models)
    return catalogue <= set(models) or (offered and observed.marker.exists)
