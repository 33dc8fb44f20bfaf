"""A terminal device that answers from a list, for tests without a pseudo-terminal.

It fails on a question that the list does not have, on one asked in another way than listed, and in `done`
on answers that nobody asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from foundation.terminal.terminal import Outlet, Terminal


@dataclass
class Answer:
    """What is typed at the prompt whose last line holds `at`; an exception is raised instead."""

    at: str
    text: str | BaseException
    hidden: bool = False


@dataclass
class ScriptedDevice:
    """See the module."""

    answers: list[Answer]
    shown: str = ""
    encoding: str = "utf-8"
    prompts: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.shown += text

    def read(self, prompt: str, *, hidden: bool) -> str:
        self.shown += prompt
        assert self.answers, f"an unexpected question: {prompt!r}"
        answer = self.answers.pop(0)
        assert answer.at in prompt, f"expected {answer.at!r} to be asked, not {prompt!r}"
        assert answer.hidden is hidden
        self.prompts.append(prompt)
        self.shown += "\n"
        if isinstance(answer.text, BaseException):
            raise answer.text
        return answer.text

    def done(self) -> None:
        assert self.answers == [], "questions that were expected were not asked"


def terminal_on(device: ScriptedDevice | None, *, width: int = 80) -> Terminal:
    """A terminal whose questions reach `device`, and whose other output goes nowhere."""
    nowhere = Outlet(None, terminal=True, colour=False)
    return Terminal(
        nowhere, nowhere, json=False, quiet=False, find_device=lambda: device, find_width=lambda: width
    )
