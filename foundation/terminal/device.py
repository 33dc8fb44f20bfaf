r"""The terminal device: where the user is asked and answers, even while stdin is a pipe.

- POSIX: /dev/tty; if a process has none, stdin and stderr if both are a terminal.
  Windows: CONIN$ and CONOUT$.
- Anything typed before a question is thrown away: an impatient Enter must not be consent.
- One answer is one paste: what follows the first line at once belongs to it, so that the rest of a pasted
  text reaches neither the next question nor the shell.
- A hidden answer is read only while the echo is known to be off. Ctrl-Z and Ctrl-\ are off meanwhile,
  because a shell turns the echo on again behind a stopped program. The mode is restored whatever happens.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Callable, Protocol

# A paste arrives in pieces, also over a slow connection; somebody who types needs longer between two lines.
_PASTE_GAP_SECONDS = 0.08
_PASTE_LIMIT = 1 << 16


class EchoError(Exception):
    """The echo cannot be turned off here."""


class Device(Protocol):
    """Something that can show text and read one answer; `encoding` is what it shows."""

    encoding: str

    def write(self, text: str) -> None:
        """Show `text` as it is; raises OSError."""

    def read(self, prompt: str, *, hidden: bool) -> str:
        """Show `prompt`; one answer without its last line end, several lines when that much was pasted.

        Raises EOFError at the end of input, EchoError (hidden only), OSError. The line is ended even if
        there is no answer.
        """


def controlling(platform: str, encoding: str) -> Device | None:
    """The terminal that this process belongs to, or None; `encoding` is the terminal's."""
    try:
        if platform == "win32":
            return WindowsConsole.open()
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ImportError):
        return None
    return PosixTerminal(descriptor, descriptor, encoding)


def is_terminal(stream: IO[str] | None, platform: str) -> bool:
    """Whether `stream` is a terminal that somebody can see; never raises."""
    try:
        if stream is None or not stream.isatty():
            return False
        if platform != "win32":
            return True
        # On Windows isatty() is true for NUL too (any character device), but only a console has a mode.
        return _console_mode(stream.fileno()) is not None
    except (OSError, ValueError, AttributeError):
        return False


def is_null(stream: IO[str] | None, platform: str) -> bool:
    """Whether `stream` is closed or the null device: nobody is meant to answer."""
    try:
        if stream is None or stream.closed:
            return True
        if platform == "win32":
            return stream.isatty() and _console_mode(stream.fileno()) is None
        return os.path.samestat(os.fstat(stream.fileno()), Path(os.devnull).stat())
    except (OSError, ValueError, AttributeError):
        return False


class PosixTerminal:
    """A terminal reached through file descriptors."""

    def __init__(self, reading: int, writing: int, encoding: str) -> None:
        self.encoding = encoding
        self._reading = reading
        self._writing = writing

    def write(self, text: str) -> None:
        """Show `text`."""
        data = text.encode(self.encoding, "backslashreplace")
        while data:
            data = data[os.write(self._writing, data) :]

    def read(self, prompt: str, *, hidden: bool) -> str:
        """One answer, see Device."""
        import termios

        try:
            before = termios.tcgetattr(self._reading)
            try:
                # Before the prompt is shown: the echo must be off for a paste that follows at once.
                self._prepare(termios, before, hidden)
                self.write(prompt)
                data = os.read(self._reading, _PASTE_LIMIT)
                ended = data.endswith(b"\n")
                if ended:
                    data += self._rest_of_paste(termios)
            except BaseException:
                # A terminal that was closed refuses both; then SIGHUP or Ctrl-C is reported instead.
                with suppress(OSError, termios.error):
                    termios.tcsetattr(self._reading, termios.TCSAFLUSH, before)
                    self.write("\n")
                raise
            termios.tcsetattr(self._reading, termios.TCSAFLUSH, before)
            if hidden or not ended:
                self.write("\n")
        except termios.error as failure:
            refusal = EchoError() if hidden else OSError(*failure.args)
            raise refusal from None
        if not data:
            raise EOFError
        return _one_answer(data.decode(self.encoding, "replace"))

    def _prepare(self, termios: Any, before: list[Any], hidden: bool) -> None:
        wanted = [*before[:6], list(before[6])]
        wanted[0] |= termios.ICRNL
        wanted[3] |= termios.ICANON | termios.ISIG
        if hidden:
            wanted[3] &= ~(termios.ECHO | termios.ECHONL)
            disabled = bytes([os.fpathconf(self._reading, "PC_VDISABLE") & 0xFF])
            for name in ("VSUSP", "VDSUSP", "VQUIT"):
                if hasattr(termios, name):
                    wanted[6][getattr(termios, name)] = disabled
        termios.tcsetattr(self._reading, termios.TCSAFLUSH, wanted)
        # tcsetattr succeeds when any one of the changes did (POSIX).
        if hidden and termios.tcgetattr(self._reading)[3] & (termios.ECHO | termios.ECHONL):
            raise EchoError

    def _rest_of_paste(self, termios: Any) -> bytes:
        import select

        # Without ICANON a last line without a line end can be read too.
        mode = termios.tcgetattr(self._reading)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 0, 0
        termios.tcsetattr(self._reading, termios.TCSANOW, mode)
        rest = b""
        while len(rest) < _PASTE_LIMIT and select.select([self._reading], [], [], _PASTE_GAP_SECONDS)[0]:
            piece = os.read(self._reading, 4096)
            if not piece:
                break
            rest += piece
        return rest


