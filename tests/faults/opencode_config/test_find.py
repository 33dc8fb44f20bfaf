"""Finding opencode: on the PATH, in the usual places, from WSL, and what its version line may look like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from foundation.errors import Refusal
from foundation.host import Host
from gonkagate_setup.errors import code_of
from opencode_config.program import find as finding
from opencode_config.program.find import find
from opencode_config.program.opencode import Opencode
from opencode_config.versions import Version

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="makes POSIX executables; PATHEXT is tested on Windows"
)


def program(path: Path, body: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def host(root: Path, *folders: Path, wsl: bool = False, **environ: str) -> Host:
    home = root / "home"
    home.mkdir(exist_ok=True)
    path = ":".join(map(str, folders))
    return Host({"PATH": path, "HOME": str(home), **environ}, home, home, "linux", wsl=wsl)


def test_the_first_on_the_path_counts_and_another_one_is_named(tmp_path: Path) -> None:
    first, second = program(tmp_path / "a/opencode"), program(tmp_path / "b/opencode")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/opencode").symlink_to(first)
    found = find(host(tmp_path, tmp_path / "a", tmp_path / "c", tmp_path / "b", tmp_path / "b"))
    assert (found.path, found.also, found.on_path) == (first, (second,), True)


def test_what_is_not_executable_or_a_folder_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "a/opencode").chmod(0o644)
    (tmp_path / "b/opencode").mkdir(parents=True)
    right = program(tmp_path / "c/opencode")
    assert find(host(tmp_path, tmp_path / "a", tmp_path / "b", tmp_path / "c")).path == right


def test_a_script_is_a_launcher_and_a_large_binary_is_native(tmp_path: Path) -> None:
    launcher = program(tmp_path / "a/opencode")
    assert find(host(tmp_path, tmp_path / "a")).native is False
    launcher.write_bytes(b"\x7fELF" + bytes(1000))
    assert find(host(tmp_path, tmp_path / "a")).native is False, "a small native shim"
    with launcher.open("r+b") as file:
        file.truncate(30 * 1024 * 1024)
    found = find(host(tmp_path, tmp_path / "a"))
    assert (found.native, found.size, found.mtime_ns) == (
        True,
        30 * 1024 * 1024,
        launcher.stat().st_mtime_ns,
    )


@pytest.mark.parametrize(
    "place", [".opencode/bin", ".local/bin", ".bun/bin", ".nvm/versions/node/v22.1.0/bin"]
)
def test_one_off_the_path_is_found_and_said_to_be_off_it(tmp_path: Path, place: str) -> None:
    there = program(tmp_path / "home" / place / "opencode")
    found = find(host(tmp_path, tmp_path / "a"))
    assert (found.path, found.on_path) == (there, False)


def test_the_variables_of_the_install_script_are_looked_at(tmp_path: Path) -> None:
    there = program(tmp_path / "mine/opencode")
    found = find(host(tmp_path, OPENCODE_INSTALL_DIR=str(there.parent)))
    assert found.path == there


def test_none_at_all_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        find(host(tmp_path, tmp_path / "a"))
    assert code_of(caught.value) == "opencode_not_found"
    assert "npm install -g opencode-ai" in caught.value.next_step


def test_from_wsl_one_on_a_windows_drive_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = program(tmp_path / "c/opencode")
    monkeypatch.setattr(finding, "_is_windows_drive", lambda path: path.parent == windows.parent)
    with pytest.raises(Refusal) as caught:
        find(host(tmp_path, windows.parent, wsl=True))
    assert (code_of(caught.value), str(caught.value.where)) == ("opencode_not_found", str(windows))
    assert "inside WSL" in caught.value.next_step
    linux = program(tmp_path / "d/opencode")
    assert find(host(tmp_path, windows.parent, linux.parent, wsl=True)).path == linux
    assert find(host(tmp_path, windows.parent, wsl=False)).path == windows


@pytest.mark.parametrize(
    ("path", "drive"),
    [("/mnt/c/x/opencode", True), ("/mnt/data/x", False), ("/mnt/c", True), ("/usr/mnt/c/x", False)],
)
def test_which_folders_are_windows_drives(path: str, drive: bool) -> None:
    assert finding._is_windows_drive(Path(path)) is drive


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("1.18.33", "1.18.33"),
        ("opencode v1.4.0", "1.4.0"),
        ("1.20.0-beta.2+x", "1.20.0-beta.2+x"),
        ("1.20.0\\033[0m", "1.20.0"),
        # A launcher with lines of its own (nvm-sh/nvm PR#722).
        ("Now using node v22.11.0 (npm v10.9.0)\\n1.18.33", "1.18.33"),
        ("v22.11.0\\r\\n1.18.33\\r\\nbye 3.2.1", "1.18.33"),
        ("1.18.33\\nv22.11.0", "1.18.33"),
        ("\\033]0;opencode 9.9.9\\007\\033[32m1.18.33\\033[0m", "1.18.33"),
        ("wait...\\r1.18.33", "1.18.33"),
        ("Now using node v22.11.0\\nv1.18.33", "1.18.33"),
        ("Now using node v22.11.0\\nopencode version 1.18.33", "1.18.33"),
        ("node v22.11.0\\nThis is opencode 1.18.33 (linux)", "1.18.33"),
        ("1.18.33\\n1.18.33", "1.18.33"),
        ("Now using node v22.11.0' >&2; echo 1.18.33; printf 'bye 9.9.9", "1.18.33"),
        ("Now using node v22.11.0' ; echo 1.18.33 >&2; printf '", "1.18.33"),
    ],
)
def test_the_version_is_read(tmp_path: Path, said: str, version: str) -> None:
    program(tmp_path / "a/opencode", f"printf '{said}\\n'")
    machine = host(tmp_path, tmp_path / "a", Path("/usr/bin"), Path("/bin"))
    assert str(version_of(machine)) == version


def version_of(machine: Host) -> Version:
    return Opencode(find(machine), machine.cwd, machine.hidden).version(machine.environ)


def refused(tmp_path: Path, body: str) -> Refusal:
    program(tmp_path / "a/opencode", body)
    machine = host(tmp_path, tmp_path / "a", Path("/usr/bin"), Path("/bin"))
    with pytest.raises(Refusal) as caught:
        version_of(machine)
    assert code_of(caught.value) == "opencode_version_unparseable"
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        *("echo local", "exit 0", "echo 1.18.33; exit 3", "echo 1.18"),
        "echo Now using node v22.11.0",
        "echo 10.9.0; echo 1.18.33",
        "echo v22.11.0; echo v1.18.33",
    ],
)
def test_a_version_that_cannot_be_read_is_an_error(tmp_path: Path, body: str) -> None:
    refused(tmp_path, body)


def test_w5_versions_that_could_both_be_opencodes_are_shown(tmp_path: Path) -> None:
    error = refused(tmp_path, "echo hello; echo 10.9.0 token=abc123def456; echo 10.9.0; echo 1.18.33")
    assert error.message.endswith("it printed: 10.9.0 token=*** / 10.9.0 / 1.18.33")
    assert "on a line of its own" in error.next_step


ASDF = """echo "No version is set for command opencode
Consider adding one of the following versions in your config file at /p/.tool-versions
nodejs 22.11.0" >&2; exit 126"""
ROOTS_DATA = """printf '%s\\n' "EACCES: permission denied, mkdir '$HOME/.local/share/opencode/log'" \\
    '    path: "x",' ' syscall: "mkdir",' '   errno: -13,' >&2; exit 1"""


