"""The result of a command: a value, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from foundation.errors import Refusal, Where
from sovereigncode import __version__
from sovereigncode.errors import Exit, code_of, status_of


@dataclass(frozen=True)
class Report:
    """What a command established: a sentence, the text for a user, and its details for a script."""

    command: str
    exit_status: Exit
    message: str
    text: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    error: Refusal | None = None


def of_refusal(command: str, error: Refusal, status: Exit | None = None) -> Report:
    """A command that could not do its work."""
    return Report(command, status or status_of(error), error.message, error=error)


def to_json(report: Report) -> dict[str, Any]:
    """The one JSON object of `--json`."""
    value: dict[str, Any] = {
        "program": "sovereigncode",
        "version": __version__,
        "command": report.command,
        "ok": report.exit_status is Exit.DONE,
        "exit_status": int(report.exit_status),
        "message": report.message,
    }
    if report.error is not None:
        where = report.error.where
        value["error"] = {
            "code": code_of(report.error),
            "message": report.error.message,
            "where": None if where is None else place(where),
            "next_step": report.error.next_step,
        }
    return {**value, **report.details}


def place(where: Where) -> dict[str, Any]:
    """A place as it is reported."""
    return {"file": where.name, "line": where.line, "column": where.column}
