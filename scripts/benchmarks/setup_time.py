"""A whole `--yes --json` setup against `opencode --version`, then `opencode debug config --pure`."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import Final

from scripts.benchmarks import Row
from scripts.benchmarks.subjects import Subject, machine, service, set_up, subjects, succeeded
from tests.support.machine import Machine

TITLE: Final = "setup"
_TARGETS: Final = {"first setup": 1.05, "rerun": 0.75}
_FLOOR: Final = Subject("floor", (), has_targets=False)


def measure(runs: int) -> list[Row]:
    """First setups on fresh machines, then reruns on the same ones; all kinds in turn, `runs` times."""
    everyone = (_FLOOR, *subjects())
    seconds: dict[tuple[str, Subject], list[float]] = defaultdict(list)
    with service() as (root, running):
        for run in range(runs):
            # Who goes first has the coldest disk cache, so the order moves round.
            order = everyone[run % len(everyone) :] + everyone[: run % len(everyone)]
            machines = {
                subject: machine(root / f"{run}-{number}", running, subject)
                for number, subject in enumerate(order)
            }
            for kind in _TARGETS:
                for subject in order:
                    taken = _once(machines[subject], subject, first=kind == "first setup")
                    seconds[kind, subject].append(taken)
    return [row for kind in _TARGETS for row in _rows(kind, seconds)]


def _once(on: Machine, subject: Subject, *, first: bool) -> float:
    if subject is _FLOOR:
        commands = (("--version",), ("debug", "config", "--pure"))
        return sum(succeeded(on.opencode(*command)).seconds for command in commands)
    return set_up(on, key=first).seconds


def _rows(kind: str, seconds: dict[tuple[str, Subject], list[float]]) -> list[Row]:
    floor = median(seconds[kind, _FLOOR])
    rows = [Row(f"{kind}: opencode's two commands alone", floor, "s")]
    for subject in subjects():
        taken = median(seconds[kind, subject])
        target = _TARGETS[kind] if subject.has_targets else None
        rows.append(Row(f"{kind}: {subject.name}", taken / floor, "x", target, f"{taken:.2f} s to the floor"))
    return rows
