"""Starting opencode, and being stopped, on Windows: a .cmd launcher, its tree, Ctrl-Break."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("launchers, process trees and Ctrl-Break of Windows", allow_module_level=True)

from foundation.errors import Refusal
from foundation.host import current
from opencode_config.program.find import find
from opencode_config.program.run import run
from tests.support.machine import ROOT
from tests.support.windows import WINE

SHOW = "import os, sys; print(sys.argv[1:], os.environ.get('NODEFAULTCURRENTDIRECTORYINEXEPATH'))"


def launcher(folder: Path, script: str) -> Path:
    """A launcher as npm makes it, in place of opencode; what it starts is Python with `script`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "program.py").write_text(script, encoding="utf-8")
    path = folder / "opencode.cmd"
    path.write_text(f'@"{sys.executable}" "%~dp0program.py" %*\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["plain", "with blanks", "R&D (x86) ^ 100", "Ключ"])
def test_a_launcher_gets_its_arguments_in_any_folder(tmp_path: Path, name: str) -> None:
    path = launcher(tmp_path / name, SHOW)
    done = run(path, ["debug", "config", "--pure"], os.environ, tmp_path, hidden={})
    assert done.status == 0, done.stderr
    assert b"['debug', 'config', '--pure']" in done.stdout
    assert done.stdout.rstrip().endswith(b" 1")


def test_it_is_found_by_pathext_and_not_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher(tmp_path / "project", SHOW)
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / "opencode").write_text("#!/bin/sh\n", encoding="utf-8")
    right = launcher(tmp_path / "npm", SHOW)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", str(right.parent))
    found = find(current({}))
    assert (found.path, found.native) == (right, False)


@pytest.mark.skipif(WINE, reason="wine's taskkill knows no /T")
def test_one_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    script = (
        "import pathlib, time\n"
        f"path = pathlib.Path({str(alive)!r})\n"
        "for turn in range(600):\n"
        "    path.write_text(str(turn))\n"
        "    time.sleep(0.1)\n"
    )
    path = launcher(tmp_path / "bin", script)
    with pytest.raises(Refusal) as caught:
        run(path, ["debug"], os.environ, tmp_path, hidden={}, timeout=8)
    assert caught.value.kind == "opencode_unresponsive"
    last = alive.read_text()
    time.sleep(1)
    assert alive.read_text() == last, "the launcher's own child went on"


@pytest.mark.skipif(WINE, reason="wine sends no Ctrl-Break to a group")
def test_ctrl_break_ends_it_with_everything_put_back(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from foundation.errors import Refusal\n"
        "from foundation.signals import cancellation\n"
        "from foundation.transaction import Transaction, lock\n"
        "from gonkagate_setup.errors import code_of, status_of\n"
        "from tests.faults.homes import SCENARIOS\n"
        "scenario = SCENARIOS[0]\n"
        "home = scenario.make(Path(sys.argv[1]))\n"
        "try:\n"
        "    with cancellation(), lock(home.store, home.host):\n"
        "        with Transaction(home.store, home.host) as transaction:\n"
        "            transaction.apply(scenario.changes(home))\n"
        "            print('applied', flush=True)\n"
        "            for _ in range(600):\n"
        "                time.sleep(0.1)\n"
        "except Refusal as error:\n"
        "    print(code_of(error), int(status_of(error)), sorted(home.tree()), flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "machine")],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "applied\n"
    process.send_signal(signal.CTRL_BREAK_EVENT)
    said = process.communicate(timeout=60)[0]
    assert said == "cancelled 130 ['home', 'project']\n"
