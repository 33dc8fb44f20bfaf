"""Runs opencode on a throw-away machine that this product set up, and records what happened.

What several workflows judge is done once: the first who asks pays. The order of `workflows.WORKFLOWS` keeps
the conversation together, which `opencode run --continue` needs.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Final, Mapping

from gonkagate_setup.catalog import Model, Profile
from scripts.validating.gate import Gate
from scripts.validating.outcome import WorkflowFailure
from scripts.validating.product import with_validated
from scripts.validating.terminal import Terminal
from scripts.validating.traffic import Traffic, essence, pieces
from tests.stand_in import COMPLETIONS, Answerer, StandIn
from tests.support.machine import ChildTimeoutError, Finished, Machine

CODE_WORD: Final = "heron42"
FIRST_PROMPT: Final = f"Remember the code word {CODE_WORD}. Answer in one short sentence, without tools."
SECOND_PROMPT: Final = "Which code word did I give you? Answer with it alone, without tools."
SPOKEN_PROMPT: Final = "Greet me in one short and friendly English sentence. Answer in words, without tools."
# How many letters and digits of an answer have to be found: opencode may render the rest as Markdown.
TELLING: Final = 24
_READY: Final = "Ask anything"
_CTRL_C: Final = "\x03"


@dataclass(frozen=True)
class Run:
    """One `opencode run`."""

    prompt: str
    finished: Finished
    traffic: Traffic


@dataclass(frozen=True)
class Session:
    """One session on a terminal; `part` and `whole` say whether that much of the answer was on the screen.

    `part` is None when the answer could not be stopped on its way, because it came in too few pieces.
    """

    typed: bool
    part: bool | None
    whole: bool
    status: int | None
    left_screen: bool
    screen: str
    traffic: Traffic


class Rig:
    """One model with one opencode; `profile` offers the model, candidate or not.

    `environ` is what opencode and this product find besides the machine's own variables: for tests.
    """

    def __init__(
        self,
        profile: Profile,
        model: Model,
        root: Path,
        service: StandIn,
        opencode: Path,
        seconds: float,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.profile = with_validated(profile, model.key)
        self.model = model
        self.service = service
        self.seconds = seconds
        self._environ = dict(environ or {})
        self.answer_with(service.answerers[COMPLETIONS])
        self.machine = Machine(root, service, opencode)
        self.machine.python = [sys.executable, "-m", "scripts.validating.product", model.key]
        self._deadline = time.monotonic() + seconds
        self._scope: str | None = None

    @property
    def reference(self) -> str:
        """The model as opencode names it."""
        return self.profile.reference(self.model.key)

    @property
    def remaining(self) -> float:
        """Seconds that the current workflow still has."""
        return max(1.0, self._deadline - time.monotonic())

    def answer_with(self, answerer: Answerer) -> None:
        """Let the service answer so from now on; what was done before is forgotten, the set-up stays."""
        self.gate = Gate()
        self.service.answerers[COMPLETIONS] = self.gate.around(answerer)
        for name in ("first_turn", "second_turn", "session"):
            self.__dict__.pop(name, None)

    def start_clock(self) -> None:
        """A workflow starts."""
        self._deadline = time.monotonic() + self.seconds

    def set_up(self, scope: str) -> dict[str, Any]:
        """Set that scope up with this product; its JSON report."""
        arguments = ("--yes", "--json", "--scope", scope, "--model", self.model.key, "--api-key-stdin")
        done = self._bounded(
            lambda: self.machine.run_setup(
                *arguments, stdin=f"{self.machine.key}\n", env=self._environ, timeout=self.remaining
            )
        )
        if done.status != 0:
            raise WorkflowFailure(f"this product sets {scope} scope up", done.output)
        self._scope = scope
        return _object(done, "this product reports a JSON object")

    def run(self, prompt: str, *arguments: str) -> Run:
        """`opencode run` in the project, GonkaGate switched on everywhere."""
        if self._scope != "user":
            self.set_up("user")
        before = self._mark()
        done = self._opencode("run", *arguments, prompt)
        return Run(prompt, done, self._since(before))

    def resolved(self, cwd: Path) -> dict[str, Any]:
        """opencode's resolved config in that folder."""
        done = self._opencode("debug", "config", "--pure", cwd=cwd)
        if done.status != 0:
            raise WorkflowFailure("opencode resolves its config", done.output)
        return _object(done, "opencode prints its config as a JSON object")

    @cached_property
    def first_turn(self) -> Run:
        """The first turn of the conversation."""
        return self.run(FIRST_PROMPT)

    @cached_property
    def second_turn(self) -> Run:
        """The turn after it, in the same session."""
        _ = self.first_turn
        return self.run(SECOND_PROMPT, "--continue")

    @cached_property
    def session(self) -> Session:
        """A user types a prompt, sees the answer grow, and leaves with Ctrl-C."""
        if self._scope != "user":
            self.set_up("user")
        before = self._mark()
        deadline = time.monotonic() + self.remaining
        command = [str(self.machine.bin / "opencode")]
        self.gate.close()
        try:
            environ = {**self.machine.environment, **self._environ}
            with Terminal(command, environ, self.machine.project, deadline) as terminal:
                return self._converse(terminal, before)
        finally:
            self.gate.open()

    def _converse(self, terminal: Terminal, before: tuple[int, int]) -> Session:
        terminal.until(lambda: _READY in terminal.text)
        terminal.quiet(1.0)
        terminal.type(SPOKEN_PROMPT)
        typed = terminal.until(lambda: essence(SPOKEN_PROMPT) in essence(terminal.text))
        terminal.type("\r")
        terminal.until(lambda: self.gate.reached.is_set() or self._answered(before))
        part = None
        if self.gate.reached.is_set():
            terminal.until(lambda: self._begun(terminal) or self._answered(before))
            part = self._begun(terminal) and not self._answered(before)
        self.gate.open()
        terminal.until(lambda: self._answered(before))
        whole = terminal.until(lambda: self._shown(terminal, before))
        terminal.quiet(1.0)
        screen = terminal.text
        terminal.type(_CTRL_C)
        status = terminal.ended()
        return Session(typed, part, whole, status, terminal.left_screen, screen, self._since(before))

    def _answered(self, before: tuple[int, int]) -> bool:
        traffic = self._since(before)
        refused = any(request.status >= 400 for request in traffic.completions)  # noqa: PLR2004 - HTTP's errors
        return refused or any(answer.ended for answer in traffic.answers)

    def _begun(self, terminal: Terminal) -> bool:
        return essence(self.gate.beginning) in essence(terminal.text)

    def _shown(self, terminal: Terminal, before: tuple[int, int]) -> bool:
        texts = ["".join(pieces(answer)) for answer in self._since(before).answers]
        return any(text and essence(text)[:TELLING] in essence(terminal.text) for text in texts)

    def _mark(self) -> tuple[int, int]:
        return len(self.service.requests), len(self.service.exchanges)

    def _since(self, mark: tuple[int, int]) -> Traffic:
        return Traffic(self.service.requests[mark[0] :], self.service.exchanges[mark[1] :])

    def _opencode(self, *arguments: str, cwd: Path | None = None) -> Finished:
        return self._bounded(
            lambda: self.machine.opencode(*arguments, env=self._environ, cwd=cwd, timeout=self.remaining)
        )

    def _bounded(self, start: Callable[[], Finished]) -> Finished:
        try:
            return start()
        except ChildTimeoutError as late:
            raise WorkflowFailure(f"it ends within {self.seconds:.0f} s", str(late)) from None


def _object(done: Finished, expected: str) -> dict[str, Any]:
    try:
        value = json.loads(done.stdout)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise WorkflowFailure(expected, done.output)
    return value
