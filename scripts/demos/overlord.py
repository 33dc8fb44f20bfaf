"""Shows a run of one Ultra and three normal servants: redirects, a failure, a kill, recovery, the transcript.

A stand-in on this machine answers as the chat service: the demo shows what is sent, stored and recovered, not
a model.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Mapping, Sequence

from scripts.building import pyz
from scripts.building.stage import OVERLORD
from scripts.demos import showing
from scripts.demos.showing import DemoError, say, short, step, throw_away
from tests.stand_in.chat.process import ChatProcess

_PATIENCE: Final = 30.0
_SLOW: Final = 20.0


def show(arguments: list[str]) -> None:
    """Show it; DemoError for what did not happen."""
    parser = showing.options("overlord", __doc__)
    parser.add_argument("--artifact", metavar="PATH", help="use this mmi-cli.pyz instead of building one")
    options = parser.parse_args(arguments)
    print("Everything below happens in a throw-away folder; your own home is not touched.")
    step("Building mmi-cli.pyz")
    with throw_away("mmi-cli", keep=options.keep) as root:
        packed = (
            Path(options.artifact).resolve()
            if options.artifact
            else pyz.build_program(OVERLORD, root / "dist")
        )
        if not packed.is_file():
            raise DemoError(f"there is no file {packed}")
        with ChatProcess() as service:
            _Demo(root, packed, service).show()
    print(
        "\nDone. The answers came from a stand-in for the service on this machine: it shows that requests,\n"
        "conversations, ledger and recovery work together. It says nothing about a model."
    )


class _Demo:
    """A machine with mmi-cli on it, a worktree, and a service."""

    def __init__(self, root: Path, packed: Path, service: ChatProcess) -> None:
        self._root = root
        self._service = service
        self._command = [sys.executable, str(packed), "overlord"]
        self._worktree = root / "shop"
        for folder in (self._worktree / ".git", root / "home"):
            folder.mkdir(parents=True)
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MMI_", "PYTHON"))},
            "HOME": str(root / "home"),
            "MMI_OVERLORD_HOME": str(root / "state"),
            "MMI_OVERLORD_LLM_BASE_URL": service.base_url,
            "MMI_OVERLORD_LLM_TIMEOUT_MS": "60000",
            "MMI_OVERLORD_SHELL": "posix",
            "SAKANA_API_KEY": service.key,
        }

    def show(self) -> None:
        """Everything."""
        step("Starting one Ultra and three normal servants")
        self._run("start", "--normal", "3", "--assignment", "Advise on the shop's source.")
        step("One message to one servant, one to all")
        self._run("send", "normal-2", "Which file holds the prices?")
        self._run("send", "all", "Where does the lock order break?")
        step("A servant that the service refuses is blocked, and asked again")
        self._service.fail(500, slot="normal-3", times=3)
        self._run("send", "all", "What would you test first?", expected=7)
        self._run("status", "--no-liveness", expected=6)
        self._run("retry")
        step("A send is killed half-way")
        self._killed("ultra,normal-1", "What is the riskiest line?")
        self._run("status", "--no-liveness", expected=6)
        self._run("recover")
        self._run("retry")
        step("The transcript")
        done = self._run("export", "--out", "transcript.md", shown=False)
        transcript = (self._worktree / "transcript.md").read_text(encoding="utf-8")
        say("\n".join([*transcript.splitlines()[:24], "..."]))
        print(f"   {len(transcript)} characters in transcript.md: {done.stdout.strip().splitlines()[-1]}")
        step("What the service received")
        self._received()
        step("The end of the run")
        self._run("stop")
        self._check()

    def _run(
        self, *arguments: str, expected: int = 0, shown: bool = True
    ) -> subprocess.CompletedProcess[str]:
        words = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        print(f"   $ mmi-cli overlord {words}", flush=True)
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=self._worktree,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if shown:
            say((done.stderr + done.stdout).replace(str(self._root), "~"))
        if done.returncode != expected:
            raise DemoError(
                f"{arguments[0]} ended with status {done.returncode} instead of {expected}: {done.stderr}"
            )
        return done

    def _killed(self, target: str, text: str) -> None:
        """Start a send, and kill it while the Ultra has not answered yet."""
        self._service.answer(after=_SLOW, slot="ultra", times=1)
        print(f'   $ mmi-cli overlord send {target} "{text}"      (killed with SIGKILL)', flush=True)
        process = subprocess.Popen(
            [*self._command, "send", target, text],
            cwd=self._worktree,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _PATIENCE
        while self._states(text) != {"normal-1": "completed", "ultra": "started"}:
            if time.monotonic() > until:
                raise DemoError("the send did not get half-way")
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        process.wait()
        print("   normal-1 had answered, ultra had not.")

    def _registry(self) -> dict[str, Any]:
        (path,) = (self._root / "state" / "runs").glob("*/registry.json")
        value: dict[str, Any] = json.loads(path.read_bytes())
        return value

    def _states(self, text: str) -> Mapping[str, str]:
        for message in self._registry()["messages"]:
            if message["text"] == text:
                return {result["servantId"]: result["state"] for result in message["servantResults"]}
        return {}

    def _received(self) -> None:
        requests = self._service.requests()
        for request in requests:
            body = request["body"] or {}
            count = len(body.get("messages", []))
            what = f"{request['slot']}, {body.get('model')}, {count} messages" if count else ""
            headers = {name.lower(): value for name, value in request["headers"].items()}
            key = str(headers.get("authorization", "none")).replace(self._service.key, "***")
            print(f"   {request['method']} {request['path']}   {key}   {request['status']}   {what}".rstrip())

    def _check(self) -> None:
        registry = self._registry()
        states = {result["state"] for message in registry["messages"] for result in message["servantResults"]}
        if states != {"completed"} or registry["state"] != "stopped":
            raise DemoError(f"not everything was answered: {states}")
        holding = [
            path for path in _files(self._root / "state") if self._service.key.encode() in path.read_bytes()
        ]
        if holding:
            raise DemoError(f"the key is in {holding}")
        print(f"   Every message was answered; {short(self._root / 'state')} does not hold the key.")


def _files(folder: Path) -> Sequence[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
