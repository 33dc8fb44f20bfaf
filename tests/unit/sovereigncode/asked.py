"""A tool call that needs an approval, and that approval while it waits."""

from __future__ import annotations

from datetime import timedelta

from sovereigncode.approvals.approval import Approval, State
from sovereigncode.approvals.call import Call
from sovereigncode.approvals.store import Asked

CALL = Call.of("bash", '{"command": "git push", "timeout": 5}', "shop", "ses_1")
DIFF = "@@ -1 +1 @@\n-a\n+b\n"
ASKED = Asked(CALL, "publish", "push the branch", DIFF, "acme", "rd_1")
HOUR = timedelta(hours=1)
ID = "ap_01a21ee18bad71ab81ee2f46c9d75ca7"
WAITING = Approval(
    id=ID,
    created="2026-11-27T09:30:00.000Z",
    expires="2026-11-27T10:30:00.000Z",
    state=State.PENDING,
    tenant="acme",
    decision_id="rd_1",
    call=CALL,
    tool_class="publish",
    summary="push the branch",
    diff=DIFF,
).bound()
