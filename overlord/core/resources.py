"""Commands that wait for an answer, as the registry records them, and what proves that a process is one."""

from __future__ import annotations

from typing import Final, Protocol

from overlord.core.json_values import Json

KIND: Final = "process"


class Living(Protocol):
    """A living process: what the system says about it; None is not known."""

    @property
    def pid(self) -> int:
        """Its id."""

    @property
    def start_time(self) -> str | None:
        """When it was started."""

    @property
    def executable(self) -> str | None:
        """The file that it runs."""


def fingerprint(run_id: str, run_token: str, pid: object, start_time: object, executable: object) -> str:
    """What binds a process to a run: SHA-256 over the five, in hexadecimal."""
    import hashlib

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
    facts = (recorded.get("pid"), recorded.get("startTime"), recorded.get("executable"))
    checks = (
        (recorded.get("kind") == KIND, "it is not recorded as a process"),
        (
            recorded.get("runId") == run_id and recorded.get("runToken") == token,
            "it is recorded for another run",
        ),
        (
            recorded.get("fingerprint") == fingerprint(run_id, token, *facts),
            "its fingerprint does not fit",
        ),
        (
            living.start_time is not None and living.executable is not None,
            "the system does not say when it was started and from which file",
        ),
        (facts[0] == living.pid, "it has another id"),
        (facts[1] == living.start_time, "the process with this id was started at another time"),
        (facts[2] == living.executable, "the process with this id runs another program"),
    )
    return next((why for right, why in checks if not right), None)


def pid_of(recorded: Json) -> int | None:
    """The recorded process id, None if it cannot be one."""
    pid = recorded.get("pid")
    return pid if isinstance(pid, int) and not isinstance(pid, bool) and pid > 0 else None
