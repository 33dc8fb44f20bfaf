"""The text that takes the place of tool calls: for the user to read, and for the model to go on with. Pure.

Of a call it has the summary line and nothing else: no content, no path, no difference.
"""

from __future__ import annotations

from typing import Final

from marama_route.gate.look import Look
from marama_route.gate.treating import Judged
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.files import Listed
from sovereigncode.core.words import ToolRule
from sovereigncode.tools.places import shown

_LONGEST_NOTE: Final = 500
_NO_WAY_ROUND: Final = "Do not try to reach the same in another way."
_ENDED: Final = {
    State.EXPIRED: "nobody decided on {id} in time, so it expired; ask again if it is still wanted",
    State.INVALID: "{id} was changed by hand or its file is gone, so it does not count; ask again",
}


def not_passed(look: Look) -> str:
    """Why none of these calls was passed on, and what can be done about it."""
    many = len(look.judged) > 1
    what = (
        f"None of the {len(look.judged)} tool calls of this answer was run"
        if many
        else ("This tool call was not run")
    )
    lines = [f"{what}: {_because(look)}", ""]
    for one, approval in zip(look.judged, look.approvals, strict=True):
        lines += [f"- {one.judgement.summary}", f"  {_said(one, approval, look)}"]
    if look.waiting:
        same = "calls again: they pass" if many else "call again: it passes"
        lines += [
            "",
            "To say yes, use a terminal in the workspace's folder, or the gateway's console:",
            *(f"    sovereigncode approvals approve {name}" for name in look.waiting),
            f"Then make exactly the same {same} once. {_NO_WAY_ROUND}",
        ]
    else:
        lines += ["", _NO_WAY_ROUND]
    return "\n".join(lines)


def _because(look: Look) -> str:
    if look.denied:
        return "the policy does not allow it."
    if look.waiting:
        return "a person has to approve it first."
    return "it was not approved."


def _said(one: Judged, approval: Listed | None, look: Look) -> str:
    if one.rule is ToolRule.DENY:
        reasons = one.treatment.plain.reasons
        said = "denied: " + "; ".join(f"{reason.message} ({reason.code})" for reason in reasons)
    elif one.rule is not ToolRule.APPROVE:
        said = "allowed by itself"
    elif approval is None:
        said = look.fault or "it needs a person's approval, which was not asked for"
    else:
        said = _state(approval)
    return f"class {one.asked.tool_class}; {said}"


def _state(listed: Listed) -> str:
    approval = listed.approval
    if listed.state is State.REJECTED:
        note = None if approval is None else approval.note
        return f"rejected ({listed.id})" + (f": {shown(note, _LONGEST_NOTE)}" if note else "")
    if listed.state is State.PENDING:
        until = "" if approval is None else f" until {approval.expires}"
        return f"waits for a person's approval{until}: {listed.id}"
    if listed.state is State.APPROVED:
        return f"approved ({listed.id}), which is kept for when all calls may run"
    return _ENDED.get(listed.state, "{id} does not count any more").format(id=listed.id)
