"""Decisions and faults as text."""

from __future__ import annotations

from typing import Iterable

from foundation.terminal.text import style, visible
from sovereigncode.core.decision import Decision, Reason
from sovereigncode.workspace import Fault

_COLOURS = {"allow": "heading", "allow_with_obligations": "heading", "deny": "error"}


def decision(decided: Decision) -> str:
    """The decision, then each reason or obligation on a line."""
    lines = [style(decided.decision, _COLOURS[decided.decision])]
    lines += _coded(decided.reasons)
    lines += _coded(decided.obligations)
    return "\n".join(lines)


def faults(found: Iterable[Fault]) -> str:
    """Everything that is wrong, each with its place and the next step."""
    return "\n".join(
        f"{style(fault.code, 'error')} {visible(fault.message)}\n"
        f"  {style('where:', 'place')} {visible(str(fault.where))}\n"
        f"  {style('next:', 'heading')} {visible(fault.next_step)}"
        for fault in found
    )


def _coded(reasons: Iterable[Reason]) -> list[str]:
    return [f"  {reason.code}: {visible(reason.message)}" for reason in reasons]
