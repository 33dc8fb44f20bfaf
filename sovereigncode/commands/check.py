"""check: everything that is wrong with a workspace, with file, line and column; changes nothing."""

from __future__ import annotations

from foundation.host import Host
from sovereigncode import report
from sovereigncode import workspace as workspaces
from sovereigncode.errors import Exit
from sovereigncode.report import Report
from sovereigncode.ui import render
from sovereigncode.workspace import Fault


def run(host: Host) -> Report:
    """Status 5 if a file is missing or wrong."""
    workspace = workspaces.read(host.cwd)
    faults = workspace.faults
    details = {
        "capsule_id": None if workspace.capsule is None else workspace.capsule.capsule_id,
        "tenant": workspace.tenant,
        "problems": [_to_json(fault) for fault in faults],
    }
    if faults:
        count = "1 thing is wrong" if len(faults) == 1 else f"{len(faults)} things are wrong"
        text = f"{render.faults(faults)}\n{count}; until that is corrected, everything is denied."
        return Report("check", Exit.FILE, count, text, details)
    return Report("check", Exit.DONE, "nothing is wrong", "Nothing is wrong with this workspace.", details)


def _to_json(fault: Fault) -> dict[str, object]:
    return {
        "code": fault.code,
        "message": fault.message,
        **report.place(fault.where),
        "next_step": fault.next_step,
    }
