"""The key of a backend, from a variable or a file; a file that changed is read again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from foundation.host import Host
from foundation.secrets import Secret
from marama_route.backends.failures import Word, failed
from marama_route.core.config import Backend

_LARGEST: Final = 16 * 1024
# RFC 6750, 2.1, writes fewer; what every server takes in a header (RFC 9110, 5.5) without a space.
_KEY: Final = re.compile(r"[!-~]+")
_Identity = tuple[int, int, int, int]


class KeyOf:
    """The key of one backend."""

    def __init__(self, backend: Backend, host: Host) -> None:
        self._host = host
        self._variable = backend.api_key_env
        self._path = None if backend.api_key_file is None else _path(backend.api_key_file, host.home)
        self._known: Secret | None = None
        self._identity: _Identity | None = None

    @property
    def must_read(self) -> bool:
        """Whether `read` has to read a file, which blocks."""
        return self._path is not None and (self._known is None or _identity(self._path) != self._identity)

    def read(self) -> Secret | None:
        """The key as it is now, None for a backend without one.

        Raises BackendError no_key for a variable or file that is missing, empty, unreadable, or has what
        cannot be a key.
        """
        if self._variable is not None:
            return _checked(self._host.environ.get(self._variable, ""))
        if self._path is None:
            return None
        if not self.must_read:
            return self._known
        # The identity is from before the reading: what changes meanwhile is read again the next time.
        self._known, self._identity = None, _identity(self._path)
        self._known = _checked(_text(self._path))
        return self._known


def _path(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith(("~/", "~\\")) else home / text


def _identity(path: Path) -> _Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _text(path: Path) -> str:
    try:
        data = read_snapshot(path, limit=_LARGEST).data
        return "" if data is None else data.decode("ascii")
    except (Refusal, UnicodeDecodeError):
        raise failed(Word.NO_KEY) from None


def _checked(text: str) -> Secret:
    key = text.strip()
    if _KEY.fullmatch(key) is None:
        raise failed(Word.NO_KEY)
    return Secret(key)
