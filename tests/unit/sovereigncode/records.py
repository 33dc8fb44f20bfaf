"""Throw-away workspaces with a chain, and chains as text, for the tests of audit and approvals."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Sequence

from foundation.host import Host
from sovereigncode.approvals.store import Approvals
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import Entry, Stated, chained
from sovereigncode.audit.verdict import End, Known, Line

START = datetime(2026, 11, 27, 9, 30, tzinfo=timezone.utc)


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Place:
    """A workspace and a home below `root`, which may be there already."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    wait_seconds: float = 10.0

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        (self.workspace / ".sovereigncode").mkdir(parents=True, exist_ok=True)
        self.home.mkdir(exist_ok=True)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def host(self) -> Host:
        platform = "linux" if sys.platform.startswith("linux") else sys.platform
        return Host(environ={}, home=self.home, cwd=self.root, platform=platform, now=self.clock)

    @property
    def log(self) -> AuditLog:
        """A new object each time, as in a new process."""
        return AuditLog(self.workspace, self.host, wait_seconds=self.wait_seconds)

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.workspace, self.host, self.log, wait_seconds=self.wait_seconds)

    @property
    def files(self) -> list[Path]:
        return sorted(self.log.folder.glob("audit-*.jsonl"))

    @property
    def file(self) -> Path:
        """The only file."""
        (only,) = self.files
        return only

    def lines(self) -> list[bytes]:
        return [line for file in self.files for line in file.read_bytes().splitlines(keepends=True)]

    def tree(self) -> dict[str, tuple[int, bytes | None]]:
        """Every file and folder with its mode and bytes."""
        return {
            path.relative_to(self.root).as_posix(): (
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() and not path.is_symlink() else None,
            )
            for path in sorted(self.root.rglob("*"))
        }


def entry(number: int = 0, **more: Any) -> Entry:
    """An entry with something in every field."""
    values: dict[str, Any] = {
        "kind": "policy",
        "decision": "allow_with_obligations",
        "tenant": "acme",
        "capsule_id": "shop",
        "actor": "agent é",
        "purpose": "code_review",
        "action": "model_call",
        "model": "lumynax/coder",
        "reasons": (Stated("purpose_allowed", f'reason "{number}"'),),
        "obligations": (Stated("audit", "keep\na record"),),
        "audit_tags": ("tag",),
        "decision_id": f"rd_{number:032x}",
        "request_hash": hashlib.sha256(b"%d" % number).hexdigest(),
    }
    return Entry(**{**values, **more})


def written(number: int, first: int = 0) -> list[bytes]:
    """The lines of a chain, each with its end."""
    entries = [entry(first + one) for one in range(number)]
    return [record.line + b"\n" for record in chained(entries, seq=0, prev=None, now=START)]


def as_lines(text: bytes, name: str = "audit-202611.jsonl") -> list[Line]:
    """A file's text as verification gets it."""
    parts = text.split(b"\n")
    lines = [Line(name, number, part) for number, part in enumerate(parts[:-1], start=1)]
    return [*lines, Line(name, len(parts), parts[-1], ended=False)] if parts[-1] else lines


def known(lines: Sequence[bytes]) -> Known:
    """What is remembered of this chain outside."""
    return Known(End(len(lines), json.loads(lines[-1])["hash"] if lines else None))


def with_hash(record: dict[str, Any]) -> bytes:
    """The line of a record whose hash is made to fit, as a forger would make it."""
    body = {name: value for name, value in record.items() if name != "hash"}
    return canonical({**body, "hash": hashlib.sha256(canonical(body)).hexdigest()}) + b"\n"


def canonical(value: Any) -> bytes:
    """Canonical JSON for records in ASCII, one rule after another of RFC 8785, section 3.2."""
    if isinstance(value, dict):
        return b"{" + b",".join(canonical(key) + b":" + canonical(value[key]) for key in sorted(value)) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    return json.dumps(value, ensure_ascii=False).encode()
