"""mmi-cli overlord: eight servants at once, status of a full run, memory of a long conversation, --help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Callable, Final, Mapping, Sequence

from scripts.benchmarks import BenchmarkError, Row
from scripts.lib import cache
from tests.stand_in.chat.process import ChatProcess

TITLE: Final = "overlord"
_SERVANT_SECONDS: Final = 1.0
_SEND_TARGET: Final = 1.25
_STATUS_TARGET: Final = 3.0
_HELP_TARGET: Final = 10.0
_MEMORY_TARGET: Final = 60.0
_FULL_BYTES: Final = 2 * 1024 * 1024
_TURN_BYTES: Final = 64 * 1024
_PASS: Final = [sys.executable, "-c", "pass"]
_READ: Final = [sys.executable, "-c", "import json, sys; json.load(open(sys.argv[1], 'rb'))"]
# Starts the program from a small process and prints the kernel's peak for it, in KiB on Linux.
_PEAK: Final = """
import os, sys
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measure(runs: int) -> list[Row]:
    """Medians over `runs` rounds; every kind in turn."""
    with tempfile.TemporaryDirectory() as root, ChatProcess(after=_SERVANT_SECONDS) as service:
        home = Path(root, "state")
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MMI_"))
        }
        # As an installed program: its byte code is kept from the first run on.
        environ.update(PYTHONPATH=str(cache.ROOT), PYTHONPYCACHEPREFIX=str(Path(root, "byte-code")))
        environ["MMI_OVERLORD_HOME"] = str(home)
        environ.update(MMI_OVERLORD_LLM_BASE_URL=service.base_url, MMI_OVERLORD_LLM_API_KEY=service.key)
        worktree = Path(root, "work")
        worktree.mkdir()
        on = _Machine(worktree, environ)
        on.overlord("start", "--normal", "8")
        normals = "normals"
        sends = [_timed(lambda: on.overlord("send", normals, "What next?")) for _ in range(runs)]
        registry = next(home.glob("runs/*/registry.json"))
        _fill(registry)
        kinds: Mapping[str, Callable[[], object]] = {
            "pass": lambda: on.run(_PASS),
            "read": lambda: on.run([*_READ, str(registry)]),
            "status": lambda: on.overlord("status", "--no-liveness"),
            "help": lambda: on.overlord("--help"),
        }
        seconds = {name: [_timed(kind) for _ in range(runs)] for name, kind in kinds.items()}
        service.answer(after=0.0)
        peak = _peak(on)
    floor, reading = median(seconds["pass"]), median(seconds["read"])
    allowed = _STATUS_TARGET * floor + reading - floor
    return [
        Row("python3 -c pass", floor * 1000, "ms"),
        Row(
            "send to 8 servants that take 1.0 s each",
            median(sends),
            "s",
            _SEND_TARGET,
            "the process's start included",
        ),
        Row(
            "status --no-liveness, 8 servants with 2 MiB each",
            median(seconds["status"]) / allowed,
            "x",
            1.0,
            "against 3 x python3 -c pass plus reading the file",
        ),
        Row("--help: python -m overlord", median(seconds["help"]) / floor, "x", _HELP_TARGET),
        Row("send with a conversation of 2 MiB", peak, "MB", _MEMORY_TARGET, "peak memory"),
        Row("mmi-cli.pyz", *_packed()),
    ]


def _packed() -> tuple[float | None, str, float, str]:
    path = cache.ROOT / "dist" / "mmi-cli.pyz"
    if not path.is_file():
        return None, "kB", 120.0, "not built: python3 scripts/build.py mmi-cli"
    return path.stat().st_size / 1000, "kB", 120.0, ""


class _Machine:
    """A worktree, and the environment of every command."""

    def __init__(self, worktree: Path, environ: Mapping[str, str]) -> None:
        self.worktree = worktree
        self.environ = dict(environ)

    def overlord(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return self.run([sys.executable, "-m", "overlord", *arguments], allowed=(0, 6))

    def run(
        self, command: Sequence[str], allowed: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            command,
            cwd=self.worktree,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode not in allowed:
            raise BenchmarkError(
                f"{' '.join(command[1:4])} ended with {done.returncode}: {done.stderr[-500:]!r}"
            )
        return done


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _fill(registry: Path, slots: Sequence[str] | None = None) -> None:
    """Give servants a conversation of 2 MiB each, in turns of 64 KiB."""
    value: dict[str, Any] = json.loads(registry.read_bytes())
    for servant in value["servants"]:
        if slots is not None and servant["id"] not in slots:
            continue
        entries = servant["llmMessages"]
        stored = sum(len(entry["content"]) for entry in entries)
        while stored + 2 * _TURN_BYTES < _FULL_BYTES:
            at, number = entries[0]["at"], f"m-{9000 + len(entries)}"
            text = "word " * (_TURN_BYTES // 5)
            turn = {"content": text, "at": at, "messageId": number}
            entries += [{"role": "user", **turn, "state": "answered"}, {"role": "assistant", **turn}]
            stored += 2 * len(text)
        servant["llmMessageCount"] = len(entries)
    registry.write_text(json.dumps(value), encoding="utf-8")


def _peak(on: _Machine) -> float:
    """Peak memory of a `send` to a servant with 2 MiB, in a run of its own; millions of bytes."""
    on.environ["MMI_OVERLORD_HOME"] += "-2"
    on.overlord("start", "--normal", "1")
    (registry,) = Path(on.environ["MMI_OVERLORD_HOME"]).glob("runs/*/registry.json")
    _fill(registry, ["normal-1"])
    send = [sys.executable, "-m", "overlord", "send", "normal-1", "Go on."]
    done = on.run([sys.executable, "-I", "-S", "-c", _PEAK, *send])
    return int(done.stderr.split()[-1]) * 1024 / 1_000_000
