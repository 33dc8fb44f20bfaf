"""What is noted for the search of keys: every child that our program starts, and what it says in-process.

A child that runs our program gets this very file as its `sitecustomize`, through PYTHONPATH: there everything
that is started is the program's. In the process of the tests it is what a frame of ours is above.
Programs without an interpreter of their own to ask (native executables) are not seen.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_PACKAGES = ("foundation", "opencode_config", "gonkagate_setup", "overlord", "sovereigncode", "marama_route")
# Where the environment stands in the arguments of each event, see the audit event table of Python.
_EVENTS: dict[str, int | None] = {
    "subprocess.Popen": 3,
    "os.exec": 2,
    "os.posix_spawn": 2,
    "os.spawn": 3,
    "os.system": None,
}
# Not what tests put in the place of these.
_open, _write, _close = os.open, os.write, os.close
_END = b"\n\0end of a child\0\n"
_LOG = "children"


class Watch:
    """The notes of one test process and of all that it starts; in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / _LOG
        self._log.touch()
        self.python_path = str(folder)
        self._said: list[str] = []

    def say(self, text: str) -> None:
        """Note what our program said in this process."""
        self._said.append(text)

    def here(self) -> int:
        """A point in the notes, for `since`."""
        self._said.clear()
        return self._log.stat().st_size

    def since(self, point: int) -> tuple[list[bytes], list[str]]:
        """The arguments and environment of each child since that point, and what was said."""
        with self._log.open("rb") as file:
            file.seek(point)
            return file.read().split(_END)[:-1], list(self._said)

    def forget(self, point: int) -> None:
        """Drop what came since: this test put a key there itself."""
        os.truncate(self._log, point)


WATCH: Watch | None = None


def begin(folder: Path) -> Watch:
    """Watch this process, and every one that gets `python_path()`; never ends."""
    global WATCH  # noqa: PLW0603 - an audit hook stays for ever, too
    import shutil

    if WATCH is None:
        shutil.copy(__file__, folder / "sitecustomize.py")
        WATCH = Watch(folder)
        _hook(str(folder / _LOG), ours_only=True)
    return WATCH


def python_path(*more: str) -> str:
    """PYTHONPATH for a child that runs our program."""
    return os.pathsep.join([*([] if WATCH is None else [WATCH.python_path]), *more])


def say(text: str) -> None:
    """Note what our program said in this process."""
    if WATCH is not None:
        WATCH.say(text)


def _hook(log: str, *, ours_only: bool) -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and (not ours_only or _below_us()):
            _note(log, event, arguments)

    sys.addaudithook(hook)


def _below_us() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _PACKAGES:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _note(log: str, event: str, arguments: tuple[Any, ...]) -> None:
    at = _EVENTS[event]
    environ = arguments[at] if at is not None and len(arguments) > at else None
    environ = os.environ if environ is None else environ
    parts = [_bytes(argument) for argument in arguments[: len(arguments) if at is None else at]]
    parts += [_bytes(name) + b"=" + _bytes(value) for name, value in dict(environ).items()]
    descriptor = _open(log, os.O_WRONLY | os.O_APPEND)
    try:
        _write(descriptor, b"\0".join(parts) + _END)
    finally:
        _close(descriptor)


def _bytes(value: Any) -> bytes:
    if isinstance(value, (list, tuple)):
        return b"\0".join(_bytes(one) for one in value)
    return os.fsencode(value) if isinstance(value, (str, bytes, os.PathLike)) else repr(value).encode()


if __name__ == "sitecustomize":
    _hook(str(Path(__file__).with_name(_LOG)), ours_only=False)
