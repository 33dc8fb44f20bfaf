"""A download of the install script that was cut off has no effect, wherever it was cut."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.machine import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="install.ps1 is for Windows")

SCRIPT = (ROOT / "scripts" / "install.sh").read_bytes()
# Everything up to, but without, the brace that ends the script.
CUTS = range(SCRIPT.rindex(b"}") + 1)
SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"], "zsh": ["zsh"]}
COMMANDS = (
    *("cat", "chmod", "curl", "dirname", "getconf", "grep", "head", "mkdir", "mktemp", "mv", "python3", "rm"),
    *("rmdir", "sha256sum", "shasum", "sysctl", "uname", "xcode-select"),
)


def trap(folder: Path) -> tuple[Path, dict[str, str]]:
    """A place where whatever the script could run notes that it ran."""
    place, commands = folder / "place", folder / "bin"
    place.mkdir()
    commands.mkdir()
    for command in COMMANDS:
        path = commands / command
        path.write_text(f'#!/bin/sh\necho {command} >>"$HOME/ran"; exit 1\n')
        path.chmod(0o755)
    return place, {"HOME": str(place), "PATH": str(commands)}


def run(command: list[str], cut: int, place: Path, environment: dict[str, str], pipe: Path) -> bytes:
    pipe.write_bytes(SCRIPT[:cut])
    with pipe.open("rb") as text:
        done = subprocess.run(
            [*command, "-s", "--", "--scope", "user"],
            stdin=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=place,
            check=False,
        )
    return done.stdout


def test_the_trap_notices_a_script_that_runs(tmp_path: Path) -> None:
    place, environment = trap(tmp_path)
    run(["/bin/sh"], len(SCRIPT), place, environment, tmp_path / "cut")
    assert list(place.iterdir()) != []


# One process for all of them, with a subshell per prefix; eval reads command by command, as from a pipe.
EVERY_PREFIX = """
prefix=$(/bin/cat "$1"; echo x)
prefix=${prefix%?}
shift
said=$1
shift
tried=0
while [ -n "$prefix" ]; do
    (eval "$prefix") >"$said" 2>/dev/null </dev/null
    [ ! -s "$said" ] && [ ! -e "$HOME/ran" ] || exit 99
    tried=$((tried + 1))
    prefix=${prefix%?}
done
echo "$tried"
"""


def every_prefix(script: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    dash = shutil.which("dash")
    if dash is None:
        pytest.skip("dash is not on this machine")
    place, environment = trap(folder)
    (folder / "script").write_bytes(script)
    command = [
        dash,
        "-c",
        EVERY_PREFIX,
        "dash",
        str(folder / "script"),
        str(folder / "said"),
        "--scope",
        "user",
    ]
    done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        assert list(place.iterdir()) == []
    return done


def test_no_prefix_has_an_effect_in_dash(tmp_path: Path) -> None:
    done = every_prefix(SCRIPT[: CUTS[-1]], tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{CUTS[-1]}\n")


def test_without_the_braces_a_prefix_would_have_one(tmp_path: Path) -> None:
    lines = SCRIPT.splitlines(keepends=True)
    unprotected = b"".join(line for line in lines if line not in (b"{\n", b"}\n"))
    assert unprotected.endswith(b"exit $?\n")
    assert every_prefix(unprotected[: -len(b"exit $?\n")], tmp_path).returncode == 99


@pytest.mark.parametrize("name", SHELLS)
def test_a_sample_of_prefixes_has_no_effect_through_a_pipe(name: str, tmp_path: Path) -> None:
    program = shutil.which(SHELLS[name][0])
    if program is None:
        pytest.skip(f"{name} is not on this machine")
    place, environment = trap(tmp_path)
    for cut in [*CUTS[::251], *CUTS[-30:]]:
        command = [program, *SHELLS[name][1:]]
        assert run(command, cut, place, environment, tmp_path / "cut") == b"", cut
        assert list(place.iterdir()) == [], cut
