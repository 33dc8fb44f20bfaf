"""approvals: list, show, approve, reject, watch. Whoever says yes has seen in a terminal what it is about."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Final

from foundation.errors import Declined, Refusal, Where
from foundation.host import Host
from foundation.program import Report
from foundation.terminal.terminal import Terminal
from foundation.terminal.text import listed as in_words
from opencode_config.program import account
from sovereigncode.approvals.approval import Approval, State
from sovereigncode.approvals.files import Listed
from sovereigncode.approvals.store import Approvals
from sovereigncode.approvals.watching import Watch
from sovereigncode.audit.log import AuditLog
from sovereigncode.errors import Exit
from sovereigncode.ui import approving

_LOOK_SECONDS: Final = 0.5
_YES: Final = "yes"


def run(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    """One of the actions; `list` without one. Raises Refusal."""
    approvals = Approvals(host.cwd, host, AuditLog(host.cwd, host))
    action = arguments.action or "list"
    if action == "list":
        return _list(approvals, getattr(arguments, "state", None))
    if action == "watch":
        return _watch(approvals, host, terminal)
    found = _found(approvals, arguments.id)
    if action == "show":
        return Report("approvals show", Exit.DONE, found.state.value, approving.whole(found), _to_json(found))
    if action == "approve":
        _agree(found, terminal)
        decided = approvals.approve(found.id, _who(host), arguments.note)
    else:
        decided = approvals.reject(found.id, _who(host), arguments.note)
    return _decided(action, decided)


def _list(approvals: Approvals, state: str | None) -> Report:
    if state is not None and state not in {one.value for one in State}:
        raise Refusal(
            "usage_error",
            "invalid value for --state",
            next_step=f"it can be {in_words([one.value for one in State], 'or')}",
        )
    found = [one for one in reversed(approvals.listed()) if state in (None, one.state.value)]
    details = {"object": "list", "data": [_to_json(one) for one in found]}
    return Report("approvals list", Exit.DONE, f"{len(found)} approvals", approving.listing(found), details)


def _found(approvals: Approvals, name: str) -> Listed:
    """The approval with this id, or the only one whose id begins so."""
    same = [one for one in approvals.listed() if name and one.id.startswith(name)]
    if len(same) > 1:
        raise Refusal(
            "usage_error",
            f"{len(same)} approvals begin with this id",
            next_step="type more of it; see: sovereigncode approvals list",
        )
    return approvals.get(same[0].id if same else name)


def _agree(found: Listed, terminal: Terminal) -> None:
    """Show all of it on the terminal, and have `yes` typed there.

    Raises Refusal terminal_required, Declined. What is not pending is refused by the approvals themselves.
    """
    if found.state is not State.PENDING:
        return
    if not _in_terminal(terminal):
        raise Refusal(
            "terminal_required",
            "An approval is given in a terminal, where a person sees what it is about",
            where=Where(str(found.place)),
            next_step="run this command yourself in a terminal, or approve it in the console",
        )
    terminal.show(f"{approving.whole(found)}\n\n")
    if _asked(terminal, f"Type {_YES} to approve this: ") != _YES:
        raise Declined("Not approved; it waits until it expires")


def _in_terminal(terminal: Terminal) -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and terminal.interactive


def _asked(terminal: Terminal, prompt: str) -> str:
    try:
        return terminal.ask(prompt).strip()
    except (EOFError, OSError):
        raise Refusal(
            "cancelled",
            "The input ended before the question was answered; nothing was decided",
            next_step="run this command again and answer",
        ) from None


def _watch(approvals: Approvals, host: Host, terminal: Terminal) -> Report:
    """Show what waits as it comes, and ask about it, until Ctrl-C; with --json the first news and an end."""
    watch = Watch(approvals.listed)
    asks = _in_terminal(terminal) and not terminal.json_wanted
    if not terminal.json_wanted:
        terminal.say("Waiting for approvals. Ctrl-C ends this.")
    while True:
        news = watch.next()
        if terminal.json_wanted and news.pending:
            data = [_to_json(one) for one in news.pending]
            return Report(
                "approvals watch", Exit.DONE, "something waits", "", {"object": "list", "data": data}
            )
        for one in news.settled:
            terminal.say(f"{one.id} is {one.state.value} now.")
        for one in news.pending:
            if asks:
                _decide(approvals, one, host, terminal)
            else:
                terminal.say(approving.whole(one))
        time.sleep(_LOOK_SECONDS)


def _decide(approvals: Approvals, one: Listed, host: Host, terminal: Terminal) -> None:
    terminal.show(f"\n{approving.whole(one)}\n\n")
    answer = ""
    while answer not in ("y", "yes", "n", "no", "l", "later"):
        answer = _asked(terminal, "Approve this? [y: yes, n: no, l: later] ").lower()
    try:
        if answer[0] == "y":
            terminal.say(f"{approvals.approve(one.id, _who(host)).id} is approved.")
        elif answer[0] == "n":
            terminal.say(f"{approvals.reject(one.id, _who(host)).id} is rejected.")
    except Refusal as refusal:
        # It expired, or somebody else decided meanwhile.
        terminal.say(terminal.error_text(refusal))


def _who(host: Host) -> str:
    """The account that decides, as the system knows it."""
    name = host.environ.get("USERNAME", "") if host.user_id is None else account.name_of(host.user_id)
    return f"terminal: {name}"


def _decided(action: str, approval: Approval) -> Report:
    text = f"{approval.id} is {approval.state.value}."
    return Report(f"approvals {action}", Exit.DONE, text, text, _fields(approval))


def _to_json(listed: Listed) -> dict[str, Any]:
    fields = {} if listed.approval is None else _fields(listed.approval)
    return {**fields, "id": listed.id, "state": listed.state.value, "why": listed.why}


def _fields(approval: Approval) -> dict[str, Any]:
    return approval.as_json()
