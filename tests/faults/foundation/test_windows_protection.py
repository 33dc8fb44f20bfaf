"""The Windows API itself: who is asked for, how names read back, and that what is set is what is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("the Windows API is on Windows only", allow_module_level=True)

from foundation.protection.windows import WindowsProtection, _current_user, as_written
from tests.support.windows import real_lists


def test_this_user_has_a_name_and_system_is_written_short() -> None:
    assert _current_user().startswith("S-1-5-")
    assert as_written("S-1-5-18") == "SY"
    assert as_written("S-1-5-21-1-2-3-1001") == "S-1-5-21-1-2-3-1001"


def test_what_is_recorded_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "ключ with blanks"
    path.write_bytes(b"x")
    protection = WindowsProtection()
    before = protection.record(path)
    protection.apply(path)
    protection.restore(path, before)
    assert protection.record(path) == before
    assert path.read_bytes() == b"x"


@real_lists
@pytest.mark.parametrize("folder", [False, True])
def test_what_is_set_is_read_back_as_well_protected(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "place"
    if folder:
        path.mkdir()
    else:
        path.write_bytes(b"x")
    protection = WindowsProtection()
    assert not protection.inspect(path).ok
    assert protection.apply(path).ok
    assert protection.inspect(path).ok


@real_lists
def test_a_file_in_a_protected_folder_is_the_users_alone_from_its_start(tmp_path: Path) -> None:
    WindowsProtection().apply(tmp_path)
    path = tmp_path / "new"
    path.write_bytes(b"x")
    detail = WindowsProtection().inspect(path).detail
    assert detail == f"{path} inherits its access list"


def test_what_cannot_be_read_is_told_and_not_raised(tmp_path: Path) -> None:
    assert not WindowsProtection().inspect(tmp_path / "nothing").ok
