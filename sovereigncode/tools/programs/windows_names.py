"""Commands of cmd and PowerShell, in small letters; known to shells of other systems too."""

from __future__ import annotations

from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, Dialect
from sovereigncode.tools.programs.families import Does

_FILE_WRITE, _NETWORK, _DELETE = ToolClass.FILE_WRITE, ToolClass.NETWORK, ToolClass.DELETE
_PUBLISH, _UNKNOWN, _SHELL = ToolClass.PUBLISH, ToolClass.UNKNOWN, ToolClass.SHELL

# Names of cmd's commands, PowerShell's cmdlets and their aliases (Get-Alias in 5.1 and 7.5) that are not
# plain.
_CLASSES: Final[Mapping[ToolClass, str]] = {
    _DELETE: "del erase rd remove-item ri clear-content clc remove-itemproperty rp clear-recyclebin format "
    "diskpart "
    "remove-variable clear-item cli remove-module",
    _NETWORK: "invoke-webrequest iwr invoke-restmethod irm start-bitstransfer bitsadmin test-netconnection "
    "tnc "
    "install-module install-package install-script find-module save-module update-module invoke-command icm "
    "enter-pssession etsn new-pssession nsn resolve-dnsname connect-pssession net netsh",
    _PUBLISH: "publish-module publish-script send-mailmessage publish-psresource",
    _UNKNOWN: "invoke-expression iex start-process saps start invoke-item ii invoke-wmimethod "
    "invoke-cimmethod "
    "start-job sajb start-threadjob register-scheduledtask schtasks wmic mshta rundll32 regsvr32 cscript "
    "wscript "
    "certutil forfiles call new-alias nal set-alias sal invoke-history ihy register-objectevent add-type "
    "import-module ipmo new-object foreach-object % for set-itemproperty sp reg msiexec pcalua conhost",
}
_WRITERS: Final = "set-content add-content ac out-file new-item ni copy-item cpi move-item mi rename-item "
"rni tee-object copy "
_REMOVERS: Final = "del erase rd remove-item ri clear-content clear-item"
_MORE_WRITERS: Final = (
    "xcopy robocopy move ren md mklink attrib icacls takeown expand-archive compress-archive export-csv epcsv"
)


def _powershell(call: Call) -> Reading:
    """powershell, pwsh: `-Command` runs a text, `-File` a file."""
    at = 0
    while at < len(call.args):
        text = (call.args[at].exact or "").lower().replace("/", "-", 1)
        name = text.lstrip("-")
        if not text.startswith("-"):
            break
        if name and "command".startswith(name):
            return call.is_a(_SHELL) + _joined(call, at + 1, Dialect.POWERSHELL)
        if name and "file".startswith(name):
            return call.is_a(_SHELL)
        if name in ("noprofile", "nop", "noninteractive", "nonI".lower(), "nologo", "noexit", "sta", "mta"):
            at += 1
        elif name in (
            "executionpolicy",
            "ep",
            "ex",
            "exec",
            "version",
            "windowstyle",
            "w",
            "workingdirectory",
            "wd",
        ):
            at += 2
        else:
            return call.unknown("one of its options is not known")
    if at < len(call.args) and (call.args[at].exact or "").lower().endswith(".ps1"):
        return call.is_a(_SHELL)
    return _joined(call, at, Dialect.POWERSHELL) if at < len(call.args) else call.unknown("it reads commands")


def _cmd(call: Call) -> Reading:
    """cmd: `/c` and `/k` run the rest of the line."""
    for at, word in enumerate(call.args):
        text = (word.exact or "").lower()
        # Git Bash makes a path of /c, so //c is written there.
        if text.lstrip("/") in ("c", "k", "r") and text.startswith("/"):
            return call.is_a(_SHELL) + _joined(call, at + 1, Dialect.CMD)
        if text.lstrip("/") not in ("d", "q", "a", "u", "s") or not text.startswith("/"):
            break
    return call.unknown("it reads commands")


def _joined(call: Call, at: int, dialect: Dialect) -> Reading:
    texts = [word.text for word in call.args[at:]]
    known = [text for text in texts if text is not None]
    if not known or len(known) < len(texts):
        return call.unknown("the script that it runs is known only when it runs")
    return call.context.runner.line(" ".join(known), dialect, call.context)


def _writes(call: Call) -> Reading:
    """Writes what it is given; any of its words may be the path."""
    words = [word for word in call.args if not word.start.startswith("-")]
    return call.is_a(_SHELL) + call.is_a(_FILE_WRITE, *call.writes(words))


def _removes(call: Call) -> Reading:
    words = [word for word in call.args if not word.start.startswith(("-", "/"))]
    return call.is_a(_SHELL) + call.is_a(_DELETE, *call.writes(words, whole=True))


NAMES: Final[Mapping[str, Does]] = {
    **{name: found for found, names in _CLASSES.items() for name in names.split()},
    **dict.fromkeys((_WRITERS + _MORE_WRITERS).split(), _writes),
    **dict.fromkeys(_REMOVERS.split(), _removes),
    "powershell": _powershell,
    "pwsh": _powershell,
    "cmd": _cmd,
}
# Programs in files of their own; all other names are commands of a shell.
_FILES: Final = (
    "bitsadmin net netsh wmic mshta rundll32 regsvr32 cscript wscript certutil forfiles schtasks reg msiexec "
)
_MORE_FILES: Final = "pcalua conhost diskpart format xcopy robocopy attrib icacls takeown powershell pwsh cmd"
BUILT_IN: Final = frozenset(NAMES) - frozenset((_FILES + _MORE_FILES).split())
