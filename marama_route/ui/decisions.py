"""Decisions as text: a line each, or one with why and why not. They are shown as they are stored."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Mapping, Sequence

from foundation.terminal.text import style, visible
from marama_route.ui.table import table

_NONE = "none"


def listing(found: Sequence[Mapping[str, Any]]) -> str:
    """A line for each decision."""
    if not found:
        return "There are no decisions."
    heading = ("id", "time", "tenant", "asked for", "model", "outcome")
    return table(heading, [_row(one) for one in found])


def whole(decision: Mapping[str, Any]) -> str:
    """A stored decision with everything in it."""
    outcome = decision["outcome"]
    usage = outcome.get("usage") or {}
    facts = {
        "tenant": decision["tenant"],
        "workspace": decision["workspace"],
        "capsule": decision["capsule_id"],
        "session": decision["session_id"],
        "made": _time(decision["created"]),
        "outcome": outcome["state"],
        "finish": outcome["finish_reason"],
        "tokens": usage.get("total_tokens"),
    }
    lines = [style(visible(decision["id"]), "heading"), *_facts(facts), *routed(decision)]
    lines += _items("attempts", [_attempt(one) for one in decision["attempts"]])
    return "\n".join([*lines, *_items("approvals", decision["approvals"])])


def routed(decision: Mapping[str, Any]) -> list[str]:
    """The part of a decision that says which model, why, and why not the others."""
    policy = decision["policy"]
    reasons = [] if policy is None else [f"{one['code']}: {one['message']}" for one in policy["reasons"]]
    duties = [] if policy is None else [f"{one['code']}: {one['message']}" for one in policy["obligations"]]
    facts = {
        "asked for": decision["requested_model"] or "any model",
        "model": decision["selected_model"] or _NONE,
        "then": ", ".join(decision["fallback_models"]),
        "policy": None if policy is None else policy["decision"],
    }
    return [
        *_facts(facts),
        *_items("why this model", decision["reasons"]),
        *_items("why the policy says no", reasons),
        *_items("what an answer owes", duties),
        *_items("scores", [f"{points:8.2f}  {model}" for model, points in decision["scores"].items()]),
        *_items(
            "not chosen",
            [_rejected(one) for one in decision["rejected"]],
        ),
    ]


def _rejected(one: Mapping[str, Any]) -> str:
    return f"{one['model']}: {one['reason']} ({one['detail']})"


def _row(decision: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        decision["id"],
        _time(decision["created"]),
        decision["tenant"],
        decision["requested_model"] or "any model",
        decision["selected_model"] or _NONE,
        decision["outcome"]["state"],
    )


def _attempt(attempt: Mapping[str, Any]) -> str:
    parts = [
        f"{attempt['model']} at {attempt['backend']}:",
        "no answer" if attempt["status"] is None else f"status {attempt['status']}",
        *([] if attempt["error"] is None else [attempt["error"]]),
        *([] if attempt["duration_ms"] is None else [f"after {attempt['duration_ms']} ms"]),
    ]
    return " ".join(parts)


def _facts(facts: Mapping[str, Any]) -> list[str]:
    return [f"  {name:9} {visible(value)}" for name, value in facts.items() if value not in (None, "")]


def _items(heading: str, items: Sequence[str]) -> list[str]:
    return ["", style(heading, "heading"), *(f"  {visible(item)}" for item in items)] if items else []


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
