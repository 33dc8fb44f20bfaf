"""A child for test_device: asks what its arguments say and writes the answers to a file as JSON.

`python -m tests.sessions.questions ANSWERS QUESTION…`, a QUESTION being pick, confirm, secret, or wait:PATH
(waits for that file to appear). The last element is what was still to be read on stdin afterwards.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

from foundation.errors import Refusal
from foundation.terminal.prompts import AskingPrompter, Back, Option, Question
from foundation.terminal.terminal import Terminal

QUESTION = Question("scope", "Where?", (Option("a", "A"), Option("b2", "B")), "a", "a reason", "some help")


def answer(prompter: AskingPrompter, kind: str) -> Any:
    if kind == "pick":
        return prompter.pick(QUESTION)
    if kind == "confirm":
        return prompter.confirm("Write this?", diff=None)
    if kind == "secret":
        return prompter.secret("Key", help="some help")
    while not Path(kind[len("wait:") :]).exists():
        time.sleep(0.01)
    return "waited"


def main() -> None:
    terminal = Terminal.from_streams(
        sys.stdin, sys.stdout, sys.stderr, {}, json=False, quiet=False, platform=sys.platform
    )
    answers: list[Any] = []
    try:
        if not terminal.interactive:
            answers.append("not interactive")
            return
        for kind in sys.argv[2:]:
            answers.append(answer(AskingPrompter(terminal, "pipe it in"), kind))  # noqa: PERF401 - kept when one raises
    except (Refusal, Back, KeyboardInterrupt) as stopped:
        answers.append(getattr(stopped, "kind", type(stopped).__name__))
    finally:
        waiting = sys.stdin is not None and select.select([0], [], [], 0.2)[0]
        answers.append(os.read(0, 100).decode() if waiting else "")
        Path(sys.argv[1]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
