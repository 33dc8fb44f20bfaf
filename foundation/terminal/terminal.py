"""All output to the user or a script.

- Only results are written to stdout. Prompts go to the terminal device (device.py); notes,
  progress and errors go to stderr.
- With --json, stdout gets exactly one object, and stderr stays empty unless it is a terminal: everything
  is in the object. With --quiet there are no notes and no progress.
- Text is only appended: no line is redrawn, no cursor moved, so that a screen reader and a log see the
  same as a terminal. Colour never has a meaning that the words do not have.
- Everything is scrubbed again before it is printed, control characters are shown as escapes, and what the
  stream's encoding lacks is escaped too. A stream that is closed or full never raises into the caller; that a
  result was lost is recorded (`undelivered`), unless its reader had ended.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import IO, Any, Callable, Collection, Iterator, Mapping

from foundation.errors import Declined, Refusal
from foundation.secrets import Secret
from foundation.terminal import device as devices
from foundation.terminal.device import Device
from foundation.terminal.text import NARROWEST, WIDEST, capital, settle, style, visible

_DEFAULT_WIDTH = 80


class Outlet:
    """One output stream: what it can show, and whether it still accepts text."""

    def __init__(self, stream: IO[str] | None, *, terminal: bool, colour: bool) -> None:
        self.terminal = terminal
        self.colour = colour
        self._stream = stream

    def write(self, text: str) -> OSError | ValueError | None:
        """Write and flush; returns the failure, once, if there was one."""
        if self._stream is None:
            return None
        try:
            self._stream.write(settle(text, encoding=_encoding(self._stream), colour=self.colour))
            self._stream.flush()
        except (OSError, ValueError) as failure:
            self._abandon()
            return failure
        return None

    def _abandon(self) -> None:
        # Python flushes the stream again when it ends, and would report the same pipe again
        # (docs.python.org, signal: "Note on SIGPIPE").
        stream, self._stream = self._stream, None
        with suppress(OSError, ValueError, AttributeError):
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, stream.fileno())  # type: ignore[union-attr]
            os.close(sink)


class Terminal:
    """The streams of this process; see the rules at the top of the file."""

    def __init__(
        self,
        out: Outlet,
        err: Outlet,
        *,
        json: bool,
        quiet: bool,
        find_device: Callable[[], Device | None],
        find_width: Callable[[], int],
        names: Collection[str] = (),
        clean: Callable[[str, Collection[Secret]], str] | None = None,
    ) -> None:
        self.json_wanted = json
        self.delivered = False
        self._out = out
        self._err = err
        self._quiet = quiet
        self._find_device = find_device
        self._find_width = find_width
        self._names = names
        self._clean = clean
        self._device: Device | None = None
        self._looked = False
        self._spoke = False
        self.undelivered: str | None = None
        self._secrets: set[Secret] = set()

    @classmethod
    def from_streams(
        cls,
        stdin: IO[str] | None,
        stdout: IO[str] | None,
        stderr: IO[str] | None,
        environ: Mapping[str, str],
        *,
        json: bool,
        quiet: bool,
        color: str = "auto",
        platform: str,
        names: Collection[str] = (),
        clean: Callable[[str, Collection[Secret]], str] | None = None,
    ) -> Terminal:
        """A terminal on these streams; None is a closed one. `color` is auto, always or never.

        `names` begin an error as they are spelt, in lower case. `clean` takes the guarded secrets out of a
        text, instead of `scrub`: for a program whose results quote texts that must stay word for word.
        """
        in_terminal, out_terminal, err_terminal = (
            devices.is_terminal(stream, platform) for stream in (stdin, stdout, stderr)
        )

        def outlet(stream: IO[str] | None, terminal: bool) -> Outlet:
            colour = _wants_colour(color, environ, terminal) and _shows_colour(stream, terminal, platform)
            return Outlet(stream, terminal=terminal, colour=colour)

        def find_device() -> Device | None:
            # Somebody can answer if stdin is a terminal, or if stdin is a pipe (`curl … | sh`, a piped
            # key) and the output is a terminal. `</dev/null` means that nobody answers.
            if not in_terminal and (devices.is_null(stdin, platform) or not (out_terminal or err_terminal)):
                return None
            encoding = _encoding(stderr) or "utf-8"
            found = devices.controlling(platform, encoding)
            if found is None and in_terminal and err_terminal and platform != "win32":
                return devices.PosixTerminal(stdin.fileno(), stderr.fileno(), encoding)  # type: ignore[union-attr]
            return found

        return cls(
            outlet(stdout, out_terminal),
            outlet(stderr, err_terminal),
            json=json,
            quiet=quiet,
            find_device=find_device,
            find_width=lambda: _width(environ, [stream for stream in (stderr, stdout, stdin) if stream]),
            names=names,
            clean=clean,
        )

    @property
    def interactive(self) -> bool:
        """Whether questions can be asked; opens the terminal device the first time."""
        if not self._looked:
            self._looked = True
            self._device = self._find_device()
        return self._device is not None

    @property
    def width(self) -> int:
        """The width of a line in cells, 40 to 120."""
        return min(max(self._find_width(), NARROWEST), WIDEST)

    def guard(self, secret: Secret) -> None:
        """Never print this value, in whatever text it appears."""
        self._secrets.add(secret)

    def warm_up(self) -> None:
        """Compile the patterns for cleaning the result, while there is nothing else to do."""
        self._scrubbed("")

    def say(self, text: str) -> None:
        """A note to the user, on stderr."""
        if self.talks:
            self._spoke = True
            self._err.write(self._scrubbed(text) + "\n")

    def append(self, text: str) -> None:
        """A piece of a note, without a line end of its own."""
        if self.talks:
            self._spoke = True
            self._err.write(self._scrubbed(text))

    def result(self, text: str) -> None:
        """The result for the user, on stdout; after a blank line if the screen already shows something."""
        if self._spoke and self._err.terminal and self._out.terminal:
            self._err.write("\n")
        self._deliver(self._scrubbed(text).rstrip("\n") + "\n")

    def json(self, value: Any) -> None:
        """The result for a script: one JSON object on stdout, in ASCII."""
        import json

        self._deliver(json.dumps(self._scrubbed_value(value), indent=2) + "\n")

    def error(self, error: Refusal) -> None:
        """A refusal, on stderr: one sentence, the place, the next step; after a "no" only the sentence."""
        if not self.json_wanted or self._err.terminal:
            text = f"{error.message}." if isinstance(error, Declined) else self.error_text(error)
            self._err.write(self._scrubbed(text) + "\n")

    def error_text(self, error: Refusal) -> str:
        """The refusal as it is shown."""
        return error_text(error, self._names)

    def debug(self, text: str) -> None:
        """What the user asked for with an option of its own: on stderr even with --json."""
        self._err.write(self._scrubbed(text) + "\n")

    def last_word(self, error: Refusal) -> None:
        """A refusal on stderr even with --json, because the object it belongs to could not be written."""
        self._err.write(self._scrubbed(self.error_text(error)) + "\n")

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """Say what is being done while the block runs; on a terminal with the elapsed time after a second.

        Yields a function that says what is done next; any thread may call it.
        """
        if not (self.talks and self._err.terminal):
            self.say(f"{text} ...")
            yield lambda following: self.say(f"{following} ...")
            return
        from foundation.terminal.progress import running

        self._spoke = True
        with running(text, lambda piece: self._err.write(self._scrubbed(piece))) as step:
            yield step

    def ask(self, prompt: str, *, hidden: bool = False) -> str:
        """Show `prompt` on the terminal device and return the answer (device.Device.read).

        Raises EOFError, device.EchoError, OSError.
        """
        if not self.interactive or self._device is None:
            raise EOFError
        self._spoke = True
        return self._device.read(self._settled(prompt, self._device), hidden=hidden)

    def show(self, text: str) -> None:
        """Show `text` on the terminal device, even with --quiet; no line end is added."""
        if self.interactive and self._device is not None:
            self._device.write(self._settled(text, self._device))

    @property
    def talks(self) -> bool:
        """Whether notes to the user are shown."""
        return not self._quiet and (self._err.terminal or not self.json_wanted)

    @property
    def notes_on_screen(self) -> bool:
        """Whether notes appear on the screen on which questions are asked."""
        return not self._quiet and self._err.terminal

    @property
    def result_on_screen(self) -> bool:
        """Whether the result appears on the same screen, below the notes."""
        return self._out.terminal and not self.json_wanted

    def _deliver(self, text: str) -> None:
        self.delivered = True
        failure = self._out.write(text)
        # If the reader had seen enough, or there is no reader at all, nothing is lost.
        if isinstance(failure, OSError) and failure.errno not in (errno.EPIPE, errno.EBADF):
            self.undelivered = failure.strerror or type(failure).__name__

    def _settled(self, text: str, device: Device) -> str:
        return settle(self._scrubbed(text), encoding=device.encoding, colour=self._err.colour)

    def _scrubbed(self, text: str) -> str:
        if self._clean is not None:
            return self._clean(text, self._secrets)
        # Most runs print nothing before the first question, and the patterns take time to compile.
        from foundation.secrets.scrub import scrub

        return scrub(text, self._secrets)

    def _scrubbed_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._scrubbed(value)
        if isinstance(value, Mapping):
            return {self._scrubbed(str(key)): self._scrubbed_value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._scrubbed_value(item) for item in value]
        return value


def error_text(error: Refusal, names: Collection[str] = ()) -> str:
    """`error:`, `where:` and `next:`, a line each; never broken, so that each can be copied and searched.

    `names` begin a sentence as they are spelt.
    """
    lines = [f"{style('error:', 'error')} {capital(visible(error.message), names)}"]
    if error.where is not None:
        lines.append(f"{style('where:', 'place')} {visible(error.where)}")
    lines.append(f"{style('next:', 'heading')} {visible(error.next_step)}")
    return "\n".join(lines)


def _wants_colour(color: str, environ: Mapping[str, str], terminal: bool) -> bool:
    # no-color.org and force-color.org: a variable counts if it is set and not empty.
    if color != "auto":
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return terminal and environ.get("TERM") != "dumb"


def _shows_colour(stream: IO[str] | None, terminal: bool, platform: str) -> bool:
    if platform != "win32" or not terminal or stream is None:
        return True
    return devices.enable_colour(stream.fileno())


def _encoding(stream: IO[str] | None) -> str | None:
    return getattr(stream, "encoding", None)


def _width(environ: Mapping[str, str], streams: list[IO[str]]) -> int:
    if environ.get("COLUMNS", "").isdecimal() and int(environ["COLUMNS"]) > 0:
        return int(environ["COLUMNS"])
    for stream in streams:
        with suppress(OSError, ValueError, AttributeError):
            return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH
    return _DEFAULT_WIDTH
