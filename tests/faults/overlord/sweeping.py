"""A scenario that is played again and again: one command is broken at some call, and others come after it.

What holds is judged from the files alone (tests/support/overlord_records.py) and from what the service
received.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Collection

from tests.faults.overlord.scenarios import Scenario, Stage
from tests.faults.overlord.victims import Fate
from tests.support.overlord_records import Run, lost, reported

NEXT = (
    ("status", "--no-liveness"),
    ("send", "all", "After the kill."),
    ("retry",),
    ("recover",),
    ("list",),
    ("stop",),
    ("start",),
    ("replace", "ultra"),
    ("export",),
    ("await-human",),
    ("watch",),
)
NEVER = {
    *("unexpected_error", "write_failed", "registry_unreadable", "run_token_mismatch", "state_unusable"),
    *("run_ambiguous", "usage_error", "result_not_written", "stop_refused", "servant_busy"),
}
_ENDED = ("failed", "stopped")
KILLED = -9


class Sweep:
    """A scenario that is played again and again at the same place."""

    def __init__(self, scenario: Scenario, stage: Stage, template: Path) -> None:
        self.scenario = scenario
        self.stage = stage
        self.template = template
        self.hit = 0
        self.commands = 0
        scenario.prepare(stage)
        stage.place.keep(template)
        self.again()
        whole = stage.run(*scenario.argv)
        assert whole.status == scenario.status, whole
        self.calls = whole.calls
        run = stage.place.only_run()
        assert run.problems() == []
        assert lost(run, reported(whole.stdout, whole.stderr)) == []

    def again(self) -> None:
        self.stage.place.again(self.template)
        self.scenario.service(self.stage.place.service)

    def point(
        self,
        at: int,
        act: str,
        *,
        onwards: bool = False,
        ends: Collection[int] = (KILLED,),
        look: Callable[[Fate], list[str]] = lambda _: [],
    ) -> list[str]:
        """What is wrong after `act` in place of that call, and after other commands.

        `ends` are the statuses that it may end with, besides its usual one; `look` looks at it and the files
        before anything else is run.
        """
        self.again()
        stage, place = self.stage, self.stage.place
        argv = (*self.scenario.argv, "--json") if at % 2 else self.scenario.argv
        fate = stage.run(*argv, how={"at": at, "act": act, "onwards": onwards})
        self.hit += fate.status in ends
        service = place.service
        service.wait_until_idle()
        service.clear()
        following = NEXT[at % len(NEXT)]
        found = look(fate)
        if fate.status not in (*ends, self.scenario.status):
            found.append(f"ended with {fate.status}: {fate.stdout}{fate.stderr}")
        found += self._then(fate, following)
        found += service.violations + service.mishaps + [str(pair) for pair in service.overlaps]
        service.violations.clear()
        return [f"{self.scenario.name}, {act} at {at}, then {' '.join(following)}: {text}" for text in found]

    def _then(self, fate: Fate, following: tuple[str, ...]) -> list[str]:
        place = self.stage.place
        runs = place.runs()
        if not runs:
            assert not reported(fate.stdout, fate.stderr)
            return self._without_a_run(following)
        (before,) = runs
        answers = reported(fate.stdout, fate.stderr)
        found = [*before.problems(idle=False), *lost(before, answers)]
        found += self._next(before, following)
        if before.state == "stopped":
            self._command("list")  # the others do not look at it
        after = next(run for run in place.runs() if run.folder == before.folder)
        found += [*after.problems(), *lost(after, answers)]
        if after.state == "stopped":
            return found
        return [*found, *self._finish(after, answers)]

    def _without_a_run(self, following: tuple[str, ...]) -> list[str]:
        fate = self._command(*following)
        wanted = 0 if following[0] in ("list", "start") else 2
        return [] if fate.status == wanted else [f"ended with {fate.status}: {fate.stdout}"]

    def _command(self, *argv: str) -> Fate:
        self.commands += 1
        self.stage.place.service.requests.clear()
        return self.stage.run(*argv, "--json")

    def _next(self, before: Run, following: tuple[str, ...]) -> list[str]:
        fate = self._command(*following)
        report = fate.report
        found = [f"ended with {report['errorCode']}"] if report.get("errorCode") in NEVER else []
        wanted = _wanted(following[0], before)
        if fate.status not in wanted:
            found.append(f"{before.state} before, ended with {fate.status}, not {wanted}: {fate.stdout}")
        now = next(run for run in self.stage.place.runs() if run.folder == before.folder)
        if report.get("runId") == before.folder.name:
            found += lost(now, reported(fate.stdout, fate.stderr))
        return [*found, *self._asked(before, following[0])]

    def _asked(self, before: Run, verb: str) -> list[str]:
        """`recover` asks who had not answered, and nobody else."""
        asked = {request.slot for request in self.stage.place.service.chats}
        if verb != "recover":
            return []
        waiting = {one["servantId"] for _, one in before.results() if one["state"] in ("queued", "started")}
        answered = {
            slot for slot, servant in before.servants.items() if servant["state"] == "ready"
        } - waiting
        unanswered = set(before.servants) - before.started()
        found = [f"recover asked {sorted(map(str, asked))}"] if asked & answered else []
        if before.state != "stopped" and not unanswered <= asked:
            found.append(f"recover asked {sorted(map(str, asked))}, not {sorted(unanswered)}")
        return found

    def _finish(self, run: Run, answers: list[tuple[str | None, str, str | None]]) -> list[str]:
        """Everything can be brought back, and every message be answered."""
        fate = self._command("recover", "--run", run.folder.name)
        found = self._asked(run, "recover")
        if fate.status != 0:
            found.append(f"recover at the end: {fate.stdout}")
        for _ in range(len(run.messages) + 1):
            fate = self._command("retry", "--run", run.folder.name)
            if fate.status != 0:
                found.append(f"retry at the end: {fate.stdout}")
        now = next(one for one in self.stage.place.runs() if one.folder == run.folder)
        found += [*now.problems(), *lost(now, answers)]
        open_ = [f"{message['id']} is {message['state']}" for message in now.registry["messages"]
                 if message["state"] != "completed"]  # fmt: skip
        state = [] if now.state in ("ready", "awaiting-human") else [f"the run is {now.state} at the end"]
        return [*found, *open_, *state]


def _wanted(verb: str, before: Run) -> tuple[int, ...]:
    """The statuses that the next command may end with."""
    half = before.started() != set(before.servants) and before.state in ("starting", "failed")
    state = "failed" if half else before.state
    if verb in ("list", "export"):
        return (0,)
    if verb == "start":
        return (0,) if state in _ENDED else (5,)
    if state == "stopped":
        return (6,) if verb in ("status", "watch") else (2,)
    if state == "failed":
        return {"recover": (0,), "stop": (0,), "status": (6,), "watch": (6,)}.get(verb, (2, 6))
    if verb in ("send", "retry") and before.started() != set(before.servants):
        return (0, 6, 7)  # a servant that is being replaced has no conversation yet
    return (0, 6) if verb in ("status", "watch") else (0,)