class WindowsConsole:
    """The console that this process is attached to (CONIN$, CONOUT$)."""

    encoding = "utf-8"

    def __init__(self, reading: IO[str], writing: IO[str], keys: Any) -> None:
        self._reading = reading
        self._writing = writing
        self._keys = keys

    @classmethod
    def open(cls) -> WindowsConsole:
        """Open the console; raises OSError if there is none."""
        import msvcrt

        reading = open("CONIN$", encoding="utf-8", newline=None)  # noqa: PTH123, SIM115 - a device name, not a path
        writing = open("CONOUT$", "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return cls(reading, writing, msvcrt)

    def write(self, text: str) -> None:
        """Show `text`."""
        self._writing.write(text)
        self._writing.flush()

    def read(self, prompt: str, *, hidden: bool) -> str:
        """One answer, see Device. getwch never echoes, whatever the console's mode."""
        self._waiting_keys()
        self.write(prompt)
        if hidden:
            try:
                return read_keys(self._keys.getwch, self._keys.kbhit)
            finally:
                self.write("\n")
        line = ""
        try:
            line = self._reading.readline()
        finally:
            if not line:
                self.write("\n")
        if not line or line.startswith("\x1a"):
            raise EOFError
        return _one_answer(line + self._waiting_keys().replace("\r", "\n"))

    def _waiting_keys(self) -> str:
        keys = []
        while self._keys.kbhit():
            keys.append(self._keys.getwch())
        return "".join(keys)


def _one_answer(text: str) -> str:
    return text[:-1] if text.endswith("\n") else text


def read_keys(next_key: Callable[[], str], waiting: Callable[[], bool]) -> str:
    """One answer from single key presses, unseen, with everything that a paste still has waiting.

    Raises KeyboardInterrupt on Ctrl-C and EOFError on Ctrl-Z at the start, as the console does for a line.
    """
    typed: list[str] = []
    while True:
        key = next_key()
        if key in ("\r", "\n"):
            if not waiting():
                return "".join(typed)
            typed.append("\n")
        elif key == "\x03":
            raise KeyboardInterrupt
        elif key == "\x1a" and not typed:
            raise EOFError
        elif key == "\b":
            del typed[-1:]
        elif key in ("\x00", "\xe0"):
            next_key()  # the second half of an arrow or function key
        else:
            typed.append(key)


def _console_mode(descriptor: int) -> int | None:
    import ctypes
    import msvcrt

    mode = ctypes.c_ulong()
    handle = msvcrt.get_osfhandle(descriptor)  # type: ignore[attr-defined, unused-ignore]
    found = ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode))  # type: ignore[attr-defined, unused-ignore]
    return mode.value if found else None


def enable_colour(descriptor: int) -> bool:
    """Make a Windows console understand SGR sequences; False if it cannot (before Windows 10)."""
    import ctypes
    import msvcrt

    mode = _console_mode(descriptor)
    if mode is None:
        return False
    handle = msvcrt.get_osfhandle(descriptor)  # type: ignore[attr-defined, unused-ignore]
    # 0x0004 is ENABLE_VIRTUAL_TERMINAL_PROCESSING
    return bool(ctypes.windll.kernel32.SetConsoleMode(handle, mode | 0x0004))  # type: ignore[attr-defined, unused-ignore]
