"""Read everything once, and make the plan from it."""

from __future__ import annotations

from foundation.files import reading
from foundation.secrets import Secret
from gonkagate_setup import credential
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes import plan as plans
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.choice import Choice, Scope
from gonkagate_setup.commands import known_keys, targets
from gonkagate_setup.commands.setup.context import Context, Observation
from gonkagate_setup.commands.setup.questions import Answers
from gonkagate_setup.commands.setup.recommendation import active_here
from opencode_config.program.surveying import take_survey


def observe(context: Context) -> Observation:
    """Everything that a setup depends on, read once."""
    store = context.store
    state_file = reading.read_snapshot(store.state, follow_links=False)
    # Includes a key that was put back, or that another program has stored since.
    secrets = known_keys.keys(store, context.host, context.terminal)
    return Observation(
        survey=take_survey(context.host, context.host.cwd, context.profile.id),
        key_file=reading.read_snapshot(store.key, follow_links=False),
        stored=credential.read_stored(store, context.host),
        state_file=state_file,
        state=states.parse(state_file.data),
        marker=reading.read_snapshot(store.available, follow_links=False),
        secrets=secrets,
        key_copies=credential.former_keys(store),
    )


def plan(context: Context, observed: Observation, answers: Answers, choice: Choice, *, join: bool) -> Plan:
    """`join`: if the project already names one of our models, other folders keep theirs."""
    elsewhere = observed.state is not None and observed.state.scope is Scope.USER
    joins = (
        join
        and elsewhere
        and choice.scope is Scope.PROJECT
        and active_here(context.profile, observed.survey, context.store.home) is not None
    )
    built = plans.build(
        context.profile,
        choice,
        _key_action(observed.stored, answers.key),
        observed.survey.user_files,
        observed.survey.project_files,
        observed.state,
        joins=joins,
    )
    require_writable(context, observed, built)
    return built


def require_writable(context: Context, observed: Observation, built: Plan) -> None:
    """Refuse a plan with a file that cannot be written, before anything is written."""
    written = targets.of_plan(built, observed.key_file, observed.state_file)
    targets.require_writable(context.store, written)


def choice(answers: Answers, *, available_only: bool = False) -> Choice:
    """The choice that the answers make."""
    if answers.model is None or answers.scope is None:
        raise AssertionError("every question was answered")
    return Choice(answers.model, answers.scope, available_only)


def _key_action(stored: credential.StoredKey | None, key: Secret | None) -> KeyAction:
    if stored is None:
        return KeyAction.CREATE
    if key is None or stored.secret != key:
        return KeyAction.REPLACE
    return KeyAction.PROTECT if stored.protected.repairable else KeyAction.KEEP
