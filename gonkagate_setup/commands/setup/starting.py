"""If GonkaGate is only made available, opencode must start with the same model as before."""

from __future__ import annotations

from gonkagate_setup.commands.setup.context import Context, Observation
from gonkagate_setup.judgement.agents import names_model
from gonkagate_setup.judgement.findings import BLOCKER, DURABLE, Finding
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

    opencode takes the first provider that a config defines, and others only if no config defines one (tried
    on 1.14.34 and 1.18.33). Nothing changes where it has no model at all yet, or offers GonkaGate already.
    """
    if is_chosen(observed.survey):
        return None
    environ = Environment.DURABLE.select(context.host.environ)
    with context.terminal.progress("asking opencode which models it offers"):
        models = found.asked_in(observed.survey.surroundings.cwd, context.host).models(environ, None)
    own = f"{context.profile.id}/"
    if isinstance(models, Gated) or not models or any(model.startswith(own) for model in models):
        return None
    name = context.profile.display_name
    return Finding(
        "model_not_set",
        BLOCKER,
        DURABLE,
        INFERRED,
        None,
        None,
        None,
        "model",
        f"no config sets a model, so opencode chooses one itself, and from now on it would choose {name}",
        f"set model in your opencode config to the model it should start with; or, to start with {name}, run "
        "this command again with `--on-blocked fix`",
    )
