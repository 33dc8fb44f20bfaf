"""init: ask, plan, show every change, ask once, write all of it or nothing, and ask the real opencode."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, Final

from foundation import background
from foundation import transaction as transactions
from foundation.errors import Declined, Refusal, Where
from foundation.files import writable
from foundation.host import Host
from foundation.program import Report
from foundation.terminal.terminal import Terminal
from foundation.transaction import Role, Transaction, journal
from opencode_config.jsonc import crosscheck
from opencode_config.layers import merge
from opencode_config.places import Environment
from opencode_config.program import account
from opencode_config.program.opencode import Opencode
from opencode_config.program.surveying import take_survey
from sovereigncode import gateway_provider as provider
from sovereigncode import workspace as workspaces
from sovereigncode.command_line import PROGRAM
from sovereigncode.commands.init import answers as answering
from sovereigncode.commands.init import plan as planning
from sovereigncode.commands.init import proof, telling
from sovereigncode.commands.init.answers import Answers, Options
from sovereigncode.commands.init.plan import FileChange, Plan
from sovereigncode.core.decision import CAPSULE_MISSING
from sovereigncode.errors import Exit
from sovereigncode.store import Store
from sovereigncode.ui import questions as asking
from sovereigncode.ui.questions import Questions
from sovereigncode.workspace import Workspace

_AGAIN: Final = "then run this command again"


def run(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    """Make the current folder a workspace. Raises Refusal, and then nothing was changed."""
    options = Options(
        arguments.sensitivity,
        arguments.jurisdiction,
        tuple(dict.fromkeys(arguments.purpose or ())),
        arguments.tenant,
        arguments.key_file,
    )
    store = Store.at(host)
    account.require_own(store, host, f"{PROGRAM} init")
    store.require_own_folders()
    _put_back(store, host, terminal)
    workspace, configs = _observed(host.cwd)
    questions = asking.questions(terminal, yes=arguments.yes)
    agreed = answering.gather(options, workspace, questions, host)
    asked = proof.Asked.on(host)
    # Not asked of opencode itself, which adds a line to a config when it starts.
    survey = take_survey(host, host.cwd, provider.ID)
    plan = planning.make(agreed, options, workspace, configs, merge(survey.layers(Environment.DURABLE)))
    _require_right(plan)
    _require_writable(store, plan)
    if plan.changes:
        _consent(plan, questions)
    _carry_out(store, host, terminal, plan, asked)
    return _report(plan, agreed, asked, host.cwd)


def _put_back(store: Store, host: Host, terminal: Terminal) -> None:
    """What a killed run left is put back before anything is read."""
    if not journal.exists(store):
        return
    with transactions.lock(store, host):
        recovery = transactions.recover(store, host)
    if recovery is not None and recovery.failures:
        raise Refusal(
            "rollback_incomplete",
            "An earlier run was interrupted, and not everything could be put back: "
            + "; ".join(recovery.failures),
            next_step=f"make the files and folders named here writable for your user, {_AGAIN}",
        )
    if recovery is not None:
        terminal.say("An earlier run was interrupted; its changes were put back first.")


def _observed(root: Path) -> tuple[Workspace, tuple[Any, ...]]:
    workspace = workspaces.read(root)
    for fault in workspace.faults:
        if fault.code != CAPSULE_MISSING:
            raise Refusal(fault.code, fault.message, where=fault.where, next_step=fault.next_step)
    return workspace, planning.read_configs(root)


def _require_right(plan: Plan) -> None:
    """Every file that is written is read again by other code: it must mean what was meant."""
    for file in plan.changes:
        if file.operations:
            check = partial(crosscheck.check_edit, file.before or "", file.after, file.operations)
            try:
                background.start(check, deep=True).result()
            except crosscheck.SafeMergeError as problem:
                raise Refusal(
                    "config_invalid",
                    f"a second parser does not find exactly the intended change: {problem}",
                    where=Where(str(file.snapshot.path)),
                    next_step=problem.next_step,
                ) from None
            continue
        _, faults = workspaces.meaning(Path(file.snapshot.path), file.after.encode())
        if faults:
            raise RuntimeError(f"a new {file.snapshot.path.name} is not valid")


def _require_writable(store: Store, plan: Plan) -> None:
    found = writable.folder_obstacle(store.folder)
    place: Any = store.folder
    for file in plan.changes:
        if found is None:
            found, place = writable.obstacle(file.snapshot), file.snapshot.path
    if found is not None:
        raise Refusal(
            "write_failed",
            f"this cannot be written, because {found.place} {found.why}; nothing was changed",
            where=Where(str(place)),
            next_step=found.next_step,
        )


def _consent(plan: Plan, questions: Questions) -> None:
    if not questions.confirm("Write these files?", telling.preview(plan)):
        raise Declined("Nothing was written")


def _carry_out(store: Store, host: Host, terminal: Terminal, plan: Plan, asked: proof.Asked) -> None:
    """Write everything, ask opencode, and keep it; without its yes everything is put back."""
    with transactions.lock(store, host), Transaction(store, host) as transaction:
        transactions.recover(store, host)
        transaction.apply([_write(file) for file in plan.changes])
        if asked.opencode is not None:
            with terminal.progress("asking opencode whether it uses the gateway"):
                _require_in_force(asked.opencode, host, plan)
        transaction.commit()


def _write(file: FileChange) -> transactions.Write:
    return transactions.Write(file.snapshot, file.after.encode(), Role.PROJECT_CONFIG)


def _require_in_force(opencode: Opencode, host: Host, plan: Plan) -> None:
    wrong = proof.wrong(opencode, host, plan)
    if wrong:
        raise Refusal(
            "opencode_not_proved",
            f"opencode does not use what was written, so everything was put back: {'; '.join(wrong)}",
            next_step="correct the config that does this (`opencode debug config --pure` shows the result), "
            + _AGAIN,
        )


def _report(plan: Plan, agreed: Answers, asked: proof.Asked, root: Path) -> Report:
    written = [telling.named(file, root) for file in plan.changes]
    details = {
        "capsule_id": agreed.capsule_id,
        "tenant": agreed.tenant,
        "changed": bool(written),
        "files": [{"path": str(file.snapshot.path), "action": telling.action(file)} for file in plan.files],
        "diff": telling.plain(plan),
        "opencode": {"asked": asked.opencode is not None, "version": asked.version},
    }
    message = f"{', '.join(written)} written" if written else "nothing had to be changed"
    return Report("init", Exit.DONE, message, telling.result(plan, agreed, asked, root), details)
