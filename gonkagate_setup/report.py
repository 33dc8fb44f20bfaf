"""The result of a command: a value, and its JSON form, which is a contract (docs/json.md).

The keys of the npm tool keep name and meaning (docs/npm-tool.md#options-json-and-error-codes); new keys are
only added. `schemaVersion` rises when a key changes its meaning. Text for the user is made in ui/render.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from foundation.errors import Refusal, Where
from gonkagate_setup.catalog import Profile
from gonkagate_setup.choice import Choice
from gonkagate_setup.errors import Exit
from gonkagate_setup.judgement.findings import Finding, FindingId
from opencode_config.jsonc.operations import Repair, Set

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class FileReport:
    """One file: `role` is secret, user_config, project_config, state or note.

    `action` is create, update, protect, keep, delete or restore; in a dry run it is what would happen.
    `leads_to` is the file that was or would be changed where `path` is a link to it.
    `existed`: it was there before the run.
    """

    path: str
    role: str
    action: str
    backup: str | None = None
    leads_to: str | None = None
    existed: bool = True


@dataclass(frozen=True)
class Report:
    """What a command established.

    `command` is the verb. `status` is success, available, blocked, failed or dry_run. `changed` says whether
    configs or key were changed (or would be, in a dry run). `proved` names the environments for which
    opencode confirmed the outcome: durable, fresh_shell, session. `here_only`: only this folder's own
    config is in the way of a setup for every folder. `put_back`: it was blocked, and everything was put
    back. `holds`: the sentence that opencode confirmed before something else failed. `repairs` are
    the edits that removed what was in the way; `seen` the findings that are on the user's screen already.
    """

    command: str
    status: str
    exit_status: Exit
    message: str
    profile: Profile
    choice: Choice | None = None
    changed: bool = False
    files: tuple[FileReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    proved: tuple[str, ...] = ()
    opencode_path: str | None = None
    opencode_version: str | None = None
    error: Refusal | None = None
    error_code: str | None = None
    next_step: str | None = None
    here_only: bool = False
    put_back: bool = False
    holds: str = ""
    repairs: tuple[Repair, ...] = ()
    seen: frozenset[FindingId] = frozenset()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """The findings that stop success."""
        return tuple(finding for finding in self.findings if finding.blocks)

    @property
    def notices(self) -> tuple[Finding, ...]:
        """The findings that do not."""
        return tuple(finding for finding in self.findings if not finding.blocks)


def to_json(report: Report, product_version: str) -> dict[str, Any]:
    """The one JSON object of `--json`, with plain values only."""
    value: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "productVersion": product_version,
        "command": report.command,
        "ok": report.exit_status is Exit.DONE,
        "status": report.status,
        "exitStatus": int(report.exit_status),
        "message": report.message,
        "providerId": report.profile.id,
        "transport": report.profile.transport.value,
        "changed": report.changed,
    }
    if report.choice is not None:
        model = report.choice.model
        value.update(
            modelKey=model.key,
            modelRef=report.profile.reference(model.key),
            modelDisplayName=model.display_name,
            transport=model.transport.value,
            scope=report.choice.scope.value,
        )
    if report.error_code is not None:
        value["errorCode"] = report.error_code
    if report.error is not None and report.error.where is not None:
        value["where"] = _where(report.error.where)
    if report.next_step is not None:
        value["nextStep"] = report.next_step
    if report.opencode_path is not None:
        value["opencode"] = {"path": report.opencode_path, "version": report.opencode_version}
    value["proved"] = list(report.proved)
    value["files"] = [_file(file) for file in report.files]
    if report.command == "setup":
        value["edits"] = [_edit(repair) for repair in report.repairs]
    value["blockers"] = _findings(report.blockers)
    value["notices"] = _findings(report.notices)
    value.update(report.details)
    return value


def _where(where: Where) -> dict[str, Any]:
    return {"file": where.name, "line": where.line, "column": where.column}


def _file(file: FileReport) -> dict[str, Any]:
    return {
        "path": file.path,
        "leadsTo": file.leads_to,
        "role": file.role,
        "action": file.action,
        "backup": file.backup,
    }


def _edit(repair: Repair) -> dict[str, Any]:
    """An edit of what was in the way, without its value: the diff of a dry run has that."""
    return {
        "file": str(repair.snapshot.path),
        "layer": repair.layer,
        "key": ".".join(repair.operation.path),
        "action": "set" if isinstance(repair.operation, Set) else "remove",
        "code": repair.code,
        "description": repair.sentence,
    }


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "code": finding.code,
            "layer": finding.layer,
            "key": finding.key,
            "reason": finding.message,
            "reach": finding.reach,
            "file": None if finding.path is None else str(finding.path),
            "line": finding.line,
            "column": finding.column,
            "nextStep": finding.next_step,
        }
        for finding in findings
    ]
