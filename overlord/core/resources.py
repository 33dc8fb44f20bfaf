"""Commands that wait for an answer, as the registry records them, and what proves that a process is one."""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from overlord.core.json_values import Json

KIND: Final = "process"


class Living(Protocol):
    """A living process: what the system says about it; None is not known."""

    @property
    def pid(self) -> int: ...

    @property
    def start_time(self) -> str | None: ...

    @property
    def executable(self) -> str | None: ...


def fingerprint(run_id: str, run_token: str, pid: object, start_time: object, executable: object) -> str:
    """What binds a process to a run: SHA-256 over the five, in hexadecimal."""
    text = f"{run_id}\n{run_token}\n{pid}\n{start_time}\n{executable}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def entry(registry: Json, process: Living, at: str) -> Json:
    """The record of a command of this run."""
    run_id, token = registry["runId"], registry["runToken"]
    return {
        "kind": KIND,
        "pid": process.pid,
        "startTime": process.start_time,
        "executable": process.executable,
        "runId": run_id,
        "runToken": token,
        "createdAt": at,
        "fingerprint": fingerprint(run_id, token, process.pid, process.start_time, process.executable),
    }


def what_is_unproved(recorded: Json, registry: Json, living: Living) -> str | None:
    """Half a sentence about why the living process is not proved to be the recorded one; None if it is."""
    run_id, token = registry["runId"], registry["runToken"]
    if recorded.get("kind") != KIND:
        return "it is not recorded as a process"
    if recorded.get("runId") != run_id or recorded.get("runToken") != token:
        return "it is recorded for another run"
    facts = (recorded.get("pid"), recorded.get("startTime"), recorded.get("executable"))
    if recorded.get("fingerprint") != fingerprint(run_id, token, *facts):
        return "its fingerprint does not fit"
    if living.start_time is None or living.executable is None:
        return "the system does not say when it was started and from which file"
    if recorded.get("startTime") != living.start_time:
        return "the process with this id was started at another time"
    if recorded.get("executable") != living.executable:
        return "the process with this id runs another program"
    return None


def pid_of(recorded: Json) -> int | None:
    """The recorded process id, None if it cannot be one."""
    pid = recorded.get("pid")
    return pid if isinstance(pid, int) and not isinstance(pid, bool) and pid > 0 else None