def test_p4_a_shim_without_a_version_speaks_for_itself(tmp_path: Path) -> None:
    error = refused(tmp_path, ASDF)
    assert "failed with status 126: No version is set for command opencode / Consider" in error.message
    assert error.next_step.startswith("choose a version as ")
    assert "npm install" not in error.next_step


def test_p4_a_data_folder_of_root_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, ROOTS_DATA)
    home = tmp_path / "home"
    assert f"EACCES: permission denied, mkdir '{home}/.local/share/opencode/log'" in error.message
    assert error.next_step.startswith(f"make {home} writable for your user")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("echo 'env: node: No such file or directory' >&2; exit 127", "env: node: No such file or directory"),
        ("printf 'node:internal:1\\n  throw err;\\n\\nError: no x\\n' >&2; exit 1", "1: Error: no x"),
        ("echo 'Killed: key=gp-abcdefghijklmnopqrstuvwxyzabcdef' >&2; exit 1", "key=***"),
        ("kill -SEGV $$; sleep 1", "was ended by signal 11"),
        ("exit 4", "failed with status 4"),
    ],
)
def test_p4_first_words_are_shown_masked_and_no_reinstall_is_advised(
    tmp_path: Path, body: str, told: str
) -> None:
    error = refused(tmp_path, body)
    assert told in error.message
    assert "abcdefgh" not in error.message
    assert "install" not in error.next_step
