"""Access lists on Windows: the current user, SYSTEM and Administrators, nothing inherited.

Set and read back through the Windows API (advapi32). The text form of an access list is SDDL:
https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path, PurePath
from typing import Any, Final

from foundation.protection.status import Status

_SYSTEM: Final = frozenset({"SY", "S-1-5-18"})
_ADMINISTRATORS: Final = frozenset({"BA", "S-1-5-32-544"})

_DACL: Final = re.compile(r"D:(?P<flags>[A-Z]*)(?P<entries>(?:\([^()]*\))*)")
# type; flags; rights; object; inherited object; trustee
_FIELDS: Final = 6
_ALLOWING: Final = frozenset({"A", "XA", "OA"})
_ENTRY: Final = re.compile(r"\(([^()]*)\)")
_FULL_ACCESS: Final = frozenset({"FA", "0x1f01ff", "GA"})

_FILE_OBJECT: Final = 1
_DACL_INFORMATION: Final = 0x4
_PROTECTED_DACL: Final = 0x80000000
_UNPROTECTED_DACL: Final = 0x20000000
_TOKEN_QUERY: Final = 0x8
_TOKEN_USER: Final = 1
_REVISION: Final = 1
_ACL_FLAG_PROTECTED: Final = "P"


def wanted(user: str, *, folder: bool) -> str:
    """The access list, as SDDL, for a file or folder of the user with this SID."""
    inherit = "OICI" if folder else ""
    return "D:P" + "".join(f"(A;{inherit};FA;;;{who})" for who in ("SY", "BA", user))


def judge(sddl: str, user: str, path: PurePath) -> Status:
    """Whether an access list that was read back allows only the user, SYSTEM and Administrators.

    `user` is how a list that is read back names the user: the SID, or Windows' name for it.
    """
    complaint = _complaint(sddl, user)
    return Status(True) if complaint is None else Status(False, f"{path} {complaint}", repairable=True)


def _complaint(sddl: str, user: str) -> str | None:
    match = _DACL.search(sddl)
    if match is None:
        return "has no access list, so anyone can use it"
    entries = [entry.split(";") for entry in _ENTRY.findall(match["entries"])]
    rest = sddl[match.end() :]
    # Conditional entries nest parentheses; none of our lists has them.
    if (rest and not rest.startswith("S:")) or any(len(fields) < _FIELDS for fields in entries):
        return "has an access list that was not understood"
    allowed = [(fields[5], fields[2]) for fields in entries if fields[0] in _ALLOWING]
    for who, _ in allowed:
        if who != user and who not in _SYSTEM and who not in _ADMINISTRATORS:
            return f"can be used by {who}"
    if not any(who == user and rights in _FULL_ACCESS for who, rights in allowed):
        return "has an access list that does not name its user"
    if not _is_protected(match["flags"]):
        return "inherits its access list"
    return None


def _is_protected(flags: str) -> bool:
    return _ACL_FLAG_PROTECTED in flags.replace("AI", "").replace("AR", "")


class WindowsProtection:
    """Access lists, set and read back."""

    def inspect(self, path: Path) -> Status:
        """See Protection."""
        try:
            if not os.path.lexists(path):
                return Status(False, f"{path} does not exist")
            return judge(_read(path), as_written(_current_user()), path)
        except OSError as problem:
            return Status(False, f"the access list of {path} cannot be read ({problem.strerror})")

    def apply(self, path: Path) -> Status:
        """See Protection."""
        _write(path, wanted(_current_user(), folder=path.is_dir()))
        after = self.inspect(path)
        return after if after.ok else Status(False, f"{after.detail}, and that could not be changed")

    def record(self, path: Path) -> str:
        """See Protection."""
        return _read(path)

    def restore(self, path: Path, recorded: str) -> None:
        """See Protection."""
        if _read(path) != recorded:
            _write(path, recorded)


def as_written(user: str) -> str:
    """How a list that is read back names this SID: the built-in Administrator is `LA`, SYSTEM is `SY`."""
    security = _library("advapi32")
    with _Local() as descriptor:
        _parse(security, wanted(user, folder=False), descriptor)
        return str(_ENTRY.findall(_text(security, descriptor))[-1].split(";")[5])


def _library(name: str) -> Any:
    windows: Any = ctypes
    return windows.WinDLL(name, use_last_error=True)


def _error(code: int) -> OSError:
    windows: Any = ctypes
    error: OSError = windows.WinError(code)
    return error


def _last_error() -> OSError:
    windows: Any = ctypes
    return _error(windows.get_last_error())


class _Local:
    """Memory that Windows allocated for us, freed at the end."""

    def __init__(self) -> None:
        self.pointer = ctypes.c_void_p()

    def __enter__(self) -> ctypes.c_void_p:
        return self.pointer

    def __exit__(self, *_: object) -> None:
        kernel = _library("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        kernel.LocalFree(self.pointer)


def _read(path: Path) -> str:
    security = _library("advapi32")
    with _Local() as descriptor:
        code = security.GetNamedSecurityInfoW(
            ctypes.c_wchar_p(str(path)),
            _FILE_OBJECT,
            _DACL_INFORMATION,
            None,
            None,
            None,
            None,
            ctypes.byref(descriptor),
        )
        if code:
            raise _error(code)
        return _text(security, descriptor)


def _text(security: Any, descriptor: ctypes.c_void_p) -> str:
    with _Local() as text:
        if not security.ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor, _REVISION, _DACL_INFORMATION, ctypes.byref(text), None
        ):
            raise _last_error()
        return ctypes.wstring_at(text.value or 0)


def _parse(security: Any, sddl: str, descriptor: ctypes.c_void_p) -> None:
    if not security.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        ctypes.c_wchar_p(sddl), _REVISION, ctypes.byref(descriptor), None
    ):
        raise _last_error()


def _write(path: Path, sddl: str) -> None:
    security = _library("advapi32")
    with _Local() as descriptor:
        _parse(security, sddl, descriptor)
        present, defaulted, entries = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p()
        if not security.GetSecurityDescriptorDacl(
            descriptor, ctypes.byref(present), ctypes.byref(entries), ctypes.byref(defaulted)
        ):
            raise _last_error()
        match = _DACL.search(sddl)
        protected = match is not None and _is_protected(match["flags"])
        what = _DACL_INFORMATION | (_PROTECTED_DACL if protected else _UNPROTECTED_DACL)
        security.SetNamedSecurityInfoW.argtypes = [
            ctypes.c_wchar_p,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        code = security.SetNamedSecurityInfoW(str(path), _FILE_OBJECT, what, None, None, entries, None)
        if code:
            raise _error(code)


def _current_user() -> str:
    """The SID of the user that this process runs as."""
    kernel, security = _library("kernel32"), _library("advapi32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    token = ctypes.c_void_p()
    if not security.OpenProcessToken(
        ctypes.c_void_p(kernel.GetCurrentProcess()), _TOKEN_QUERY, ctypes.byref(token)
    ):
        raise _last_error()
    try:
        size = ctypes.c_uint()
        security.GetTokenInformation(token, _TOKEN_USER, None, 0, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        if not security.GetTokenInformation(token, _TOKEN_USER, buffer, size, ctypes.byref(size)):
            raise _last_error()
        # TOKEN_USER begins with a pointer to the SID.
        sid = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p)).contents
        with _Local() as text:
            if not security.ConvertSidToStringSidW(sid, ctypes.byref(text)):
                raise _last_error()
            return ctypes.wstring_at(text.value or 0)
    finally:
        kernel.CloseHandle(token)
