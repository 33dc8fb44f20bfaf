"""evaluate: one request decided by the workspace's rules, and the decision recorded."""

from __future__ import annotations

from typing import IO, Final

from foundation.errors import Refusal, Where
from foundation.files import reading
from foundation.host import Host
from foundation.program import Report, piped
from sovereigncode import workspace as workspaces
from sovereigncode.commands.recording import record
from sovereigncode.core import request as requests
from sovereigncode.core.decision import decide
from sovereigncode.core.request import Request
from sovereigncode.documents import json_text
from sovereigncode.errors import Exit
from sovereigncode.ui import render

LIMIT: Final = 1024 * 1024
_STDIN: Final = "standard input"


def run(name: str, host: Host, stdin: IO[str] | None) -> Report:
    """Decide the request in the file, or on standard input for `-`.

    Refusal request_invalid for what is not a request, audit_unusable if the decision cannot be recorded:
    what is not recorded is not allowed.
    """
    request = _read(name, host, stdin)
    workspace = workspaces.read(host.cwd)
    decided = decide(workspace.rules, request)
    decision_id = record(workspace, request, decided, host)
    return Report(
        "evaluate",
        Exit.DONE if decided.allowed else Exit.DENIED,
        decided.decision,
        render.decision(decided),
        {
            **decided.to_json(),
            "capsule_id": workspace.capsule.capsule_id if workspace.capsule else None,
            "decision_id": decision_id,
        },
    )


def _read(name: str, host: Host, stdin: IO[str] | None) -> Request:
    if name == "-":
        data, shown = _piped(stdin), _STDIN
    else:
        path = host.cwd / name
        file = reading.read_snapshot(path, limit=LIMIT)
        if file.data is None:
            raise Refusal(
                "request_invalid",
                "this file does not exist",
                where=Where(str(path)),
                next_step="name the file that has the request as JSON, or - for standard input",
            )
        data, shown = file.data, str(path)
    request, faults = workspaces.understood(shown, "request_invalid", data, json_text.read, requests.parse)
    if request is None:
        first, more = faults[0], len(faults) - 1
        raise Refusal(
            "request_invalid",
            first.message + (f"; and {more} more" if more else ""),
            where=first.where,
            next_step=first.next_step,
        )
    return request


def _piped(stdin: IO[str] | None) -> bytes:
    return piped(
        stdin,
        LIMIT,
        Refusal(
            "usage_error",
            "evaluate reads the request from a pipe, but standard input is a terminal",
            next_step="name a file, or pipe the request in",
        ),
        Refusal(
            "request_invalid",
            f"the request is larger than {LIMIT} bytes",
            where=Where(_STDIN),
            next_step="send the facts of the request only, never its content",
        ),
    )
