"""Whether this is a real Windows or the wine of scripts/wine.py, which lacks some of it."""

from __future__ import annotations

import ctypes
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest


def _is_wine() -> bool:
    if sys.platform != "win32":
        return False
    loader: Any = ctypes
    return hasattr(loader.WinDLL("ntdll"), "wine_get_version")


WINE = _is_wine()
# wine makes access lists from modes: none is protected, and every one lets everybody read.
real_lists = pytest.mark.skipif(WINE, reason="wine keeps no access lists")
# What Python's msvcrt.locking raises there has the number of some earlier error.
real_locks = pytest.mark.skipif(WINE, reason="wine's _locking sets no errno")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")


def link(path: Path, target: Path) -> None:
    """Make a symbolic link, or skip the test: Windows wants a privilege for it, and wine makes none."""
    try:
        path.symlink_to(target)
    except OSError as problem:
        pytest.skip(f"no symbolic links here: {problem}")
    if not path.is_symlink():
        pytest.skip("no symbolic links here")
