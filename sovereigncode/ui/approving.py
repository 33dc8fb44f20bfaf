"""Approvals as text: one line each, or one with everything that a person has to see."""

from __future__ import annotations

import json
from typing import Final, Sequence

from foundation.terminal.text import style, visible
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.watching import coloured

_COLOURS: Final = {State.PENDING: "warning", State.APPROVED: "added", State.INVALID: "error"}
# What a screen can show of the arguments of one call; the file has all of them.
_MOST_LINES: Final = 200


def listing(found: Sequence[Listed]) -> str:
    """A line for each."""
    return "\n".join(map(_line, found)) or "There are no approvals."


def whole(listed: Listed) -> str:
    """One approval with its arguments and its diff."""
    approval = listed.approval
    lines = [f"{style(listed.id, 'heading')}  {_state(listed.state)}"]
    if listed.why is not None:
        lines.append(f"  it does not count: {visible(listed.why)}")
    if approval is None:
        return "\n".join(lines)
    lines += [
        f"  {name:9} {visible(value)}"
        for name, value in (
            ("tool", approval.call.tool),
            ("class", approval.tool_class),
            ("what", approval.summary),
            ("capsule", approval.call.capsule_id or ""),
            ("session", approval.call.session_id or ""),
            ("made", approval.created),
            ("expires", approval.expires),
            ("decided", f"{approval.decided_at or ''} {approval.decided_by or ''}".strip()),
            ("note", approval.note or ""),
        )
        if value
    ]
    return "\n".join([*lines, *_arguments(approval.call.arguments), *_diff(approval.diff)])


def _arguments(arguments: object) -> list[str]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, indent=2, ensure_ascii=False)
    lines = text.split("\n")
    more = [f"  … and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return ["", style("arguments", "heading"), *(f"  {visible(line)}" for line in lines[:_MOST_LINES]), *more]


def _diff(diff: str | None) -> list[str]:
    return [] if diff is None else ["", style("diff", "heading"), coloured(diff)]


def _line(listed: Listed) -> str:
    about = listed.why or ""
    if listed.approval is not None:
        about = f"{listed.approval.tool_class:10} {listed.approval.summary}"
    return f"{listed.id}  {_state(listed.state)}  {visible(about)}"


def _state(state: State) -> str:
    text = f"{state.value:8}"
    return style(text, _COLOURS[state]) if state in _COLOURS else text
