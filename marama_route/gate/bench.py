"""What the gates of one workspace share: its folder, its approvals, its chain. Blocks: for threads only."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Awaitable, Callable, Final, Sequence

from foundation.errors import Refusal
from foundation.host import Host
from marama_route.core.hints import Rules
from marama_route.core.tool_calls import Call
from marama_route.gate.look import OVER, Look
from marama_route.gate.treating import Case, Judged, of_case, treat
from marama_route.gate.waiting import Waiting
from sovereigncode import workspace as workspaces
from sovereigncode.approvals import call as approvals
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.store import Approvals, Asked
from sovereigncode.audit.record import Entry
from sovereigncode.core.combined import Combined
from sovereigncode.core.words import ToolRule
from sovereigncode.tools.arguments import BadArgumentsError, ToolCall
from sovereigncode.tools.command import ON_WINDOWS
from sovereigncode.tools.judging import Judgement, judge, unreadable
from sovereigncode.tools.names import KNOWN, Names
from sovereigncode.tools.programs.calls import Dialect
from sovereigncode.workspace import Workspace

_LOOK_EVERY: Final = 0.25


class Bench:
    """One workspace. `record` returns when the entries are on disk, or raises Refusal.

    `names` are the tools that are known, with those of the configuration. `look_every`: seconds between two
    looks at the approvals that somebody waits for.
    """

    def __init__(
        self,
        root: Path,
        host: Host,
        approvals: Approvals,
        record: Callable[[Sequence[Entry]], Awaitable[None]],
        names: Names = KNOWN,
        *,
        look_every: float = _LOOK_EVERY,
    ) -> None:
        self._root = Path(os.path.realpath(root))
        self._home = host.home
        self._dialects = ON_WINDOWS if host.windows else (Dialect.POSIX,)
        self.names = names
        self._last: Workspace | None = None
        self.approvals = approvals
        self.record = record
        self.waiting = Waiting(approvals, look_every)

    def look(self, calls: Sequence[Call], case: Case, before: Look | None) -> Look:
        """Judge the calls by the rules as they are now, and ask for what a person has to approve.

        `before` is the last look at the same calls. Raises Refusal if nobody can be asked.
        """
        # Read each time; only the same bytes are not parsed again.
        self._last = workspace = workspaces.read(self._root, self._last)
        rules = of_case(workspace.rules, case)
        judged = tuple(self._judged(call, rules, case) for call in calls)
        nobody: tuple[Listed | None, ...] = (None,) * len(judged)
        first = Look(judged, nobody)
        if first.denied or not isinstance(rules, Combined) or not first.asks:
            return first
        hold = rules.approvals.hold_seconds
        over = None if before is None else self._over(before)
        if over is not None:
            return Look(judged, over, hold)
        try:
            found = iter(self.approvals.ask(first.asks, timedelta(minutes=rules.approvals.expires_minutes)))
        except Refusal as refusal:
            if refusal.kind != "request_invalid":
                raise
            return Look(judged, nobody, hold, refusal.message)
        return Look(
            judged, tuple(next(found) if one.rule is ToolRule.APPROVE else None for one in judged), hold
        )

    def _over(self, before: Look) -> tuple[Listed | None, ...] | None:
        """What was waited for, if one of it was rejected, has expired, or was changed by hand."""
        now = {one.id: one for one in self.approvals.current(before.waiting)}
        if not any(one.state in OVER for one in now.values()):
            return None
        return tuple(None if one is None else now.get(one.id, one) for one in before.approvals)

    def _judged(self, call: Call, rules: Rules, case: Case) -> Judged:
        judgement = self._judgement(call)
        asked = Asked(
            approvals.Call.of(call.name, call.arguments, case.capsule_id, case.session_id),
            judgement.tool_class.word,
            judgement.summary,
            judgement.diff or None,
            case.tenant,
            case.decision_id,
        )
        return Judged(call, judgement, treat(judgement, rules, case), asked)

    def _judgement(self, call: Call) -> Judgement:
        try:
            read = (
                ToolCall(call.name, {"input": call.arguments})
                if call.custom
                else ToolCall.from_text(call.name, call.arguments)
            )
        except BadArgumentsError as problem:
            return unreadable(call.name, str(problem))
        return judge(read, self._root, names=self.names, home=self._home, dialects=self._dialects)
