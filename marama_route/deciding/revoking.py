"""Whether the rules still allow an answer while it runs: what is revoked ends it."""

from __future__ import annotations

import asyncio
from typing import Final

from marama_route.core import judged
from marama_route.core.errors import RequestRefusal
from marama_route.core.hints import tightened
from marama_route.deciding.decide import Decided
from marama_route.workspaces.choosing import of_tenant

LOOK_SECONDS: Final = 1.0


def require_allowed(decided: Decided) -> None:
    """RequestRefusal policy_denied if the rules, as they are now, deny any model that may be asked."""
    refused = _why_not(decided)
    if refused is not None:
        raise RequestRefusal("policy_denied", refused, next_step="ask whoever keeps the policy")


async def until_denied(decided: Decided, every: float = LOOK_SECONDS) -> str:
    """Return when the rules deny it, with a sentence for the client; `every`: seconds between two looks."""
    while True:
        await asyncio.sleep(every)
        refused = _why_not(decided)
        if refused is not None:
            return refused


def _why_not(decided: Decided) -> str | None:
    known, decision = decided.chosen.reading, decided.decision
    if known is None:
        return None
    now = known.folder.read()
    if now is known:
        return None
    if now.capsule_id != known.capsule_id or not of_tenant([now], decision.tenant):
        return "the workspace of this request is not there any more"
    rules = tightened(now.rules, decision.request)
    policy = judged.together(judged.judge(model, rules, decided.call) for model in decision.routed.models)
    if policy.allowed:
        return None
    codes = ", ".join(dict.fromkeys(reason.code for reason in policy.reasons))
    return f"the policy was changed, and does not allow this request any more: {codes}"
