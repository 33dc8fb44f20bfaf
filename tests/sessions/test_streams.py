"""Streams that are closed, full or in another encoding: what the program leaves there and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import watching
from tests.machine import ROOT, Finished, Machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the streams are closed by a POSIX shell")


def through_shell(machine: Machine, line: str, **environ: str) -> Finished:
    """Run a shell line with {} for our program."""
    command = " ".join(machine.python)
    return machine.run(
        ["/bin/sh", "-c", line.format(command)],
        environ={**machine.environment, "PYTHONPATH": watching.python_path(str(ROOT)), **environ},
        cwd=machine.project,
    )


@pytest.mark.parametrize("arguments", ["models", "models --json", "--help", "--nonsense"])
@pytest.mark.parametrize("closing", ["{} ARGS | true", "{} ARGS >&-", "{} ARGS 2>&-", "{} ARGS >&- 2>&- <&-"])
def test_a_closed_stream_is_no_fault(machine: Machine, closing: str, arguments: str) -> None:
    done = through_shell(machine, closing.replace("ARGS", arguments) + "; echo status $? >status")
    assert "Traceback" not in done.output
    assert "Exception" not in done.output
    expected = "2" if arguments == "--nonsense" and "|" not in closing else "0"
    assert (machine.project / "status").read_text() == f"status {expected}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: a full disk needs one")
def test_a_result_that_does_not_fit_is_told(machine: Machine) -> None:
    done = through_shell(machine, "{} models >/dev/full")
    assert done.stderr == (
        "error: the result could not be written to stdout: [Errno 28] No space left on device\n"
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_path_that_the_encoding_lacks_is_shown_as_escapes(machine: Machine, encoding: str) -> None:
    folder = machine.elsewhere / "漢字 é"
    folder.mkdir()
    (folder / "opencode.json").write_text("{ oops")
    done = through_shell(
        machine,
        f"{{}} --cwd '{folder}' --model kimi-k2.6 --scope project --yes; echo $? >status",
        PYTHONIOENCODING=encoding,
        GONKAGATE_API_KEY=machine.key,
    )
    assert (machine.project / "status").read_text() == "5\n"
    shown = "\\u6f22\\u5b57" if encoding != "utf-8" else "漢字"
    assert f"{shown} " in done.stderr
    assert "where: " in done.stderr
