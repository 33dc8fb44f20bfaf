"""Streams that are closed, full or in another encoding: what the program leaves there and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support import watching
from tests.support.machine import ROOT, Finished, Machine
from tests.support.resolving import resolving_opencode

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
@pytest.mark.parametrize("arguments", ["models", "models --json", "--help", "verify --json"])
def test_a_result_that_does_not_fit_is_told(machine: Machine, arguments: str) -> None:
    done = through_shell(machine, f"{{}} {arguments} >/dev/full; echo $? >status")
    assert done.stderr == (
        "error: The result could not be written to standard output (no space left on device)\n"
        "next: free up space or send the output elsewhere, then run this command again\n"
    )
    # What was refused anyway keeps its own status.
    expected = "6" if arguments.startswith("verify") else "1"
    assert (machine.project / "status").read_text() == f"{expected}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: a full disk needs one")
@pytest.mark.parametrize("json", ["", "--json"])
def test_a_setup_whose_result_does_not_fit_stands_and_says_so(machine: Machine, json: str) -> None:
    resolving_opencode(machine)
    done = through_shell(
        machine,
        f"{{}} --yes --scope user --quiet {json} >/dev/full; echo $? >status",
        GONKAGATE_API_KEY=machine.key,
    )
    assert done.stderr == (
        "error: The result could not be written to standard output (no space left on device); "
        "the changes were kept\nnext: free up space, then check the result with: gonkagate-setup verify\n"
    )
    assert (machine.project / "status").read_text() == "1\n"
    assert machine.key_file.read_text() == machine.key
    assert machine.state_file.exists()


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
