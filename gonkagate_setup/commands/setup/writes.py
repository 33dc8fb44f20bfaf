"""The changes that a setup asks a transaction for: key, configs and records."""

from __future__ import annotations

from foundation import transaction as transactions
from foundation.files import reading
from foundation.secrets import Secret
from foundation.transaction import Role
from foundation.transaction.changes import Change
from gonkagate_setup import __version__
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.commands import second_reading
from gonkagate_setup.commands.setup.context import Context, Observation
from opencode_config.program.search import Found, note


def second_read(plan: Plan) -> None:
    """Check with the second parser that every config changes exactly as planned."""
    for config in plan.configs:
        if config.changed:
            second_reading.require(config.snapshot.path, config.before, config.after, config.operations)


def of_plan(context: Context, plan: Plan, key: Secret | None, observed: Observation) -> list[Change]:
    """The key and the configs.

    The key comes before the configs: opencode refuses to start while a config names a missing key file.
    """
    changes: list[Change] = []
    if plan.key is KeyAction.PROTECT:
        changes.append(transactions.Protect(context.store.key))
    elif plan.key is not KeyAction.KEEP and key is not None:
        data = key.reveal().encode()
        changes.append(transactions.Write(observed.key_file, data, role=Role.SECRET, private=True))
        changes += [transactions.Delete(copy, Role.SECRET) for copy in observed.former_keys(plan)]
    for config in plan.configs:
        if config.changed:
            role = Role.USER_CONFIG if config.layer == "user_config" else Role.PROJECT_CONFIG
            data = config.after.encode()
            changes.append(transactions.Write(config.snapshot, data, role=role, private=False))
    return changes


def records(context: Context, plan: Plan, found: Found, observed: Observation) -> list[Change]:
    """The records that are written once opencode has proved the rest."""
    model_key, scope = plan.choice.model.key, plan.choice.scope
    former = observed.state
    if plan.joins and former is not None and former.model_key and former.scope:
        # The project says for itself what it uses; the setup record keeps describing every other folder.
        model_key, scope = former.model_key, former.scope
    state = states.render(
        transport=plan.choice.model.transport.value,
        version=__version__,
        last_durable_setup_at=states.timestamp(context.host.now()),
        model_key=model_key,
        scope=scope,
    )
    records: list[Change] = [transactions.Write(observed.state_file, state, role=Role.STATE, private=True)]
    if plan.choice.available_only and not observed.marker.exists:
        records.append(
            transactions.Write(observed.marker, states.AVAILABLE_ONLY, role=Role.STATE, private=True)
        )
    elif observed.marker.exists and not (plan.choice.available_only or plan.joins):
        records.append(transactions.Delete(observed.marker, Role.STATE))
    noted, note_file = note(found), reading.read_snapshot(context.store.note, follow_links=False)
    if noted is not None and note_file.data != noted:
        records.append(transactions.Write(note_file, noted, role=Role.NOTE, private=True))
    return records
