"""One model with one opencode, from a fresh machine to the outcomes; every failure is one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Sequence

from foundation.secrets import Secret
from gonkagate_setup.catalog import Model, Profile
from scripts.validating import services, workflows
from scripts.validating.names import AROUND
from scripts.validating.outcome import Outcome, failed
from scripts.validating.relay import Budget


def judge(
    profile: Profile,
    model: Model,
    opencode: Path,
    seconds: float,
    names: Sequence[str],
    say: Callable[[Outcome], None],
    live: tuple[Secret, Budget] | None = None,
) -> list[Outcome]:
    """Run these workflows; `say` hears of each as it ends. AROUND is among the outcomes when it failed."""
    outcomes: list[Outcome] = []

    def heard(outcome: Outcome) -> None:
        outcomes.append(outcome)
        say(outcome)

    keys = [] if live is None else [live[0].reveal()]
    try:
        with services.rig(profile, model, opencode, seconds, live) as rig:
            keys.append(rig.machine.key)
            workflows.judge(rig, names, heard)
    except Exception as error:  # noqa: BLE001 - the other models and versions still have their answer
        heard(failed(AROUND, error, keys))
    return outcomes
