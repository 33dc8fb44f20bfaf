"""Find opencode in the background while the user answers questions.

A native executable with the path, size and time noted at the last success is not asked for
its version again (this saves one start of opencode); launchers and shims are always asked, because what they
start can change without them. If a rerun will probably change nothing, such an executable is also asked for
its resolved config at once, while everything else is still being read.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Final

from foundation import background
from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from foundation.host import Host
from gonkagate_setup.store import Store
from opencode_config.evidence import Answer, Version, answer_of
from opencode_config.places import Environment
from opencode_config.program import opencode

_ENDING_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Found:
    """The opencode on PATH and its version, known to be supported."""

    executable: opencode.Executable
    version: Version


@dataclass(frozen=True)
class Early:
    """The durable environment's answer; `asked_at` in nanoseconds since the epoch."""

    asked_at: int
    answer: Answer


class Probe:
    """One search for opencode, started at once; `result` waits for it, and leaving the context ends it.

    With `ask_early`, the id of a provider, an opencode whose version is known is asked for its config too.
    """

    def __init__(self, host: Host, store: Store, *, ask_early: str | None = None) -> None:
        self._stop = threading.Event()
        self._stop_early = threading.Event()
        self._early: background.Task[Early] | None = None
        self._task = background.start(lambda: self._search(host, store, ask_early))

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        # Waited for: a thread that ends with the process would leave opencode and its folder behind.
        self._stop.set()
        self._task.wait(_ENDING_SECONDS)
        self.forget_early()

    def check(self) -> None:
        """Raise the search's failure, if there is one, so that nobody answers questions for nothing."""
        if self._task.done():
            self._task.result()

    def result(self) -> Found:
        """The opencode that was found; raises Refusal opencode_*."""
        return self._task.result()

    def early(self) -> Early | None:
        """Wait for the early answer; None if nothing was asked, or opencode did not answer."""
        self._task.result()
        if self._early is None:
            return None
        try:
            return self._early.result()
        except Refusal:
            return None

    def forget_early(self) -> None:
        """End the early question, so that opencode does not run while files change."""
        self._stop_early.set()
        if self._early is not None:
            self._early.wait(_ENDING_SECONDS)

    def _search(self, host: Host, store: Store, ask_early: str | None) -> Found:
        executable = opencode.find(host)
        version = _noted(executable, store)
        known = version is not None
        if version is None:
            version = opencode.read_version(executable, host, stop=self._stop)
        opencode.require_supported(version, executable)
        if known and ask_early is not None:
            provider = ask_early
            self._early = background.start(lambda: _ask(executable, host, provider, self._stop_early))
        return Found(executable, version)


def _ask(executable: opencode.Executable, host: Host, provider: str, stop: threading.Event) -> Early:
    asked_at = time.time_ns()
    environ = Environment.DURABLE.select(host.environ)
    config = opencode.resolve_config(executable, environ, host.cwd.resolve(), stop=stop)
    return Early(asked_at, answer_of(config, provider))


def note(found: Found) -> bytes | None:
    """The bytes to keep next to the setup record, or None if the version must always be asked."""
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
        value = json.loads(read_snapshot(store.note, follow_links=False).data or b"")
        if {key: value[key] for key in ("path", "size", "mtimeNs")} != _fingerprint(executable):
            return None
        major, minor, patch = (int(number) for number in value["version"].split("."))
        return Version(major, minor, patch)
    except (OSError, Refusal, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
