"""Results as text for a screen."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Mapping, Sequence

from foundation.errors import Refusal
from foundation.terminal.text import capital, listed, visible
from overlord.core import readiness, usage
from overlord.core.failures import Answer, Failure, Outcome
from overlord.core.json_values import Json
from overlord.core.registry import NOTE, usage_of_run
from overlord.core.times import parsed

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def lines_of(text: str) -> str:
    """A text of somebody else: its lines, with every control character as an escape."""
    return "\n".join(visible(line.replace("\t", "    ")) for line in text.split("\n"))


def error(refusal: Refusal, note: str = "") -> str:
    """A refusal: the sentence, the place, the next step."""
    first = f"{capital(visible(refusal.message))}."
    lines = [f"{first} {note}" if note else first]
    if refusal.where is not None:
        lines.append(f"Where: {visible(refusal.where)}")
    lines.append(f"Next: {visible(refusal.next_step)}")
    return "\n".join(lines)


def tokens(used: Mapping[str, int]) -> str:
    """`5,120 tokens`; empty if the provider reported none."""
    number = usage.total([used])["totalTokens"]
    return f"{number:,} tokens" if number else ""


def whole_seconds(seconds: float) -> str:
    """`5 s`, at least 1."""
    return f"{max(1, round(seconds))} s"


def models(servants: Sequence[Json]) -> str:
    """`ultra (fugu-ultra), normal-1 and normal-2 (fugu)`."""
    by_model: dict[str, list[str]] = {}
    for servant in servants:
        by_model.setdefault(servant["llmModel"], []).append(servant["id"])
    return ", ".join(f"{listed(slots)} ({visible(model)})" for model, slots in by_model.items())


def started(registry: Json) -> str:
    """The last line of `start`."""
    used = tokens(usage_of_run(registry))
    return f"{registry['runId']} is ready: {models(registry['servants'])}." + (f" {used}." if used else "")


def answers(message: Json, outcomes: Mapping[str, Outcome], seconds: Mapping[str, float]) -> list[str]:
    """One block a servant that was asked: the answers first."""
    blocks = []
    results = [result for result in message["servantResults"] if result["servantId"] in outcomes]
    for result in sorted(results, key=lambda one: one["state"] != "completed"):
        slot = result["servantId"]
        took = seconds.get(slot, 0.0)
        outcome = outcomes[slot]
        if isinstance(outcome, Answer):
            blocks.append(answer_block(slot, result["llmModel"], outcome, took))
        else:
            blocks.append(f"== {slot}: {state_word(outcome)}, {visible(outcome.sentence)}")
    return blocks


def answer_block(slot: str, model: str, answer: Answer, took: float) -> str:
    """`== normal-1 (fugu, 5 s, 812 tokens)` and the answer."""
    facts = [visible(model), whole_seconds(took), tokens(answer.usage)]
    return f"== {slot} ({', '.join(fact for fact in facts if fact)})\n{lines_of(answer.text)}"


def state_word(problem: Failure) -> str:
    """What became of the servant: `blocked`, or `not asked`."""
    from overlord.core.failures import HARMLESS

    return "not asked" if problem.reason in HARMLESS else "blocked"


def status_table(registry: Json, rules: readiness.Rules) -> list[str]:
    """A line for the run, and one a servant."""
    lines = [f"{registry['runId']}  {registry['state']}  {visible(registry['worktree'])}"]
    rows = [
        (
            servant["id"],
            visible(servant["llmModel"]),
            _state(servant, rules),
            f"{servant['llmMessageCount']} messages",
            tokens(servant["usage"]),
        )
        for servant in registry["servants"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for slot, model, state, count, used in rows:
        lines.append(
            f"{slot:<{widths[0]}}  {model:<{widths[1]}}  {state:<{widths[2]}}  "
            f"{count:>{widths[3]}}  {used:>{widths[4]}}".rstrip()
        )
    if registry["state"] == "awaiting-human" and registry.get(NOTE):
        lines.append(f"Waiting for a person: {visible(registry[NOTE])}")
    return lines


def _state(servant: Json, rules: readiness.Rules) -> str:
    reasons = readiness.reasons(servant, rules)
    if servant["state"] == "blocked":
        return f"blocked ({servant['blockedReason']})"
    if not reasons:
        end = readiness.lease_end(servant, rules)
        left = 0.0 if end is None else (end - rules.now).total_seconds()
        return f"ready, lease {_duration(left)}"
    if reasons == ["lease_expired"]:
        return f"lease ran out{_ago(servant, rules)}"
    words = {"conversation_incomplete": "conversation incomplete", "model_changed": "model changed"}
    first = next((one for one in reasons if one != "lease_expired"), reasons[0])
    return words.get(first, first)


def _ago(servant: Json, rules: readiness.Rules) -> str:
    end = readiness.lease_end(servant, rules)
    return "" if end is None else f" {_duration((rules.now - end).total_seconds())} ago"


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(0, int(seconds))} s"
    if seconds < 2 * _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY)} days"


def run_lines(runs: Sequence[Json], now: datetime) -> list[str]:
    """A line a run: its id, state, age, number of servants and worktree."""
    lines = []
    for run in runs:
        changed = parsed(run["updatedAt"])
        age = "" if changed is None else f"{_duration((now - changed).total_seconds())} ago"
        count = "" if run["servants"] is None else f"{run['servants']} servants"
        worktree = visible(run["worktree"] or "")
        lines.append(f"{run['runId']}  {run['state']:<14}  {age:>10}  {count:>10}  {worktree}".rstrip())
    return lines
