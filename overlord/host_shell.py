"""The shell that this program was started from, and how a variable is set in it."""

from __future__ import annotations

import re
from typing import Callable, Final, Iterable, Mapping

from foundation.errors import Refusal, Where

VARIABLE: Final = "MMI_OVERLORD_SHELL"
SHELLS: Final = ("pwsh", "powershell", "cmd", "git-bash", "posix")
_POSIX: Final = ("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "busybox", "tcsh", "csh")
_OTHERS: Final = {"pwsh": "pwsh", "powershell": "powershell", "cmd": "cmd"}
_DRIVE: Final = re.compile(r"/([A-Za-z])(/.*)?")


def detect(environ: Mapping[str, str], windows: bool, parents: Callable[[], Iterable[str]]) -> str:
    """One of SHELLS: MMI_OVERLORD_SHELL, else the nearest parent that is a shell, else MSYSTEM.

    `parents` gives the names of the processes above this one, the nearest first.
    """
    named = environ.get(VARIABLE, "").strip().lower()
    if named in SHELLS:
        return named
    for name in parents():
        shell = _shell(name, windows)
        if shell is not None:
            return shell
    if environ.get("MSYSTEM"):
        return "git-bash"
    return "pwsh" if windows else "posix"


def _shell(name: str, windows: bool) -> str | None:
    plain = name.lower().lstrip("-")  # a login shell has a dash before its name
    plain = plain[: -len(".exe")] if plain.endswith(".exe") else plain
    if plain in _OTHERS:
        return _OTHERS[plain]
    if plain in _POSIX:
        return "git-bash" if windows else "posix"
    return None


def setting(shell: str, name: str, value: str) -> str:
    """The command that sets a variable in that shell."""
    if shell == "cmd":
        return f"set {name}={value}"
    if shell in ("pwsh", "powershell"):
        return f"$env:{name} = '{value}'"
    return f"export {name}={value}"


def unsetting(shell: str, name: str) -> str:
    """The command that removes a variable in that shell."""
    if shell == "cmd":
        return f"set {name}="
    if shell in ("pwsh", "powershell"):
        return f"Remove-Item Env:{name}"
    return f"unset {name}"


def require_supported(shell: str) -> None:
    """Refuse Windows PowerShell 5, which is no host for a run; Refusal shell_unsupported."""
    if shell == "powershell":
        raise Refusal(
            "shell_unsupported",
            "Windows PowerShell cannot host a run",
            where=Where(VARIABLE),
            next_step="run this command in PowerShell 7 (pwsh), cmd or Git Bash",
        )


def native(path: str, shell: str) -> str:
    """A path that was typed, as the system names it: in Git Bash `/c/x` is `x` on drive C."""
    match = _DRIVE.fullmatch(path) if shell == "git-bash" else None
    if match is None:
        return path
    return f"{match[1].upper()}:" + (match[2] or "/").replace("/", "\\")
