"""verify: the same judgement as in setup, for what is installed; it changes nothing."""

from __future__ import annotations

from foundation.errors import Refusal
from foundation.files import reading
from foundation.host import Host
from foundation.terminal.terminal import Terminal
from foundation.transaction import journal
from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.choice import Choice
from gonkagate_setup.commands import key_findings, known_keys
from gonkagate_setup.commands.setup.recommendation import installed
from gonkagate_setup.errors import Exit
from gonkagate_setup.judgement import verdict
from gonkagate_setup.report import Report
from gonkagate_setup.store import Store
from opencode_config.layers import MISSING
from opencode_config.places import USER, Environment
from opencode_config.program import asking
from opencode_config.program.search import Probe
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Survey


def run(host: Host, profile: Profile, terminal: Terminal, live_seconds: float | None = None) -> Report:
    """Ask opencode, in this folder, whether it uses the provider; raises Refusal.

    `live_seconds`: also ask the service itself, for at most so many seconds.
    """
    store = Store.at(host.home, profile)
    store.require_own_folders()
    secrets = known_keys.keys(store, host, terminal)
    if journal.exists(store):
        raise Refusal(
            "interrupted_setup",
            "An earlier setup was interrupted, and its changes have not been put back yet",
            next_step="run: gonkagate-setup (it puts them back first)",
        )
    survey = take_survey(host, host.cwd, profile.id)
    state = states.parse(reading.read_snapshot(store.state, follow_links=False).data)
    # A cloned project may name our models on a machine on which nothing was ever set up; opencode,
    # which writes into an empty home when it loads config, is not started then.
    here = state is not None or store.key.exists() or _provider_defined(profile, survey)
    choice = installed(profile, survey, state, available_only=store.available.exists())
    if choice is None or not here:
        raise Refusal(
            "not_set_up",
            f"{profile.display_name} is not set up for opencode in this folder",
            next_step="run: gonkagate-setup",
        )
    with Probe(host, store.note) as probe:
        found = probe.result()
    with terminal.progress("asking opencode what it uses") as progress:
        opencode = found.asked_in(survey.surroundings.cwd, host)
        proof = asking.gather(opencode, found.version, survey, ask_models=True, progress=progress)
    expectation = verdict.Expectation(profile, choice.model.key, choice.scope, choice.available_only)
    findings = verdict.judge(expectation, survey, proof) + tuple(key_findings.of(store, host))
    findings += tuple(key_findings.around(survey, host, secrets))
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
            f"{name} is available in opencode, which starts with another model, as you chose",
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
