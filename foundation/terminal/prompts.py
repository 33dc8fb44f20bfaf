"""Questions: one prompter asks the user, the other refuses to ask.

Numbered plain prompts on the terminal device, never redrawn. Enter takes the recommended answer, `?`
explains, `b` goes back to the previous question if there is one. An answer is never repeated on the
screen: it can be a key pasted at the wrong question.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Protocol

from foundation.errors import Refusal
from foundation.terminal.device import EchoError
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import closest, style, visible, wrap

HANG_UP_SECONDS = 0.2
_CONFIRM_HELP = "Nothing is written before you say yes."


class Back(Exception):  # noqa: N818 - an answer, not an error
    """The user wants to go back to the previous question."""


@dataclass(frozen=True)
class Option:
    """One possible answer: `value` for the program, `label` and `detail` for the user."""

    value: str
    label: str
    detail: str = ""


@dataclass(frozen=True)
class Question:
    """A choice. `id` is "model" or "scope"; `default` is a value, `reason` says why it is recommended.

    `back`: there is a question to go back to.
    """

    id: str
    title: str
    options: tuple[Option, ...]
    default: str
    reason: str
    help: str
    back: bool = False


class Prompter(Protocol):
    """Where answers come from."""

    @property
    def asks(self) -> bool:
        """Whether anybody can answer a question."""

    def pick(self, question: Question) -> str:
        """The chosen option's value. Raises Back, Refusal."""

    def confirm(
        self,
        text: str,
        *,
        diff: Callable[[], str] | None,
        default: bool = True,
        help: str = _CONFIRM_HELP,  # noqa: A002
        back: bool = False,
    ) -> bool:
        """Whether the user agrees; `diff` is shown on `d`, `help` on `?`. Raises Back, Refusal."""

    def secret(self, title: str, *, help: str, back: bool = False) -> str:  # noqa: A002
        """What was typed or pasted, hidden and unparsed. Raises Back, Refusal."""

    def tell(self, problem: Refusal) -> None:
        """Say why an answer is not accepted, before the question is asked again."""


class AskingPrompter:
    """Asks on the terminal device; `without_prompt` says how to give a secret if typing would show it."""

    asks = True

    def __init__(self, terminal: Terminal, without_prompt: str) -> None:
        self._terminal = terminal
        self._without_prompt = without_prompt

    def pick(self, question: Question) -> str:
        """The chosen option's value."""
        numbers = [str(number) for number, _ in enumerate(question.options, 1)]
        default = numbers[[option.value for option in question.options].index(question.default)]
        self._show("", style(self._fit(visible(question.title)), "heading"), *self._listed(question))
        several = f"1 to {numbers[-1]}" if len(numbers) > 1 else "1"
        prompt = f"{several}, Enter for {default} [{_keys(question.back)}]: "
        while True:
            answer = self._ask(prompt, help_text=question.help, back=question.back) or default
            if answer in numbers:
                return question.options[int(answer) - 1].value
            named = _named(answer, question)
            if named is not None:
                return named.value
            self._show(self._fit(_correction(answer, question)))

    def confirm(
        self,
        text: str,
        *,
        diff: Callable[[], str] | None,
        default: bool = True,
        help: str = _CONFIRM_HELP,  # noqa: A002
        back: bool = False,
    ) -> bool:
        """Whether the user agrees."""
        yes, no = ("Enter or y: yes", "n: no") if default else ("y: yes", "Enter or n: no")
        choices = [yes, no, *(["d: diff"] if diff is not None else []), _keys(back)]
        prompt = self._fit(f"{visible(text)} [{', '.join(choices)}]") + ": "
        self._show("")
        while True:
            answer = self._ask(prompt, help_text=help, back=back).lower()
            if answer == "d" and diff is not None:
                self._show(diff())
            elif answer in ("y", "yes", "n", "no", ""):
                return default if not answer else answer[0] == "y"
            else:
                self._show(self._fit("Please answer y or n."))

    def secret(self, title: str, *, help: str, back: bool = False) -> str:  # noqa: A002
        """What was typed or pasted, hidden and unparsed."""
        self._show("")
        prompt = self._fit(f"{visible(title)} [{_keys(back)}]") + ": "
        return self._ask(prompt, help_text=help, back=back, hidden=True)

    def tell(self, problem: Refusal) -> None:
        """Say why an answer is not accepted."""
        self._show(self._terminal.error_text(problem))

    def _listed(self, question: Question) -> list[str]:
        lines = []
        for number, option in enumerate(question.options, 1):
            line = visible(option.label)
            if option.detail:
                line += f": {visible(option.detail)}"
            if option.value == question.default:
                line += f" (recommended: {visible(question.reason)})"
            lines.append(wrap(line, self._terminal.width, first=f"  {number}. "))
        return lines

    def _ask(self, prompt: str, *, help_text: str, back: bool, hidden: bool = False) -> str:
        while True:
            answer = self._answer(prompt, hidden)
            if answer.strip() == "?":
                self._show(self._fit(visible(help_text)))
            elif back and answer.strip().lower() in ("b", "back"):
                raise Back
            else:
                return answer if hidden else answer.strip(" \t")

    def _answer(self, prompt: str, hidden: bool) -> str:
        try:
            return self._terminal.ask(prompt, hidden=hidden)
        except EchoError:
            raise Refusal(
                "secret_prompt_unavailable",
                "This terminal cannot hide what is typed, so the key is not asked for here",
                next_step=self._without_prompt,
            ) from None
        except (EOFError, OSError):
            # Closing a terminal ends the read and sends SIGHUP; the signal may come second.
            time.sleep(HANG_UP_SECONDS)
            raise Refusal(
                "cancelled",
                "The input ended before the question was answered; nothing was written",
                next_step="run this command again and answer, or give the answers as options (see --help)",
            ) from None

    def _show(self, *lines: str) -> None:
        try:
            self._terminal.show("".join(f"{line}\n" for line in lines))
        except OSError:
            return  # the terminal is gone: the next question reports it

    def _fit(self, text: str) -> str:
        return wrap(text, self._terminal.width)


