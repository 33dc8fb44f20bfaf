"""The real gateway as a process: a throw-away home, workspaces, a configuration, keys; and what came of it.

    with running(tmp_path, backends={"b": {"base_url": backend.base_url}}, models=[model()]) as it:
        answer = it.chat("hi")

At the end it must end cleanly, and no key and no prompt of the test may be in any of its files or in what it
said. Prompts of tests contain `it.word`, which is looked for like a key.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from foundation.secrets import Secret
from marama_route.core import keys
from tests.support import canary, watching
from tests.support.asked import Answer, Asked, free_port
from tests.support.canary import Canary
from tests.support.machine import ROOT, end_with_children

START_SECONDS = 60.0
END_SECONDS = 40.0
TENANT = "local"
CAPSULE: Mapping[str, Any] = {
    "capsule_id": "shop",
    "subject_id": "shop",
    "jurisdiction": "NZ",
    "sensitivity": "internal",
}
POLICY: Mapping[str, Any] = {"version": 1, "tenant": TENANT}


def model(name: str = "lumynax/coder", backend: str = "b", **fields: Any) -> dict[str, Any]:
    """A model of the configuration that can do everything, on this machine."""
    return {
        "id": name,
        "backend": backend,
        "upstream_model": "upstream-model",
        "residency": ["NZ"],
        "context_tokens": 131072,
        "license": "apache-2.0",
        "sovereignty_tier": 3,
        "tags": ["code"],
        "supports_tools": True,
        "supports_json": True,
        "quality_rank": 2,
        "cost_rank": 1,
        **fields,
    }


def chat(text: str, name: str = "lumynax/auto", **fields: Any) -> dict[str, Any]:
    """A chat payload."""
    return {"model": name, "messages": [{"role": "user", "content": text}], **fields}


def new_key() -> tuple[str, Canary]:
    """A key of the gateway, and what to look for."""
    made = canary.new_canary()
    return f"mr_{made.first}{'x' * 15}{made.second}", made


@dataclass(frozen=True)
class Workspace:
    """A workspace; None is a file that it does not have. `folder` is one that is there already."""

    capsule: Mapping[str, Any] | None = field(default_factory=lambda: dict(CAPSULE))
    policy: Mapping[str, Any] | None = field(default_factory=lambda: dict(POLICY))
    folder: Path | None = None


class Gateway(Asked):
    """A gateway on loopback with a home of its own under `root`."""

    def __init__(
        self,
        root: Path,
        *,
        backends: Mapping[str, Mapping[str, Any]],
        models: Sequence[Mapping[str, Any]],
        workspaces: Mapping[str, Workspace] | None = None,
        home: Path | None = None,
        environ: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.root = root
        self.home = home or root / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        key, client = new_key()
        super().__init__(free_port(), key)
        self.approver, approver = new_key()
        said = canary.new_canary()
        self.word = f"{said.first} {said.second}"
        self.canaries = [client, approver, said]
        self.workspaces = {
            name: _workspace(one.folder or self.root / name, one)
            for name, one in ({"shop": Workspace()} if workspaces is None else workspaces).items()
        }
        self.config = {
            "version": 1,
            "listen": f"127.0.0.1:{self.port}",
            "tenants": [
                {
                    "id": TENANT,
                    "purpose": "software_engineering",
                    "requests_per_minute": 1_000_000,
                    "keys": [
                        {"hash": keys.hash_of(Secret(self.key)), "role": "client"},
                        {"hash": keys.hash_of(Secret(self.approver)), "role": "approver"},
                    ],
                }
            ],
            "workspaces": [str(folder) for folder in self.workspaces.values()],
            "backends": backends,
            "models": list(models),
            **more,
        }
        self._environ = environ or {}
        self._child: subprocess.Popen[bytes] | None = None

    # -- places

    @property
    def config_file(self) -> Path:
        """Where the configuration is looked for without `--config`."""
        return self.home / ".config" / "marama-route" / "config.yaml"

    @property
    def log_file(self) -> Path:
        """What it said on standard error."""
        return self.root / "serve.err"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        return {
            "HOME": str(self.home),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.root),
            "PYTHONPATH": watching.python_path(str(ROOT)),
            **self._environ,
        }

    # -- its life

    def write_config(self) -> None:
        """Write `config` where it is looked for; JSON is YAML."""
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(json.dumps(self.config, indent=1), encoding="utf-8")

    def start(self, *arguments: str, program: Sequence[str] = ("-m", "marama_route")) -> None:
        """Start it; returns when it is ready. `program`: what Python runs."""
        self.write_config()
        with self.log_file.open("ab") as said, (self.root / "serve.out").open("ab") as out:
            self._child = subprocess.Popen(
                [sys.executable, *program, "serve", *arguments],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._child.poll() is not None or time.monotonic() > end:
                end_with_children(self._child)
                self._child = None
                raise AssertionError(f"it does not get ready:\n{self.said}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz", key=None).status == 200
        except OSError:
            return False

    @property
    def process(self) -> int:
        """Its process id."""
        assert self._child is not None
        return self._child.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    def stop(self) -> None:
        """End it as a service manager does; AssertionError if it does not end cleanly."""
        if self._child is None:
            return
        child, self._child = self._child, None
        if sys.platform == "win32":
            # There is no signal there by which one process ends another cleanly.
            end_with_children(child)
            return
        try:
            child.send_signal(signal.SIGTERM)
            status = child.wait(END_SECONDS)
        finally:
            end_with_children(child)
        assert status == 0, f"status {status}\n{self.said}"

    def killed(self, seconds: float = 0.0) -> bool:
        """Kill it, unless it is killed by itself in so many seconds; whether it was."""
        assert self._child is not None
        child, self._child = self._child, None
        try:
            return child.wait(seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False
        finally:
            end_with_children(child)

    @property
    def said(self) -> str:
        """All that it said on standard error."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def logged(self) -> list[dict[str, Any]]:
        """The lines of its log that are JSON."""
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]

    # -- what it is asked

    def chat(self, text: str = "hi", **fields: Any) -> Answer:
        """A chat, whole or with `stream`; `text` and the word of this gateway are the question."""
        return self.ask("POST", "/v1/chat/completions", chat(f"{text} {self.word}", **fields))

    def decision(self, identity: str) -> dict[str, Any]:
        """A stored decision."""
        answer = self.ask("GET", f"/v1/route/{identity}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def ended_decision(self, identity: str, seconds: float = 10.0) -> dict[str, Any]:
        """A stored decision, once it has an outcome."""
        end = time.monotonic() + seconds
        while True:
            found = self.decision(identity)
            if found["outcome"]["state"] != "pending":
                return found
            assert time.monotonic() < end, found
            time.sleep(0.05)

    def decision_of(self, answer: Answer) -> dict[str, Any]:
        """The decision that an answer names, once it has an outcome."""
        return self.ended_decision(answer.headers["x-marama-decision-id"])

    def approvals(self, state: str = "pending") -> list[dict[str, Any]]:
        """The approvals in this state."""
        answer = self.ask("GET", f"/v1/approvals?state={state}")
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["data"]
        return found

    def wait_for_approval(self, seconds: float = 120.0) -> dict[str, Any]:
        """The one approval that waits, once there is one."""
        end = time.monotonic() + seconds
        while not (found := self.approvals()):
            assert time.monotonic() < end, f"no approval waits\n{self.said}"
            time.sleep(0.25)
        assert len(found) == 1, found
        return found[0]

    def decide(self, approval: str, decision: str = "approve", note: str | None = None) -> Answer:
        """Say yes or no with the approver's key."""
        body = {"decision": decision, **({} if note is None else {"note": note})}
        return self.ask("POST", f"/v1/approvals/{approval}", body, key=self.approver)

    def audited(self, workspace: str = "shop") -> list[dict[str, Any]]:
        """The records in a workspace's audit files, oldest first."""
        folder = self.workspaces[workspace] / ".sovereigncode" / "audit"
        texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("audit-*.jsonl"))]
        return [json.loads(line) for line in "".join(texts).splitlines()]

    def recorded(self, decision: str, last: str = "outcome", seconds: float = 30.0) -> list[dict[str, Any]]:
        """The audit records of a decision in the workspace `shop`, once the newest is of this kind."""
        end = time.monotonic() + seconds
        while True:
            found = [one for one in self.audited() if one["decision_id"] == decision]
            if found and found[-1]["kind"] == last:
                return found
            assert time.monotonic() < end, found
            time.sleep(0.02)

    @contextlib.contextmanager
    def running(self) -> Iterator[Gateway]:
        """It is ready; at the end it must end cleanly and without a leak."""
        try:
            self.start()
            yield self
        finally:
            self.stop()
        assert self.leaks() == []

    # -- the final check

    def leaks(self) -> list[str]:
        """Where a key or a prompt is: in its files, its output, or the records of its workspaces."""
        folders = [self.home, *(folder / ".sovereigncode" for folder in self.workspaces.values())]
        found = canary.leaks(self.canaries, folders, set())
        for path in (self.log_file, self.root / "serve.out"):
            found += canary.in_all(self.canaries, path.read_bytes(), path.name)
        return found


@contextlib.contextmanager
def running(root: Path, **options: Any) -> Iterator[Gateway]:
    """A gateway that is ready, and that ends cleanly, without a leak."""
    with Gateway(root, **options).running() as gateway:
        yield gateway


def _workspace(folder: Path, made: Workspace) -> Path:
    own = folder / ".sovereigncode"
    own.mkdir(parents=True)
    if made.capsule is not None:
        (own / "capsule.json").write_text(json.dumps(made.capsule), encoding="utf-8")
    if made.policy is not None:
        (own / "tenant-policy.yaml").write_text(json.dumps(made.policy), encoding="utf-8")
    return folder
