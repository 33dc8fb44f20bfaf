"""`start`: the service is asked first; a run exists on disk only once its models are known to be there."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Final, Mapping, NoReturn

from foundation.errors import Refusal, Where
from foundation.terminal.text import listed
from overlord.command_line import Arguments
from overlord.commands import texts, working
from overlord.commands.context import Context
from overlord.commands.preflight import preflight
from overlord.core import conversation
from overlord.core.json_values import Json
from overlord.core.registry import new_registry
from overlord.core.servants import (
    DEFAULT_ASSIGNMENT,
    MOST_NORMAL,
    PROFILES,
    ULTRA,
    new_servant,
    slots,
)
from overlord.core.times import stamp
from overlord.report import Report
from overlord.settings import provider_of
from overlord.storage.home import make_private
from overlord.storage.locks import Lock
from overlord.storage.run_store import RunStore
from overlord.ui import render
from overlord.work.tasks import Startup, store_startup

_PHASES: Final = 8
_DEFAULT_NORMAL: Final = 2
NOTHING_STARTED: Final = "Nothing was started."


@dataclass(frozen=True)
class Wanted:
    """The run that is asked for: the assignment of each slot, and the profile of all."""

    assignments: Mapping[str, str]
    profile: str


def run(arguments: Arguments, context: Context) -> Report:
    """Start a run."""
    wanted = _wanted(arguments, context)
    _phase(context, 1, "Loading the run registry.")
    if not arguments.has("--new"):
        _require_none_open(context)
    _phase(context, 2, "Checking the Fugu API key and base URL.")
    base_url = context.settings.base_url()
    normal_model, ultra_model = context.settings.models()
    client = context.client(base_url, context.key())
    _phase(context, 3, f"Checking /models for {normal_model} and {ultra_model}.")
    preflight(context, client, normal_model, ultra_model)
    servants_models = {slot: ultra_model if slot == ULTRA else normal_model for slot in wanted.assignments}
    if arguments.has("--dry-run"):
        return _dry_run(context, base_url, wanted, servants_models)
    _phase(context, 4, "Starting one Ultra and normal Fugus.")
    now = context.host.now()
    store = context.runs.store(f"run-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}")
    registry = _registry(store, context, base_url, wanted, servants_models, stamp(now))
    startup_lock = store.locks.startup()
    try:
        _create(arguments, context, store, registry, startup_lock)
        _phase(context, 5, "Recording model, request, and conversation state.")
        _phase(context, 6, "Loading servant instructions.")
        _phase(context, 7, "Waiting for API-backed ACKs.")
        with working.recorded(store):
            working.ask(context, store, client, [Startup(slot) for slot in wanted.assignments])
    finally:
        startup_lock.release(remove=True)
    return _report(context, store)


def _wanted(arguments: Arguments, context: Context) -> Wanted:
    all_slots = slots(number_of_normal(arguments))
    general = arguments.value("--assignment")
    text = DEFAULT_ASSIGNMENT if general is None else texts.text(context, general, "assignment")
    assignments = dict.fromkeys(all_slots, text)
    for one in arguments.options.get("--assign", ()):
        slot, equals, own = one.partition("=")
        if not equals or slot.lower() not in assignments:
            raise Refusal(
                "usage_error",
                "--assign names no servant of this run"
                if equals
                else "--assign is not of the form SLOT=TEXT",
                next_step=f"write SLOT=TEXT; the slots are {listed(all_slots)}",
            )
        assignments[slot.lower()] = texts.checked(context, own, "assignment")
    return Wanted(assignments, arguments.value("--profile") or PROFILES[0])


def number_of_normal(arguments: Arguments) -> int:
    """The number that --normal gives; Refusal usage_error."""
    given = arguments.value("--normal")
    if given is None:
        return _DEFAULT_NORMAL
    if given.isascii() and given.isdecimal() and len(given) == 1 and 1 <= int(given) <= MOST_NORMAL:
        return int(given)
    raise Refusal(
        "usage_error", "invalid value for --normal", next_step=f"give a number from 1 to {MOST_NORMAL}"
    )


def _phase(context: Context, number: int, text: str) -> None:
    context.say(f"[{number}/{_PHASES}] {text}")


def _require_none_open(context: Context) -> None:
    found = context.runs.open_in(context.worktree)
    if found:
        run_id = found[-1].store.run_id
        raise Refusal(
            "run_exists",
            f"{run_id} is open in {context.worktree}",
            where=Where(str(found[-1].store.folder)),
            next_step=f"use it, end it with: mmi-cli overlord stop --run {run_id}, or add --new",
        )


def _create(arguments: Arguments, context: Context, store: RunStore, registry: Json, lock: Lock) -> None:
    """Store the run, its startups pending, recorded as being at work; its lock is taken."""
    context.require_no_key_in(str(context.worktree), "name of the worktree")
    context.require_no_key_in(str(context.home), "name of the folder for the state")
    make_private(context.home, context.host)
    make_private(context.runs.folder, context.host)
    one_at_a_time = Lock(context.home / "start.lock")
    try:
        taken = one_at_a_time.take(time.monotonic() + 30)
    except OSError:
        taken = False
    if not taken:
        _refuse_lock(context)
    with one_at_a_time:
        if not arguments.has("--new"):
            _require_none_open(context)
        store.create(registry, lock)


def _registry(
    store: RunStore, context: Context, base_url: str, wanted: Wanted, models: Mapping[str, str], at: str
) -> Json:
    servants = [
        new_servant(store.run_id, slot, models[slot], wanted.profile, assignment)
        for slot, assignment in wanted.assignments.items()
    ]
    registry = new_registry(
        store.run_id,
        secrets.token_hex(32),
        folder=store.folder,
        worktree=context.worktree,
        base_url=base_url,
        provider=provider_of(base_url),
        at=at,
        servants=servants,
    )
    for servant in registry["servants"]:
        store_startup(registry, servant, at)
    working.record(registry, at)
    return registry


def _dry_run(context: Context, base_url: str, wanted: Wanted, models: Mapping[str, str]) -> Report:
    now = context.host.now()
    store = context.runs.store(f"run-{now:%Y%m%dT%H%M%SZ}-000000")
    registry = _registry(store, context, base_url, wanted, models, stamp(now))
    requests = [
        {
            "slot": servant["id"],
            "model": servant["llmModel"],
            "messages": conversation.on_the_wire(servant["llmMessages"], None),
        }
        for servant in registry["servants"]
    ]
    blocks = [
        "\n".join(
            [f"== {one['slot']} ({one['model']})"]
            + [f"{entry['role']}: {render.lines_of(entry['content'])}" for entry in one["messages"]]
        )
        for one in requests
    ]
    return Report(
        command="start",
        message=f"A run would be started with {render.models(registry['servants'])}. {NOTHING_STARTED}",
        screen="\n\n".join([*blocks, f"This would be sent. {NOTHING_STARTED}"]),
        dry_run=True,
        details={"requests": requests},
    )


def _report(context: Context, store: RunStore) -> Report:
    registry = store.load()
    details = {"run": context.view(registry)}
    failed = [servant for servant in registry["servants"] if servant["state"] != "ready"]
    if registry["state"] == "stopped":
        raise Refusal("run_stopped", f"{store.run_id} was stopped meanwhile", next_step="start another run")
    if not failed:
        _phase(context, _PHASES, "Ready.")
        next_step = 'mmi-cli overlord send all "..."'
        text = render.started(registry)
        return Report(
            command="start",
            message=text,
            screen=f"{text}\nNext: {next_step}",
            changed=True,
            next_step=next_step,
            run_id=store.run_id,
            details=details,
        )
    names = listed(f"{servant['id']} ({servant['blockedReason']})" for servant in failed)
    error = Refusal(
        "startup_failed",
        f"{store.run_id} is not ready: no useful answer from {names}",
        next_step=f"mmi-cli overlord recover --run {store.run_id}",
    )
    return Report(
        command="start",
        message=f"{error.message}.",
        screen=render.error(error),
        changed=True,
        error=error,
        run_id=store.run_id,
        details=details,
    )


def _refuse_lock(context: Context) -> NoReturn:
    raise Refusal(
        "state_unusable",
        "another command is creating a run, or this folder cannot be used",
        where=Where(str(context.home)),
        next_step="wait until it has finished, then run this command again",
    )
