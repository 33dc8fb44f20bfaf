"""An early answer: opencode is asked while everything else is still being read."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from typing import Final, Mapping

from foundation import background
from foundation.errors import Refusal
from opencode_config.evidence import Answer
from opencode_config.output import answer_of
from opencode_config.program.opencode import Opencode
from opencode_config.survey import Survey

ENDING_SECONDS: Final = 5.0
# Some file systems keep times in whole seconds, FAT in two seconds.
_GRANULARITY_NS: Final = 2_000_000_000


@dataclass(frozen=True)
class _Asked:
    """`at` is in nanoseconds since the epoch, from before the question."""

    at: int
    answer: Answer


class EarlyAnswer:
    """The resolved config in the durable environment, once `ask` has begun to ask for it.

    It saves a rerun that changes nothing one start of opencode.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._task: background.Task[_Asked] | None = None

    def ask(self, opencode: Opencode, environ: Mapping[str, str], provider: str) -> None:
        """Start asking, in the background."""
        stoppable = replace(opencode, stop=self._stop)

        def answer() -> _Asked:
            at = time.time_ns()
            return _Asked(at, answer_of(stoppable.config(environ), provider))

        self._task = background.start(answer)

    def stop(self) -> None:
        """End the question, so that opencode does not run while files change."""
        self._stop.set()
        if self._task is not None:
            self._task.wait(ENDING_SECONDS)

    def valid(self, survey: Survey, *, writes: bool) -> Answer | None:
        """The answer, if it is valid: nothing was written, and no file is newer than the question.

        Waits for the answer. None also where nothing was asked, or opencode did not answer.
        """
        if writes or self._task is None:
            return None
        try:
            asked = self._task.result()
        except Refusal:
            return None
        return asked.answer if _older_than(survey, asked.at) else None


def _older_than(survey: Survey, instant: int) -> bool:
    """Whether every file of the survey was last changed well before `instant` (nanoseconds)."""
    for path in (*survey.readings, *survey.referred):
        for look in (os.lstat, os.stat):
            try:
                changed = look(path).st_ctime_ns
            except OSError:
                continue
            if changed + _GRANULARITY_NS > instant:
                return False
    return True
