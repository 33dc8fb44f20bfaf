"""The decisions of the Windows protection; that the API does as told is shown on Windows."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest

from foundation.files.links import plain
from foundation.protection.windows import judge, wanted

ME = "S-1-5-21-1004336348-1177238915-682003330-1001"
PATH = PureWindowsPath(r"C:\Users\me\.gonkagate\opencode\api-key")


def status(sddl: str) -> tuple[bool, str]:
    found = judge(sddl, ME, PATH)
    assert found.repairable is not found.ok
    return found.ok, found.detail


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_set_is_what_is_wanted(folder: bool) -> None:
    text = wanted(ME, folder=folder)
    assert status(text) == (True, "")
    assert ("OICI" in text) is folder
    assert [part.rsplit(";", 1)[1] for part in text.split(")")[:-1]] == ["SY", "BA", ME]


@pytest.mark.parametrize(
    "sddl",
    [
        # As Windows gives back what was set: flags grow, order and number form may differ.
        f"D:PAI(A;;FA;;;{ME})(A;;FA;;;SY)(A;;FA;;;BA)",
        f"O:{ME}G:{ME}D:PARAI(A;OICI;0x1f01ff;;;{ME})(A;OICI;FA;;;S-1-5-18)(A;OICI;FA;;;S-1-5-32-544)",
        f"D:P(A;;FA;;;{ME})",
        f"D:P(A;;FA;;;{ME})S:AI",
        f"D:P(D;;FA;;;WD)(A;;FA;;;{ME})",
    ],
)
def test_good_as_read_back(sddl: str) -> None:
    assert status(sddl) == (True, "")


@pytest.mark.parametrize(
    ("sddl", "why"),
    [
        ("", "no access list"),
        ("O:BAG:BA", "no access list"),
        ("D:NO_ACCESS_CONTROL", "not understood"),
        (f"D:P(A;;FA;;;{ME})(A;;FR;;;WD)", "can be used by WD"),
        (f"D:P(A;;FA;;;{ME})(A;;FR;;;BU)", "can be used by BU"),
        (f"D:P(A;;FA;;;{ME})(A;;0x1200a9;;;S-1-5-21-1-2-3-1002)", "can be used by S-1-5-21-1-2-3-1002"),
        (f"D:P(A;;FA;;;{ME})(XA;;FR;;;WD;(x))", "not understood"),
        ("D:P(A;;FA;;;SY)(A;;FA;;;BA)", "does not name its user"),
        (f"D:P(A;;FR;;;{ME})", "does not name its user"),
        (f"D:P(D;;FA;;;{ME})", "does not name its user"),
        (f"D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;{ME})", "inherits"),
        (f"D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{ME})", "inherits"),
        (f"D:P(A;;FA)(A;;FA;;;{ME})", "not understood"),
    ],
)
def test_bad_as_read_back(sddl: str, why: str) -> None:
    ok, detail = status(sddl)
    assert not ok
    assert why in detail
    assert detail.count(str(PATH)) == 1


def test_the_name_that_windows_has_for_the_user_counts() -> None:
    # The built-in Administrator, RID 500, is read back as LA.
    assert judge("D:PAI(A;;FA;;;LA)(A;;FA;;;SY)(A;;FA;;;BA)", "LA", PATH).ok
    assert not judge("D:PAI(A;;FA;;;LA)(A;;FA;;;SY)(A;;FA;;;BA)", ME, PATH).ok


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("\\\\?\\C:\\dotfiles\\opencode.json", "C:\\dotfiles\\opencode.json"),
        ("\\\\?\\UNC\\host\\share\\x", "\\\\host\\share\\x"),
        ("\\\\?\\Volume{1}\\x", "\\\\?\\Volume{1}\\x"),
        ("..\\opencode.json", "..\\opencode.json"),
        ("C:\\x", "C:\\x"),
    ],
)
def test_a_links_target_is_named_as_people_name_it(target: str, expected: str) -> None:
    assert plain(target) == expected
