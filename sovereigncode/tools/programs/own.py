"""The commands of this repository: a model may ask them; it may not decide or approve with them."""

from __future__ import annotations

from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass
from sovereigncode.tools.places import PROTECTED
from sovereigncode.tools.programs.calls import Call, Rule
from sovereigncode.tools.shell.syntax import literal

_ASKING: Final[Mapping[str, tuple[str, ...]]] = {
    "sovereigncode": ("check", "evaluate", "audit", "approvals", "approvals list", "approvals show"),
    "marama-route": ("check", "models", "route", "decisions"),
}


def _own(call: Call) -> Reading:
    """What only asks is a plain command; everything else would change the policy's folder or its keys."""
    words = [word.exact or "?" for word in call.args if not word.start.startswith("-")]
    asking = _ASKING[call.what.partition(".")[0]]
    asks = " ".join(words[:2]) in asking or (words[:1] != ["approvals"] and "".join(words[:1]) in asking)
    if asks or not words:
        return call.is_a(ToolClass.SHELL)
    return call.is_a(ToolClass.UNKNOWN, *call.writes([literal(PROTECTED)]))


RULES: Final[Mapping[str, Rule]] = {
    "sovereigncode": _own,
    "sovereigncode.pyz": _own,
    "marama-route": _own,
    "marama-route.pyz": _own,
}
