"""What the steps of a setup pass on: Request, Attempt, Context, Observation, Agreed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from foundation.files.snapshot import Snapshot
from foundation.host import Host
from foundation.secrets import Secret
from foundation.terminal.prompts import Prompter
from foundation.terminal.terminal import Terminal
from gonkagate_setup import credential
from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands.setup.blocked import OnBlocked
from gonkagate_setup.commands.setup.questions import Answers
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import Finding, FindingId
from gonkagate_setup.store import Store
from opencode_config.program.search import Probe
from opencode_config.survey import Survey


@dataclass(frozen=True)
class Request:
    """What the command line asked for; `read_stdin_key` (None: not asked for) is called once.

    `on_blocked` is None if the option was not given.
    """

    model: str | None
    scope: Scope | None
    yes: bool
    dry_run: bool
    read_stdin_key: Callable[[], str] | None
    on_blocked: OnBlocked | None = None


@dataclass(frozen=True)
class Attempt:
    """What one attempt at a setup should reach.

    `available_only` as in Choice; `blockers` are those of earlier attempts, to be removed by edits.
    """

    available_only: bool = False
    blockers: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Context:
    """What one setup works with: machine, provider, its files, the user, opencode."""

    host: Host
    profile: Profile
    store: Store
    terminal: Terminal
    prompter: Prompter
    probe: Probe

    def expectation(self, plan: Plan) -> verdict.Expectation:
        """What opencode must answer once the plan is carried out."""
        return verdict.Expectation(
            self.profile, plan.choice.model.key, plan.choice.scope, plan.choice.available_only
        )


@dataclass(frozen=True)
class Observation:
    """Everything that was read, once.

    `marker` is the file that says that GonkaGate is only made available; `secrets` are the keys that are
    stored or in the environment.
    """

    survey: Survey
    key_file: Snapshot
    stored: credential.StoredKey | None
    state_file: Snapshot
    state: states.State | None
    secrets: tuple[Secret, ...]
    key_copies: tuple[Snapshot, ...]
    marker: Snapshot

    def former_keys(self, plan: Plan) -> tuple[Snapshot, ...]:
        """The copies of former keys that the plan removes: all of them if there is a new key."""
        return self.key_copies if plan.key is KeyAction.REPLACE else ()


@dataclass(frozen=True)
class Agreed:
    """The plan that the user saw and agreed to; `predicted` are the findings expected from the files alone.

    `seen` are the findings that are already on the user's screen, also from earlier attempts.
    """

    answers: Answers
    plan: Plan
    observed: Observation
    predicted: tuple[Finding, ...]
    seen: frozenset[FindingId] = frozenset()
