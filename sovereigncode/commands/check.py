"""check: everything that is wrong with a workspace, with file, line and column; changes nothing."""

from __future__ import annotations

from typing import Any, Iterator

from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.program import Report, place
from opencode_config.layers import MISSING, lookup
from sovereigncode import gateway_provider as provider
from sovereigncode import workspace as workspaces
from sovereigncode.approvals.approval import State
from sovereigncode.approvals.store import Approvals
from sovereigncode.audit.log import AuditLog
from sovereigncode.commands.init.plan import Config, read_configs
from sovereigncode.errors import KINDS, Exit, code_of
from sovereigncode.ui import render
from sovereigncode.workspace import Fault, Workspace


def run(host: Host) -> Report:
    """Status 5 if a file is missing or wrong, 6 if only the chain of records does not hold."""
    workspace = workspaces.read(host.cwd)
    faults = [*workspace.faults, *_configs(workspace), *_records(workspace, host)]
    details = {
        "capsule_id": None if workspace.capsule is None else workspace.capsule.capsule_id,
        "tenant": workspace.tenant,
        "problems": [_to_json(fault) for fault in faults],
    }
    if not faults:
        return Report(
            "check", Exit.DONE, "nothing is wrong", "Nothing is wrong with this workspace.", details
        )
    count = "1 thing is wrong" if len(faults) == 1 else f"{len(faults)} things are wrong"
    text = f"{render.faults(faults)}\n{count}."
    if workspace.faults:
        text += " Until capsule and policy are corrected, everything is denied."
    status = min(KINDS[fault.code][1] for fault in faults)
    return Report("check", status, count, text, details)


def _configs(workspace: Workspace) -> Iterator[Fault]:
    """What is wrong with opencode's config in this folder; a folder without the provider is not wrong."""
    try:
        configs = read_configs(workspace.root)
    except Refusal as refusal:
        yield _of_refusal(refusal, workspace)
        return
    for config in configs:
        yield from _config(config, workspace)


def _config(config: Config, workspace: Workspace) -> Iterator[Fault]:
    document = config.document
    path = ("provider", provider.ID, "options", "headers", provider.CAPSULE_HEADER)
    named = lookup(document.value, path)
    capsule = workspace.capsule
    if capsule is None or named in (MISSING, capsule.capsule_id, provider.CAPSULE):
        return
    node = document.find(path)
    place = document.location(node.start) if node is not None else (1, 1)
    yield Fault(
        "config_invalid",
        f"the header {provider.CAPSULE_HEADER} names another capsule than capsule.json, so all is denied",
        Where(str(config.file.path), *place),
        "run `sovereigncode init`, which corrects it",
    )


def _records(workspace: Workspace, host: Host) -> Iterator[Fault]:
    """What is wrong with the chain and with the approvals, which count only if the chain holds."""
    log = AuditLog(workspace.root, host)
    if not workspace.folder.is_dir():
        return
    try:
        verdict = log.verify()
        if verdict.fault is not None:
            yield Fault(
                "chain_broken",
                f"the chain of records does not hold: {verdict.fault.message} ({verdict.fault.why.value})",
                verdict.fault.where,
                "see: sovereigncode audit verify; keep the folder as evidence",
            )
            return
        for listed in Approvals(workspace.root, host, log).listed():
            if listed.state is State.INVALID:
                yield Fault(
                    "approval_invalid",
                    f"this approval does not count: {listed.why}",
                    Where(str(listed.place)),
                    "remove the file; the agent can ask again",
                )
    except Refusal as refusal:
        yield _of_refusal(refusal, workspace)


def _of_refusal(refusal: Refusal, workspace: Workspace) -> Fault:
    where = refusal.where or Where(str(workspace.folder))
    return Fault(code_of(refusal), refusal.message, where, refusal.next_step)


def _to_json(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "message": fault.message,
        **place(fault.where),
        "next_step": fault.next_step,
    }