def _keys(back: bool) -> str:
    return "? help, b back" if back else "? help"


def _named(answer: str, question: Question) -> Option | None:
    """The option with that value or label, else the only one that begins with it."""
    typed = answer.lower()
    names = [(option, (option.value.lower(), option.label.lower())) for option in question.options]
    for option, known in names:
        if typed in known:
            return option
    begun = [option for option, known in names if any(name.startswith(typed) for name in known)]
    return begun[0] if len(begun) == 1 else None


def _correction(answer: str, question: Question) -> str:
    if "\n" in answer:
        return "That was more than one line. Please answer with one of the numbers."
    meant = closest(answer, [option.value for option in question.options])
    for number, option in enumerate(question.options, 1):
        if option.value == meant:
            return f"That is not one of the answers. Did you mean {number}, {option.label}?"
    return "That is not one of the answers. Please type one of the numbers."


class RefusingPrompter:
    """Asks nobody: every question becomes an error that names the option to use instead.

    `because` is the reason as half a sentence, `without_prompt` how to give a secret instead.
    """

    asks = False

    def __init__(self, because: str, without_prompt: str) -> None:
        self._because = because
        self._without_prompt = without_prompt

    def pick(self, question: Question) -> str:
        """Raises model_selection_required or scope_selection_required."""
        values = " or ".join(f"--{question.id} {option.value}" for option in question.options)
        raise Refusal(
            f"{question.id}_selection_required",
            f"The {question.id} must be chosen, but {self._because}",
            next_step=f"add {values}; or --yes to accept the recommended answers",
        )

    def confirm(
        self,
        text: str,  # noqa: ARG002
        *,
        diff: Callable[[], str] | None,  # noqa: ARG002
        default: bool = True,  # noqa: ARG002
        help: str = _CONFIRM_HELP,  # noqa: A002, ARG002
        back: bool = False,  # noqa: ARG002
    ) -> bool:
        """Raises consent_required."""
        raise Refusal(
            "consent_required",
            f"The changes need your consent, but {self._because}",
            next_step="add --yes to agree, or --dry-run to see the changes first",
        )

    def secret(self, title: str, *, help: str, back: bool = False) -> str:  # noqa: A002, ARG002
        """Raises secret_source_unavailable."""
        raise Refusal(
            "secret_source_unavailable",
            f"The API key must be typed, but {self._because}",
            next_step=self._without_prompt,
        )

    def tell(self, problem: Refusal) -> None:
        """Raises `problem`, because nobody can try again."""
        raise problem
