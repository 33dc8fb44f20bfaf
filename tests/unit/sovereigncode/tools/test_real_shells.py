"""bash, dash and zsh run what was read; git, rm, curl are programs that only write down their arguments.

Whatever the shell starts must be covered by the class that was read before. Scripts come from a grammar and
from heaps of tokens. In the other direction, what is read as a script is one for at least one of the shells.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from random import Random
from typing import Callable

import pytest

from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.command import read_command, read_program
from sovereigncode.tools.shell.reader import read_script
from sovereigncode.tools.shell.syntax import NotUnderstoodError
from tests.support.shell_scripts import heap, script

SHELLS = [path for path in map(shutil.which, ("bash", "dash", "zsh")) if path]
pytestmark = pytest.mark.skipif(
    len(SHELLS) < 2, reason="of bash, dash and zsh there are not two on this machine"
)
WRITES_DOWN = """#!/bin/sh
printf '%s\\0' "${0##*/}" "$@" '<end>' >> "$LOG"
"""
STUBS = ("git", "rm", "curl", "npm", "ls", "cat", "grep", "tee")
REAL = ("sh", "bash", "dash", "env", "xargs", "nohup", "timeout", "nice", "find")
FAST, DEEP = 150, 2_000


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name in STUBS:
        (folder / name).write_text(WRITES_DOWN)
        (folder / name).chmod(0o755)
    for name in REAL:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def started(shell: str, text: str, programs: Path, folder: Path) -> list[list[str]]:
    """What the shell starts, each with its arguments."""
    folder.mkdir()
    log = folder / "log"
    work = folder / "work"
    work.mkdir()
    (work / "f").touch()
    child = subprocess.Popen(
        [shell, "-c", text],
        cwd=work,
        env={"PATH": str(programs), "LOG": str(log)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        child.wait(20)
    finally:
        child.kill()
        child.wait()
    calls = log.read_bytes().decode("utf-8", "replace").split("<end>\0") if log.exists() else []
    return [call.split("\0")[:-1] for call in calls if call]


def milder(text: str, calls: list[list[str]]) -> list[str]:
    """The calls that are stricter than what was read."""
    read = read_command(text).tool_class
    classes = {" ".join(argv): read_program(argv).tool_class for argv in calls}
    # What a stub gets from a variable or a file is known only to the shell.
    return [line for line, found in classes.items() if read < found < ToolClass.UNKNOWN]


@pytest.mark.parametrize("make", [script, heap])
def test_whatever_a_shell_starts_was_read(
    make: Callable[[Random], str], programs: Path, tmp_path: Path, request: pytest.FixtureRequest,
    figure: Callable[[str, float, str], None],
) -> None:  # fmt: skip
    deep = bool(request.config.getoption("--deep"))
    random = Random(16)
    count: Counter[str] = Counter()
    wrong = []
    for number in range(DEEP if deep else FAST):
        text = make(random)
        if make is heap:
            while read_command(text).tool_class is ToolClass.UNKNOWN:
                text = make(random)
        for shell in SHELLS:
            calls = started(shell, text, programs, tmp_path / f"{number}-{Path(shell).name}")
            count["started"] += len(calls)
            wrong += [f"{shell}: {text!r}: {line}" for line in milder(text, calls)]
        count[read_command(text).tool_class.word] += 1
        shutil.rmtree(tmp_path / f"{number}-{Path(SHELLS[0]).name}")
    assert wrong == []
    assert count["started"] > (FAST if make is script else 0)
    figure(f"programs that {len(SHELLS)} shells started for {make.__name__}s", count["started"], "")


def test_valid_scripts_are_understood() -> None:
    """Nearly all of them; text in dollar quotes with a backslash before a quote is refused on purpose."""
    random = Random(7)
    texts = [script(random) for _ in range(400)]
    unknown = [text for text in texts if read_command(text).tool_class is ToolClass.UNKNOWN]
    assert len(unknown) < len(texts) // 3
    assert {text: why for text in texts if (why := refused(text))} == {}


def refused(text: str) -> str:
    """Why the text is not read as a script; empty if it is."""
    try:
        read_script(text)
    except NotUnderstoodError as problem:
        return str(problem)
    return ""


def test_what_is_read_is_a_script_for_one_of_the_shells(request: pytest.FixtureRequest) -> None:
    random = Random(5)
    wrong, read = [], 0
    while read < (DEEP if request.config.getoption("--deep") else FAST):
        text = heap(random)
        # Of these bash's own operators are no error to one of the shells only.
        if "|&" in text or "&>" in text or read_command(text).tool_class is ToolClass.UNKNOWN:
            continue
        read += 1
        if not any(is_valid(shell, text) for shell in SHELLS):
            wrong.append(text)
    assert wrong == []


def is_valid(shell: str, text: str) -> bool:
    """Whether the shell reads the text to its end; `-n` runs nothing."""
    done = subprocess.run([shell, "-n"], input=text.encode(), capture_output=True, check=False)
    return done.returncode == 0
