"""Which shell it is, how a variable is set in it, and which shell is refused."""

from __future__ import annotations

from typing import Iterable, NoReturn

import pytest

from foundation.errors import Refusal
from overlord import host_shell


@pytest.mark.parametrize(
    ("environ", "windows", "parents", "shell"),
    [
        ({"MMI_OVERLORD_SHELL": "PWSH"}, False, ["bash"], "pwsh"),
        ({"MMI_OVERLORD_SHELL": "powershell"}, False, [], "powershell"),
        ({"MMI_OVERLORD_SHELL": "nushell"}, False, ["bash"], "posix"),
        ({}, False, ["python3", "-zsh", "pwsh"], "posix"),
        ({}, False, ["make", "pwsh"], "pwsh"),
        ({}, True, ["python.exe", "PowerShell.EXE", "cmd.exe"], "powershell"),
        ({}, True, ["cmd.exe", "powershell.exe"], "cmd"),
        ({}, True, ["bash.exe"], "git-bash"),
        ({}, True, ["explorer.exe"], "pwsh"),
        ({"MSYSTEM": "MINGW64"}, True, ["explorer.exe"], "git-bash"),
        ({"MSYSTEM": "MINGW64"}, True, ["pwsh.exe"], "pwsh"),
        ({"MSYSTEM": "MINGW64"}, False, [], "git-bash"),
        ({}, False, [], "posix"),
    ],
)
def test_detection(environ: dict[str, str], windows: bool, parents: list[str], shell: str) -> None:
    assert host_shell.detect(environ, windows, lambda: parents) == shell


def test_parents_are_not_looked_at_if_the_shell_is_named() -> None:
    def never() -> Iterable[str]:
        _fail()

    assert host_shell.detect({"MMI_OVERLORD_SHELL": "cmd"}, True, never) == "cmd"


def _fail() -> NoReturn:
    raise AssertionError


@pytest.mark.parametrize(
    ("shell", "sets", "unsets"),
    [
        ("posix", "export A=b", "unset A"),
        ("git-bash", "export A=b", "unset A"),
        ("pwsh", "$env:A = 'b'", "Remove-Item Env:A"),
        ("powershell", "$env:A = 'b'", "Remove-Item Env:A"),
        ("cmd", "set A=b", "set A="),
    ],
)
def test_variables(shell: str, sets: str, unsets: str) -> None:
    assert host_shell.setting(shell, "A", "b") == sets
    assert host_shell.unsetting(shell, "A") == unsets


@pytest.mark.parametrize("shell", host_shell.SHELLS)
def test_only_windows_powershell_is_refused(shell: str) -> None:
    if shell != "powershell":
        host_shell.require_supported(shell)
        return
    with pytest.raises(Refusal) as caught:
        host_shell.require_supported(shell)
    assert caught.value.kind == "shell_unsupported"
    assert "pwsh" in caught.value.next_step


@pytest.mark.parametrize(
    ("typed", "shell", "path"),
    [
        ("/c/x", "git-bash", "C:\\x"),
        ("/d/a b/c", "git-bash", "D:\\a b\\c"),
        ("/c", "git-bash", "C:\\"),
        ("/c/", "git-bash", "C:\\"),
        ("/tmp/x", "git-bash", "/tmp/x"),
        ("C:\\x", "git-bash", "C:\\x"),
        ("c/x", "git-bash", "c/x"),
        ("/c/x", "posix", "/c/x"),
        ("/c/x", "cmd", "/c/x"),
    ],
)
def test_paths_of_git_bash(typed: str, shell: str, path: str) -> None:
    assert host_shell.native(typed, shell) == path
