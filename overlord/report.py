"""What a command did, as a value: shown on a screen, or as one JSON object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Mapping

from foundation.errors import Refusal
from overlord import __version__
from overlord.core.json_values import Json
from overlord.errors import Exit, code_of, status_of

_SCHEMA_VERSION: Final = 1
_STATUSES: Final[Mapping[Exit, str]] = {
    Exit.DONE: "success",
    Exit.PARTIAL: "partial",
    Exit.BLOCKED: "blocked",
}


@dataclass(frozen=True)
class Notice:
    """Something that the user should know."""

    code: str
    reason: str
    next_step: str


@dataclass(frozen=True)
class Report:
    """The result of a command.

    `screen` is what is shown on standard output; `details` are keys of the JSON object. `error` is why it
    ended with another status than 0; its next step is shown too.
    """

    command: str
    message: str
    screen: str = ""
    changed: bool = False
    error: Refusal | None = None
    next_step: str | None = None
    run_id: str | None = None
    dry_run: bool = False
    notices: tuple[Notice, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_status(self) -> Exit:
        """The status that the process ends with."""
        return Exit.DONE if self.error is None else status_of(self.error)


def to_json(report: Report) -> Json:
    """The one JSON object."""
    status = report.exit_status
    value: Json = {
        "schemaVersion": _SCHEMA_VERSION,
        "productVersion": __version__,
        "command": report.command,
        "ok": status is Exit.DONE,
        "status": "dry_run" if report.dry_run and status is Exit.DONE else _STATUSES.get(status, "failed"),
        "exitStatus": int(status),
        "message": report.message,
        "changed": report.changed,
        "notices": [
            {"code": notice.code, "reason": notice.reason, "nextStep": notice.next_step}
            for notice in report.notices
        ],
    }
    next_step = report.next_step
    if report.error is not None:
        value["errorCode"] = code_of(report.error)
        next_step = report.error.next_step
        if report.error.where is not None:
            value["where"] = {"file": report.error.where.name}
    if next_step:
        value["nextStep"] = next_step
    if report.run_id is not None:
        value["runId"] = report.run_id
    value.update(report.details)
    return value
