"""Texts for servants: from an argument, standard input or a file; bounded, and never with a key."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Final, NoReturn

from foundation.errors import Refusal, Where
from foundation.files.reading import reason
from overlord.commands.context import Context

MOST_BYTES: Final = 256 * 1024


def message(context: Context, word: str | None, file: str | None, what: str = "message") -> str:
    """The text of a message; Refusal usage_error, message_empty, message_too_large, message_holds_key."""
    if (word is None) == (file is None):
        raise Refusal(
            "usage_error",
            f"the {what} is missing" if word is None else f"the {what} was given twice",
            next_step="give it as an argument, as - to read standard input, or with --file",
        )
    if file is not None:
        return checked(context, _decoded(_read_file(Path(context.host.cwd, file)), what), what)
    return text(context, word or "", what)


def text(context: Context, word: str, what: str) -> str:
    """A text that was given as an argument; `-` is standard input."""
    return checked(context, _decoded(_read_stdin(), what) if word == "-" else word, what)


def checked(context: Context, content: str, what: str) -> str:
    """The text itself, if it can be sent."""
    try:
        size = len(content.encode())
    except UnicodeEncodeError:
        _refuse_encoding(what)
    if not content.strip():
        raise Refusal("message_empty", f"the {what} is empty", next_step="give it some text")
    if size > MOST_BYTES:
        raise Refusal(
            "message_too_large",
            f"the {what} is larger than 256 KiB",
            next_step="shorten it, or send it in several messages",
        )
    context.require_no_key_in(content, what)
    return content


def _read_stdin() -> bytes:
    stream = sys.stdin
    try:
        return b"" if stream is None else stream.buffer.read(MOST_BYTES + 1)
    except (OSError, ValueError):
        raise Refusal(
            "usage_error",
            "standard input cannot be read",
            next_step="give the text as an argument, or send a file to standard input",
        ) from None


def _read_file(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            _refuse_file(path, "this is not a file")
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as problem:
        _refuse_file(path, f"this file cannot be read ({reason(problem)})")
    except ValueError:
        _refuse_file(path, "this file cannot be read")


def _decoded(data: bytes, what: str) -> str:
    if len(data) > MOST_BYTES:
        # The last character may be cut; that it is too large is what counts.
        return data.decode("utf-8", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        _refuse_encoding(what)


def _refuse_encoding(what: str) -> NoReturn:
    raise Refusal("usage_error", f"the {what} is not UTF-8", next_step="convert it to UTF-8") from None


def _refuse_file(path: Path, message_: str) -> NoReturn:
    raise Refusal(
        "usage_error", message_, where=Where(str(path)), next_step="name a text file that you can read"
    ) from None
