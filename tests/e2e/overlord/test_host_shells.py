"""Started from real shells: which one it is, and next steps that can be typed in it. Windows, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.chat import ChatStandIn
from tests.support import watching
from tests.support.machine import ROOT
from tests.support.overlord_home import OverlordHome
from tests.support.windows import WINE

WINDOWS = sys.platform == "win32"
PYTHON = Path(sys.executable).as_posix()
POWERSHELL = (
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    f"& '{PYTHON}' -m overlord ARGUMENTS; exit $LASTEXITCODE",
)
# A shell that ends with the command would put the command into its own place.
POSIX = ("-c", f"'{PYTHON}' -m overlord ARGUMENTS; exit $?")
COMMANDS = {
    "cmd": ("/d", "/c", f'"{PYTHON}" -m overlord ARGUMENTS'),
    "pwsh": POWERSHELL,
    "powershell": POWERSHELL,
}
KINDS = {"cmd": "cmd", "pwsh": "pwsh", "powershell": "powershell"}
KEY = "export SAKANA_API_KEY=..."
NEXT = {"cmd": "set SAKANA_API_KEY=...", "pwsh": "$env:SAKANA_API_KEY = '...'", "git-bash": KEY, "posix": KEY}


def found(shell: str) -> str:
    """Where the shell is; the test is skipped without it."""
    if shell in ("cmd", "powershell") and not WINDOWS:
        pytest.skip(f"{shell} is part of Windows")
    if shell == "powershell" and WINE:
        pytest.skip("wine's powershell runs nothing")
    path = shutil.which(shell)
    if shell == "bash" and WINDOWS:
        # The bash on PATH may be that of WSL, which starts Linux.
        git = shutil.which("git")
        path = None if git is None else shutil.which("bash", path=str(Path(git).parents[1] / "bin"))
    if path is None:
        pytest.skip(f"{shell} is not here")
    return path


def says(home: OverlordHome, shell: str, arguments: str) -> dict[str, Any]:
    """What the program prints if that shell starts it."""
    path = found(shell)
    words = [word.replace("ARGUMENTS", f"{arguments} --json") for word in COMMANDS.get(shell, POSIX)]
    # Python's way to quote is not that of cmd.
    command: Any = f'"{path}" {" ".join(words)}' if shell == "cmd" else [path, *words]
    environ = {**os.environ, **home.environ, "MMI_OVERLORD_SHELL": "", "MMI_OVERLORD_LLM_API_KEY": ""}
    environ = {name: value for name, value in environ.items() if name not in ("MSYSTEM", "SAKANA_API_KEY")}
    done = subprocess.run(
        command,
        cwd=home.worktree,
        env={**environ, "PATH": os.environ["PATH"], "PYTHONPATH": watching.python_path(str(ROOT))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    value: dict[str, Any] = json.loads(done.stdout)
    assert value["exitStatus"] == done.returncode, done
    return value


@pytest.mark.parametrize("shell", ["bash", "cmd", "dash", "powershell", "pwsh", "sh", "zsh"])
def test_the_shell_that_started_it_is_found_and_spoken_to(wired: OverlordHome, shell: str) -> None:
    kind = KINDS.get(shell, "git-bash" if WINDOWS else "posix")
    assert says(wired, shell, "doctor")["settings"]["shell"] == kind
    started = says(wired, shell, "start")
    if kind == "powershell":
        assert started["errorCode"] == "shell_unsupported"
        assert "pwsh" in started["nextStep"]
    else:
        assert started["errorCode"] == "key_missing"
        assert started["nextStep"].startswith(NEXT[kind])


@pytest.mark.skipif(not WINDOWS, reason="only Windows has drives")
def test_git_bash_writes_drives_as_folders_and_native_paths_are_recorded(wired: OverlordHome) -> None:
    other = wired.root / "other place"
    (other / ".git").mkdir(parents=True)
    typed = f"/{other.drive[0].lower()}{other.as_posix()[2:]}"
    run = wired.json("start", "--normal", "1", "--cwd", typed, MMI_OVERLORD_SHELL="git-bash")["run"]
    assert Path(run["worktree"]) == other
    assert "\\" in run["worktree"]
    for name in ("statePath", "journalDir", "ledgerPath"):
        assert Path(run[name]).exists()
        assert run[name].startswith(f"{other.drive}\\")


@pytest.mark.skipif(not WINDOWS, reason="LOCALAPPDATA is part of Windows")
def test_without_a_variable_the_state_is_in_localappdata(wired: OverlordHome) -> None:
    local = wired.root / "Local"
    home = {"MMI_OVERLORD_HOME": "", "LOCALAPPDATA": str(local)}
    wired.json("start", "--normal", "1", **home)
    (run,) = (local / "mmi-cli" / "overlord" / "runs").iterdir()
    assert [one["runId"] for one in wired.json("list", **home)["runs"]] == [run.name]
    assert wired.json("status", **home)["runId"] == run.name


def test_windows_powershell_hosts_no_run_and_can_look_at_one_and_end_it(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    before = len(chat_service.requests)
    shell = {"MMI_OVERLORD_SHELL": "powershell"}
    refused = (
        ("start", "--new"),
        ("send", "all", "x"),
        ("retry",),
        ("recover",),
        ("replace", "ultra"),
        ("ask", "x"),
    )
    for words in refused:
        value = wired.json(*words, **shell)
        assert (value["errorCode"], value["exitStatus"]) == ("shell_unsupported", 3), words
        assert "pwsh" in value["nextStep"], words
    assert len(chat_service.requests) == before
    for words in (("doctor",), ("list",), ("status",), ("export",), ("watch",), ("await-human",), ("stop",)):
        assert wired.json(*words, **shell)["ok"], words
    assert wired.json("delete", wired.runs()[0].name, **shell)["ok"]
