"""Journals: for people who look into a run. They prove nothing, so a damaged one is replaced.

`<slot>.jsonl` has what was said, `<slot>.events.jsonl` what happened. Each is at most 1 MiB, and has one
older `.1` beside it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Mapping

from foundation.files.links import require_no_link
from foundation.files.reading import SAFE
from overlord.core.handoff import cut

_MOST_BYTES: Final = 1024 * 1024
_MOST_TEXT: Final = 64 * 1024
_TAIL: Final = 1024 * 1024


class Journals:
    """The journals of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def said(self, slot: str, role: str, content: str, message_id: str | None, at: str) -> None:
        """Somebody said something; long texts are cut and marked."""
        line = {"at": at, "messageId": message_id, "role": role, "content": cut(content, _MOST_TEXT)}
        self._append(f"{slot}.jsonl", line)

    def happened(self, slot: str, what: str, at: str, **details: Any) -> None:
        """Something happened to a servant: `what` is its name."""
        self._append(f"{slot}.events.jsonl", {"at": at, "event": what, **details})

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        with suppress(OSError):  # the registry has it all; without a journal the run goes on
            self._folder.mkdir(mode=0o700, exist_ok=True)
            require_no_link(self._folder)
            self._write(self._folder / name, f"{json.dumps(line)}\n".encode())

    def _write(self, path: Path, data: bytes) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | SAFE, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and not _ends_whole(descriptor, size):
                os.ftruncate(descriptor, 0)
            elif size + len(data) > _MOST_BYTES:
                os.close(descriptor)
                descriptor = -1
                path.replace(path.with_name(f"{path.name}.1"))
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | SAFE, 0o600)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _ends_whole(descriptor: int, size: int) -> bool:
    """Whether the file ends with a whole line of JSON."""
    os.lseek(descriptor, max(0, size - _TAIL), os.SEEK_SET)
    tail = os.read(descriptor, _TAIL)
    if not tail.endswith(b"\n"):
        return False
    try:
        return isinstance(json.loads(tail[:-1].rpartition(b"\n")[2]), dict)
    except (ValueError, RecursionError):
        return False
