"""Find opencode in the background while the user answers questions.

A native executable with the path, size and time noted at the last success is not asked for
its version again (this saves one start of opencode); launchers and shims are always asked, because what they
start can change without them. If a rerun will probably change nothing, such an executable is also asked for
its resolved config at once, while everything else is still being read.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path, PurePath

from foundation import background
from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from foundation.host import Host
from opencode_config.places import Environment
from opencode_config.program.early import ENDING_SECONDS, EarlyAnswer
from opencode_config.program.find import Executable, find
from opencode_config.program.opencode import Opencode, require_supported
from opencode_config.versions import Version


@dataclass(frozen=True)
class Found:
    """The opencode on PATH and its version, known to be supported."""

    executable: Executable
    version: Version

    def asked_in(self, cwd: PurePath, host: Host, scratch: Path | None = None) -> Opencode:
        """The same, to be asked in that folder."""
        return Opencode(self.executable, Path(cwd), host.hidden, scratch=scratch)


class Probe:
    """One search for opencode, started at once; `result` waits for it, and leaving the context ends it.

    With `ask_early`, the id of a provider, an opencode whose version is known is asked for its config too.
    """

    def __init__(self, host: Host, note_file: Path, *, ask_early: str | None = None) -> None:
        self._stop = threading.Event()
        self._early = EarlyAnswer()
        self._task = background.start(lambda: self._search(host, note_file, ask_early))

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        # Waited for: a thread that ends with the process would leave opencode and its folder behind.
        self._stop.set()
        self._task.wait(ENDING_SECONDS)
        self._early.stop()

    def check(self) -> None:
        """Raise the search's failure, if there is one, so that nobody answers questions for nothing."""
        if self._task.done():
            self._task.result()

    def result(self) -> Found:
        """The opencode that was found; raises Refusal opencode_*."""
        return self._task.result()

    def early(self) -> EarlyAnswer:
        """What was asked early; raises as `result` does."""
        self._task.result()
        return self._early

    def _search(self, host: Host, note_file: Path, ask_early: str | None) -> Found:
        executable = find(host)
        opencode = Opencode(executable, host.cwd.resolve(), host.hidden, stop=self._stop)
        version = _noted(executable, note_file)
        known = version is not None
        if version is None:
            version = opencode.version(host.environ)
        require_supported(version, executable)
        if known and ask_early is not None:
            self._early.ask(opencode, Environment.DURABLE.select(host.environ), ask_early)
        return Found(executable, version)


def note(found: Found) -> bytes | None:
    """The bytes to keep next to the setup record, or None if the version must always be asked."""
    if not found.executable.native:
        return None
    value = {**_fingerprint(found.executable), "version": str(found.version)}
    return (json.dumps(value, indent=2) + "\n").encode()


def _fingerprint(executable: Executable) -> dict[str, object]:
    return {"path": str(executable.path), "size": executable.size, "mtimeNs": executable.mtime_ns}


def _noted(executable: Executable, note_file: Path) -> Version | None:
    if not executable.native:
        return None
    try:
        value = json.loads(read_snapshot(note_file, follow_links=False).data or b"")
        if {key: value[key] for key in ("path", "size", "mtimeNs")} != _fingerprint(executable):
            return None
        major, minor, patch = (int(number) for number in value["version"].split("."))
        return Version(major, minor, patch)
    except (OSError, Refusal, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
