"""`ask`: one question to several servants, without a run: nothing is kept."""

from __future__ import annotations

import threading
import time

from foundation.errors import Refusal
from foundation.terminal.text import listed
from overlord.command_line import Arguments
from overlord.commands import texts
from overlord.commands.context import Context
from overlord.commands.preflight import preflight
from overlord.commands.start import number_of_normal
from overlord.core import instructions, usage
from overlord.core.failures import Answer, Failure, Outcome, timed_out
from overlord.core.json_values import Json
from overlord.core.servants import ULTRA, name_of, role_of, slots
from overlord.report import Report
from overlord.service.client import ChatClient, Exchange
from overlord.ui import render

_LOOK_SECONDS = 0.2
_GRACE = 0.5


def run(arguments: Arguments, context: Context) -> Report:
    """Ask once."""
    text = texts.message(context, arguments.word(0), arguments.value("--file"), "question")
    all_slots = slots(number_of_normal(arguments))
    base_url = context.settings.base_url()
    normal_model, ultra_model = context.settings.models()
    client = context.client(base_url, context.key())
    context.say(f"Checking /models for {normal_model} and {ultra_model}.")
    preflight(context, client, normal_model, ultra_model)
    models = {slot: ultra_model if slot == ULTRA else normal_model for slot in all_slots}
    context.say(f"Asking {', '.join(all_slots)}.")
    asking = _Asking(client, models, text)
    progress = context.progress()
    try:
        while not asking.ended():
            progress.waiting(asking.waiting())
            for slot, seconds, outcome in asking.settled():
                progress.settled(slot, seconds, outcome if isinstance(outcome, Failure) else None)
    finally:
        progress.end()
    return _report(context, models, asking)


class _Asking:
    """One thread a servant; nothing is stored."""

    def __init__(self, client: ChatClient, models: dict[str, str], text: str) -> None:
        self._client = client
        self._text = text
        self._began = time.monotonic()
        self._deadline = self._began + client.timeout
        self._changed = threading.Condition()
        self._new: list[tuple[str, float, Outcome]] = []
        self._exchanges = {slot: Exchange() for slot in models}
        self.outcomes: dict[str, Outcome] = {}
        self.seconds: dict[str, float] = {}
        for slot, model in models.items():
            threading.Thread(target=self._ask, args=(slot, model), daemon=True).start()

    def _ask(self, slot: str, model: str) -> None:
        outcome: Outcome
        try:
            messages = _messages(slot, self._text)
            outcome = self._client.complete(model, messages, self._deadline, self._exchanges[slot])
        except Failure as problem:
            outcome = problem
        self._settle(slot, outcome)

    def _settle(self, slot: str, outcome: Outcome) -> None:
        with self._changed:
            if slot not in self.outcomes:
                self.seconds[slot] = time.monotonic() - self._began
                self.outcomes[slot] = outcome
                self._new.append((slot, self.seconds[slot], outcome))
                self._changed.notify_all()

    def ended(self) -> bool:
        """Whether everything was settled and shown."""
        return len(self.outcomes) == len(self._exchanges) and not self._new

    def waiting(self) -> list[tuple[str, float]]:
        """The servants that have not answered yet, and for how long."""
        seconds = time.monotonic() - self._began
        return [(slot, seconds) for slot in self._exchanges if slot not in self.outcomes]

    def settled(self) -> list[tuple[str, float, Outcome]]:
        """What has come since the last call; waits for a moment."""
        with self._changed:
            if not self._new:
                self._changed.wait(_LOOK_SECONDS)
        if time.monotonic() > self._deadline + _GRACE:
            for slot, exchange in self._exchanges.items():
                exchange.end()
                problem = timed_out(self._client.timeout)
                problem.attempts = exchange.tries
                self._settle(slot, problem)
        with self._changed:
            new, self._new = self._new, []
        return new


def _messages(slot: str, text: str) -> list[Json]:
    system = instructions.system_message_of_a_question(name=name_of(slot), slot=slot, role=role_of(slot))
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def _report(context: Context, models: dict[str, str], asking: _Asking) -> Report:
    answers: list[Json] = []
    blocks = []
    for slot, model in models.items():
        outcome = asking.outcomes[slot]
        answers.append(_answer(slot, model, outcome))
        if isinstance(outcome, Answer):
            blocks.append(render.answer_block(slot, model, outcome, asking.seconds[slot]))
        else:
            context.show_debug(outcome.body)
            blocks.append(f"== {slot}: {outcome.sentence}")
    failed = [one["slot"] for one in answers if one["failureReason"] is not None]
    text = f"{len(answers) - len(failed)} of {len(answers)} answered."
    error = None
    if failed:
        kind = "partial" if len(failed) < len(answers) else "send_failed"
        error = Refusal(kind, f"{text} No answer from {listed(failed)}", next_step="run this command again")
    return Report(
        command="ask",
        message=text if error is None else f"{error.message}.",
        screen="\n".join([*blocks, text if error is None else f"{text} Next: {error.next_step}"]),
        error=error,
        details={"answers": answers},
    )


def _answer(slot: str, model: str, outcome: Outcome) -> Json:
    answered = isinstance(outcome, Answer)
    return {
        "slot": slot,
        "model": model,
        "requestId": outcome.request_id,
        "responseText": outcome.text if isinstance(outcome, Answer) else None,
        "errorText": None if isinstance(outcome, Answer) else outcome.sentence,
        "failureReason": None if isinstance(outcome, Answer) else outcome.reason,
        "attempts": outcome.attempts,
        "usage": usage.none_yet() if outcome.usage is None else outcome.usage,
        "answered": answered,
    }
