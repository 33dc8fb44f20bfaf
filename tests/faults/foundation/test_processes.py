"""Any other program: closed input, no secret, bounded in time and output, ended with all that it started."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from foundation.processes import Output, UnfinishedError, run_bounded

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts; test_windows_child.py has Windows")
THROUGH = pytest.mark.parametrize("in_files", [False, True], ids=["pipes", "files"])
HIDDEN = {"SECRET": "nothing"}


def run(tmp_path: Path, script: str, *, in_files: bool, **more: Any) -> Output:
    settings = {"timeout": 60.0, "limit": 1000, "folder": tmp_path if in_files else None, **more}
    environ = {"PATH": os.environ["PATH"], "SECRET": "hunter2", "_PYI_X": "1"}
    return run_bounded(["/bin/sh", "-c", script], environ, HIDDEN, tmp_path, **settings)


@posix
@THROUGH
def test_it_gets_no_input_and_no_secret(tmp_path: Path, in_files: bool) -> None:
    script = 'cat; echo "$SECRET $EXTRA $_PYI_X"; pwd; echo bad >&2; exit 3'
    output = run(tmp_path, script, in_files=in_files, extra={"EXTRA": "more"})
    assert output == Output(3, f"nothing more \n{tmp_path.resolve()}\n".encode(), b"bad\n")
    assert list(tmp_path.iterdir()) == []


@posix
@THROUGH
def test_it_is_bounded_in_output(tmp_path: Path, in_files: bool) -> None:
    for stream in ("1", "2"):
        with pytest.raises(UnfinishedError, match=r"^printed more than 0 MiB$"):
            run(tmp_path, f"yes >&{stream}", in_files=in_files)
    assert run(tmp_path, "printf %1000s x", in_files=in_files).stdout == b"x".rjust(1000)
    with pytest.raises(UnfinishedError):
        run(tmp_path, "printf %1001s x", in_files=in_files)


@posix
@THROUGH
def test_it_is_bounded_in_time_with_its_children(tmp_path: Path, in_files: bool) -> None:
    alive = tmp_path / "alive"
    script = f"(while :; do date >>'{alive}'; sleep 0.05; done) & trap '' TERM; sleep 100"
    with pytest.raises(UnfinishedError, match=r"^did not finish within 1 seconds$"):
        run(tmp_path, script, in_files=in_files, timeout=1)
    size = alive.stat().st_size
    time.sleep(0.3)
    assert alive.stat().st_size == size


@posix
@THROUGH
def test_a_child_that_it_leaves_behind_ends_with_it(tmp_path: Path, in_files: bool) -> None:
    began = time.monotonic()
    assert run(tmp_path, "sleep 100 & echo done", in_files=in_files).stdout == b"done\n"
    assert time.monotonic() - began < 50


@posix
def test_one_that_took_itself_out_of_the_group_is_not_waited_for(tmp_path: Path) -> None:
    """It holds the pipe, and is none of ours to end."""
    python = f"import os, time; os.setsid(); open({str(tmp_path / 'up')!r}, 'w'); time.sleep(20)"
    script = f'"{sys.executable}" -c "{python}" & until [ -e up ]; do sleep 0.02; done; echo done'
    began = time.monotonic()
    assert run(tmp_path, script, in_files=False).stdout == b"done\n"
    assert time.monotonic() - began < 15


@posix
@THROUGH
def test_another_thread_can_end_it(tmp_path: Path, in_files: bool) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(UnfinishedError, match=r"^was ended because the run was cancelled$"):
        run(tmp_path, "sleep 100", in_files=in_files, stop=stop)


def test_one_that_cannot_be_started_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        run_bounded([str(tmp_path / "gone")], {}, {}, tmp_path, timeout=9, limit=9)
