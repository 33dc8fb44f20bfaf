"""The questions of an `init`: asked at the terminal, or refused with the option to give instead."""

from __future__ import annotations

from typing import Callable, Protocol

from foundation.errors import Refusal
from foundation.terminal.prompts import AskingPrompter, Option, Question
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import style, visible, wrap

# What is wrong with an answer, as a sentence; None if nothing is.
Check = Callable[[str], "str | None"]


class Questions(Protocol):
    """Where the answers of `init` come from."""

    def choose(self, name: str, title: str, options: tuple[Option, ...], default: str, reason: str) -> str:
        """One of the options. Raises Refusal."""

    def text(self, name: str, title: str, default: str, check: Check) -> str:
        """A text that passes the check. Raises Refusal."""

    def confirm(self, text: str, preview: str, *, default: bool = True) -> bool:
        """Whether the user agrees to what is shown; `default` is the answer of Enter. Raises Refusal."""


class Asking:
    """Asks on the terminal device."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._prompter = AskingPrompter(terminal, "")

    def choose(self, name: str, title: str, options: tuple[Option, ...], default: str, reason: str) -> str:
        """One of the options."""
        help_ = f"Nothing is written yet. The option --{name} answers this question."
        return self._prompter.pick(Question(name, title, options, default, reason, help_))

    def text(self, name: str, title: str, default: str, check: Check) -> str:
        """A text that passes the check; Enter takes the default."""
        self._terminal.show(f"\n{style(wrap(visible(title), self._terminal.width), 'heading')}\n")
        while True:
            answer = self._read(f"Enter for {visible(default)} [? help]: ").strip() or default
            if answer == "?":
                problem: str | None = f"Nothing is written yet. The option --{name} answers this question."
            else:
                problem = check(answer)
            if problem is None:
                return answer
            self._terminal.show(wrap(problem, self._terminal.width) + "\n")

    def confirm(self, text: str, preview: str, *, default: bool = True) -> bool:
        """Whether the user agrees; the preview is on the same screen, even if standard error is not."""
        self._terminal.show(f"{preview}\n")
        return self._prompter.confirm(text, diff=None, default=default)

    def _read(self, prompt: str) -> str:
        try:
            return self._terminal.ask(prompt)
        except (EOFError, OSError):
            raise Refusal(
                "cancelled",
                "The input ended before the question was answered; nothing was written",
                next_step="run this command again and answer, or give the answers as options (see --help)",
            ) from None


class Recommended:
    """Takes every recommended answer, for --yes."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def choose(self, name: str, title: str, options: tuple[Option, ...], default: str, reason: str) -> str:
        """The default."""
        del name, title, options, reason
        return default

    def text(self, name: str, title: str, default: str, check: Check) -> str:
        """The default."""
        del name, title, check
        return default

    def confirm(self, text: str, preview: str, *, default: bool = True) -> bool:
        """Yes; what is done is shown all the same."""
        del text, default
        self._terminal.say(preview)
        return True


class Refusing:
    """Asks nobody: every question becomes an error that names the option to use instead."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def choose(self, name: str, title: str, options: tuple[Option, ...], default: str, reason: str) -> str:
        """Raises Refusal answer_required."""
        del title, default, reason
        raise _unanswered(name, " or ".join(option.value for option in options))

    def text(self, name: str, title: str, default: str, check: Check) -> str:
        """Raises Refusal answer_required."""
        del title, check
        raise _unanswered(name, default)

    def confirm(self, text: str, preview: str, *, default: bool = True) -> bool:
        """Raises Refusal consent_required, after showing what would be done."""
        del text, default
        self._terminal.say(preview)
        raise Refusal(
            "consent_required",
            "The changes need your consent, but there is no terminal to ask at",
            next_step="add --yes to agree",
        )


def _unanswered(name: str, values: str) -> Refusal:
    return Refusal(
        "answer_required",
        f"--{name} is not given, and there is no terminal to ask at",
        next_step=f"add --{name} with {values}; or --yes to accept the recommended answers",
    )


def questions(terminal: Terminal, *, yes: bool) -> Questions:
    """Where the answers come from; `yes`: the recommended ones are taken."""
    if yes:
        return Recommended(terminal)
    return Asking(terminal) if terminal.interactive else Refusing(terminal)
