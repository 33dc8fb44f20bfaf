"""`export`: the transcript of a run as Markdown."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from foundation.errors import Refusal, Where
from foundation.files.replace import Attributes, Folder, write_beside
from foundation.files.writable import advice
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.core.transcript import FIRST_LINE, transcript
from overlord.report import Report


def run(arguments: Arguments, context: Context) -> Report:
    """Print the transcript, or write it to a file."""
    store, registry = context.opened(arguments)
    text = transcript(registry)
    out = arguments.value("--out")
    if out is None:
        return Report("export", "`text` is the transcript", text, run_id=store.run_id, details={"text": text})
    path = Path(context.host.cwd, out)
    _write(path, text.encode("utf-8", "backslashreplace"))
    message = f"The transcript of {store.run_id} is in {path}."
    return Report("export", message, message, changed=True, run_id=store.run_id, details={"text": text})


def _is_transcript(path: Path) -> bool:
    """Whether it is a file that begins as a transcript. Raises OSError."""
    if not path.is_file():
        return False  # a device or a pipe would be waited for
    with path.open("rb") as stream:
        return stream.readline(200).startswith(FIRST_LINE.encode())


def _write(path: Path, data: bytes) -> None:
    """Write a new file for this user only; only a transcript is replaced."""
    try:
        if (path.exists() or path.is_symlink()) and not _is_transcript(path):
            raise Refusal(
                "usage_error",
                "this file exists, and is not a transcript",
                where=Where(str(path)),
                next_step="name another file with --out",
            )
        real = path.resolve()
        with Folder(real.parent) as folder:
            # A name that nobody has: the folder belongs to the user.
            unfinished = f".{real.name}.{os.urandom(4).hex()}.new"
            try:
                write_beside(folder, unfinished, data, Attributes(0o600, None))
                folder.rename(unfinished, real.name)
            except OSError:
                with suppress(OSError):
                    folder.remove(unfinished)
                raise
            folder.sync()
    except (OSError, ValueError) as problem:
        why, next_step = (
            advice(path, problem) if isinstance(problem, OSError) else ("no such name", "name a file")
        )
        raise Refusal(
            "write_failed",
            f"this file could not be written ({why})",
            where=Where(str(path)),
            next_step=next_step,
        ) from None
