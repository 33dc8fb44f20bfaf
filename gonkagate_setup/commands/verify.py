"""verify: the judgement of setup on an installed machine, changing nothing."""

from __future__ import annotations

from gonkagate_setup.commands import guarded, key_notices
from gonkagate_setup.commands.recommending import installed
from gonkagate_setup.core import state as states
from gonkagate_setup.core import verdict
from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.core.layers import MISSING
from gonkagate_setup.core.places import USER, Environment
from gonkagate_setup.core.plan import Choice
from gonkagate_setup.core.report import Report
from gonkagate_setup.core.survey import Survey
from gonkagate_setup.errors import Exit, SetupError
from gonkagate_setup.system import evidence, files
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.probe import Probe
from gonkagate_setup.system.store import Store
from gonkagate_setup.system.survey import take_survey
from gonkagate_setup.system.transaction import journal
from gonkagate_setup.ui.terminal import Terminal


def run(host: Host, profile: Profile, terminal: Terminal, live_seconds: float | None = None) -> Report:
    """Ask opencode, in this folder, whether it uses the provider; raises SetupError.

    `live_seconds`: ask the service itself too, in so much time at most.
    """
    store = Store.at(host.home, profile)
    store.require_own_folders()
    secrets = guarded.keys(store, host, terminal)
    if journal.exists(store):
        raise SetupError(
            "interrupted_setup",
            "An earlier setup was interrupted, and its changes are still to be put back",
            next_step="run: gonkagate-setup (it puts them back first)",
        )
    survey = take_survey(host, host.cwd, profile)
    state = states.parse(files.read_snapshot(store.state, follow_links=False).data)
    # A project that was cloned may name our models on a machine where nothing was ever set up; opencode,
    # which writes into an empty home when it loads config, is not started there.
    here = state is not None or store.key.exists() or _provider_defined(profile, survey)
    choice = installed(profile, survey, state, available_only=store.available.exists())
    if choice is None or not here:
        raise SetupError(
            "not_set_up",
            f"{profile.display_name} is not set up for opencode in this folder",
            next_step="run: gonkagate-setup",
        )
    with Probe(host, store) as probe:
        found = probe.result()
    with terminal.progress("asking opencode what it uses") as progress:
        proof = evidence.gather(
            found.executable, found.version, host, survey, ask_models=True, progress=progress
        )
    expectation = verdict.Expectation(profile, choice.model.key, choice.scope, choice.available_only)
    findings = verdict.judge(expectation, survey, proof) + tuple(key_notices.of(store, host))
    findings += tuple(key_notices.around(survey, host, secrets))
    reaches = {finding.reach for finding in findings if finding.blocks}
    status, exit_status, message = _outcome(profile, choice, reaches)
    report = Report(
        command="verify",
        status=status,
        exit_status=exit_status,
        message=message,
        profile=profile,
        choice=choice,
        findings=findings,
        proved=_proved(reaches),
        opencode_path=str(found.executable.path),
        opencode_version=str(found.version),
        error_code="effective_config_blocked" if reaches else None,
        next_step=next((f.next_step for f in findings if f.blocks), _start(profile, choice)),
    )
    if live_seconds is None:
        return report
    from gonkagate_setup.commands import live

    return live.ask(report, choice, store, host, terminal, live_seconds)


def _outcome(profile: Profile, choice: Choice, reaches: set[str]) -> tuple[str, Exit, str]:
    """Status, exit status and sentence, from the reaches of what blocks."""
    name = f"{profile.display_name} with {choice.model.display_name}"
    does, not_done = ("offers", "does not offer") if choice.available_only else ("uses", "does not use")
    if "durable" in reaches:
        return "blocked", Exit.BLOCKED, f"opencode {not_done} {name}"
    if "session" in reaches:
        return (
            "blocked",
            Exit.SESSION_BLOCKED,
            f"opencode {does} {name} in a fresh shell, but not in this one",
        )
    if choice.available_only:
        return (
            "available",
            Exit.DONE,
            f"{name} is available in opencode, which starts with something else, as you chose",
        )
    return "success", Exit.DONE, f"opencode uses {name}"


def _start(profile: Profile, choice: Choice) -> str:
    return f"opencode --model {profile.reference(choice.model.key)}" if choice.available_only else "opencode"


def _proved(reaches: set[str]) -> tuple[str, ...]:
    if "durable" in reaches:
        return ()
    return ("durable", "fresh_shell") if "session" in reaches else ("durable", "fresh_shell", "session")


def _provider_defined(profile: Profile, survey: Survey) -> bool:
    layers = survey.layers(Environment.DURABLE)
    return any(layer.layer == USER and layer.get(("provider", profile.id)) is not MISSING for layer in layers)
