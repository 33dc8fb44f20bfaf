"""Which opencode there is, found out in the background while questions are answered.

A native executable whose path, size and time are those noted at the last success need not be asked for
its version again (one opencode start saved); launchers and shims are always asked, because what they
start can change behind them.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Final

from gonkagate_setup.core.evidence import Version
from gonkagate_setup.system import background, opencode
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.transaction import Store

_ENDING_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Found:
    """The opencode on PATH and its version, known to be supported."""

    executable: opencode.Executable
    version: Version


class Probe:
    """One search for opencode, started at once; `result` waits for it, leaving the context ends it."""

    def __init__(self, host: Host, store: Store) -> None:
        self._stop = threading.Event()
        self._task = background.start(lambda: _find(host, store, self._stop))

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        # Waited for: a thread that ends with the process would leave opencode and its folder behind.
        self._stop.set()
        self._task.wait(_ENDING_SECONDS)

    def check(self) -> None:
        """Raise what the search already failed with, so that nobody answers questions for nothing."""
        if self._task.done():
            self._task.result()

    def result(self) -> Found:
        """The opencode that was found; raises SetupError opencode_*."""
        return self._task.result()


def _find(host: Host, store: Store, stop: threading.Event) -> Found:
    executable = opencode.find(host)
    version = _noted(executable, store)
    if version is None:
        version = opencode.read_version(executable, host, stop=stop)
    opencode.require_supported(version, executable)
    return Found(executable, version)


def note(found: Found) -> bytes | None:
    """The bytes to keep beside the state file, or None where the version must always be asked."""
    if not found.executable.native:
        return None
    value = {**_fingerprint(found.executable), "version": str(found.version)}
    return (json.dumps(value, indent=2) + "\n").encode()


def _fingerprint(executable: opencode.Executable) -> dict[str, object]:
    return {"path": str(executable.path), "size": executable.size, "mtimeNs": executable.mtime_ns}


def _noted(executable: opencode.Executable, store: Store) -> Version | None:
    if not executable.native:
        return None
    try:
        value = json.loads(store.note.read_bytes())
        if {key: value[key] for key in ("path", "size", "mtimeNs")} != _fingerprint(executable):
            return None
        major, minor, patch = (int(number) for number in value["version"].split("."))
        return Version(major, minor, patch)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
