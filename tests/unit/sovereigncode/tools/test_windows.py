"""Commands for PowerShell and cmd: plain ones are read, everything else is unknown."""

from __future__ import annotations

import pytest

from sovereigncode.tools.command import ON_WINDOWS, read_command
from sovereigncode.tools.programs.calls import Dialect


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("Get-ChildItem -Recurse", "shell"),
        ("dir", "shell"),
        ("npm test", "shell"),
        ("Set-Content -Path x -Value 'a'", "shell"),
        ("Get-Content x > y", "shell"),
        ("Get-Content x | Select-String y", "shell"),
        ("Remove-Item -Recurse -Force x", "delete"),
        ("remove-item x", "delete"),
        ("ri x", "delete"),
        ("Microsoft.PowerShell.Management\\Remove-Item x", "delete"),
        ("Get-ChildItem | Remove-Item", "delete"),
        ("git push; ls", "publish"),
        ("ls\r\ngit push", "publish"),
        ("ls && git push", "publish"),
        ("ls || git push", "publish"),
        ("git 'push'", "publish"),
        ('git "push"', "publish"),
        ("Invoke-WebRequest https://example.com", "network"),
        ("iwr x", "network"),
        ("Publish-Module x", "publish"),
        ("cmd /c git push", "publish"),
        ("$x = 1", "unknown"),
        ("git $x", "unknown"),
        ('git "$x"', "unknown"),
        ("& git push", "unknown"),
        (". ./x.ps1", "unknown"),
        ("iex 'git push'", "unknown"),
        ("Invoke-Expression x", "unknown"),
        ("Start-Process git", "unknown"),
        ("gi`t push", "unknown"),
        ("(git push)", "unknown"),
        ("@(git push)", "unknown"),
        ("ls | ForEach-Object { rm $_ }", "unknown"),
        ("ls | % Delete", "unknown"),
        ("[IO.File]::Delete('x')", "unknown"),
        ("ls # git push", "unknown"),
        ("git \u201cpush\u201d", "unknown"),
        ("git \u2013x push", "unknown"),
        ("echo 'a", "unknown"),
        ("ls >", "unknown"),
        ("function f { git push }", "unknown"),
    ],
)
def test_powershell(command: str, expected: str) -> None:
    assert read_command(command, dialects=(Dialect.POWERSHELL,)).tool_class.word == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dir /s", "shell"),
        ("type x > y", "shell"),
        ("npm test", "shell"),
        ("del x", "delete"),
        ("DEL x", "delete"),
        ("del/q x", "delete"),
        ("rd /s /q x", "delete"),
        ("rmdir x", "delete"),
        ("echo a & git push", "publish"),
        ("echo 'a & del x'", "delete"),
        ("dir && git push", "publish"),
        ("dir | git push", "publish"),
        ('git "push"', "publish"),
        ("git.exe push", "publish"),
        ("C:\\git\\git.exe push", "publish"),
        ("curl x", "network"),
        ("g^it push", "unknown"),
        ("%COMSPEC% /c git push", "unknown"),
        ("git !X!", "unknown"),
        ("if exist x del y", "unknown"),
        ("for %i in (*) do del %i", "unknown"),
        ("call x", "unknown"),
        ("start git push", "unknown"),
        ("(git push)", "unknown"),
        ("del=x", "unknown"),
        ("del,x", "unknown"),
        ("@git push", "unknown"),
        ("dir\ngit push", "unknown"),
        ("dir >", "unknown"),
    ],
)
def test_cmd(command: str, expected: str) -> None:
    assert read_command(command, dialects=(Dialect.CMD,)).tool_class.word == expected


def test_on_windows_the_strictest_shell_counts() -> None:
    # To bash this is one text, to cmd it is two commands.
    assert read_command("echo 'a & del x'").tool_class.word == "shell"
    assert read_command("echo 'a & del x'", dialects=ON_WINDOWS).tool_class.word == "delete"
    assert read_command("git push", dialects=ON_WINDOWS).tool_class.word == "publish"
    assert read_command("ls", dialects=ON_WINDOWS).tool_class.word == "shell"
