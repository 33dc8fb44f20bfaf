"""audit: verify, show, export."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from foundation.errors import Refusal, Where
from foundation.files.reading import SAFE, reason
from foundation.host import Host
from foundation.program import Report
from foundation.terminal.text import style, visible
from sovereigncode.audit import export
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import Record
from sovereigncode.audit.show import Filter
from sovereigncode.audit.verdict import Verdict
from sovereigncode.errors import Exit

_NEWEST: Final = 50
# A name that is there already, also as a link, is refused.
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE


def run(arguments: argparse.Namespace, host: Host) -> Report:
    """One of the actions; `verify` without one. Raises Refusal."""
    log = AuditLog(host.cwd, host)
    action = arguments.action or "verify"
    if action == "verify":
        return _verify(log)
    records = _wanted(arguments, log)
    if action == "show":
        data = [record.as_json() for record in records]
        text = "\n".join(map(_line, records)) or "There are no such records."
        return Report(
            "audit show", Exit.DONE, f"{len(records)} records", text, {"object": "list", "data": data}
        )
    return _export(arguments, records, host)


def _verify(log: AuditLog) -> Report:
    verdict = log.verify()
    status = Exit.DONE if verdict.holds else Exit.DENIED
    details = verdict.as_json()
    if verdict.fault is not None:
        details["line"], details["why"] = verdict.fault.where.line, verdict.fault.why.value
    return Report("audit verify", status, _sentence(verdict), _verdict(verdict), details)


def _sentence(verdict: Verdict) -> str:
    if verdict.fault is None:
        return "the chain holds"
    return f"the chain does not hold: {verdict.fault.why.value} at {verdict.fault.where}"


def _verdict(verdict: Verdict) -> str:
    lines = []
    if verdict.fault is None:
        lines.append(f"The chain holds: {verdict.end.seq} records.")
    else:
        lines += [
            f"{style('The chain does not hold:', 'error')} {verdict.fault.why.value}",
            f"  {visible(verdict.fault.message)}",
            f"  {style('where:', 'place')} {visible(str(verdict.fault.where))}",
            f"The {verdict.end.seq} records before it hold.",
        ]
    if not verdict.remembered:
        lines.append(
            "This machine does not remember an end of this chain, so a cut end would not be noticed."
        )
    if verdict.unfinished:
        lines.append("Half a line follows: a process was killed while it wrote. The next record removes it.")
    return "\n".join(lines)


def _wanted(arguments: argparse.Namespace, log: AuditLog) -> list[Record]:
    limit = arguments.limit
    if limit is not None and limit < 1:
        raise Refusal("usage_error", "invalid value for --limit", next_step="give a number from 1 on")
    last = _NEWEST if limit is None and arguments.action == "show" else limit
    chosen = Filter(
        kind=arguments.kind,
        decision=arguments.decision,
        actor=arguments.actor,
        model=arguments.model,
        since=arguments.since,
    )
    return list(chosen.among(log.read(), last))


def _export(arguments: argparse.Namespace, records: list[Record], host: Host) -> Report:
    made = "".join(export.as_csv(records) if arguments.format == "csv" else export.as_json(records))
    message = f"{len(records)} records"
    if arguments.output is None:
        details = {"format": arguments.format, "data": [record.as_json() for record in records]}
        # A terminal would show the carriage returns of CSV.
        return Report("audit export", Exit.DONE, message, made.replace("\r\n", "\n"), details)
    path = host.cwd / arguments.output
    _write_new(path, made.encode())
    details = {"format": arguments.format, "records": len(records), "output": str(path)}
    return Report("audit export", Exit.DONE, message, f"{message} written to {path}.", details)


def _write_new(path: Path, data: bytes) -> None:
    try:
        with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
            file.write(data)
    except OSError as problem:
        raise Refusal(
            "write_failed",
            f"this file cannot be made ({reason(problem)})",
            where=Where(str(path)),
            next_step="name a file that does not exist, in a folder that you can write to",
        ) from None


def _line(record: Record) -> str:
    entry = record.entry
    codes = " ".join(one.code for one in entry.reasons)
    words = (entry.kind, entry.decision, entry.action, entry.model, entry.actor, codes)
    return f"{record.seq:>6}  {record.time}  {'  '.join(visible(word) for word in words if word)}"
