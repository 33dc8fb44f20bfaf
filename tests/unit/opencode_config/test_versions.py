"""Which opencode versions are accepted, on values."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.errors import Refusal
from gonkagate_setup.errors import Exit, code_of, status_of
from opencode_config.program.find import Executable
from opencode_config.program.opencode import require_supported
from opencode_config.versions import NEWEST_AUDITED, Version

HERE = Executable(Path("/usr/bin/opencode"), native=True, size=1, mtime_ns=1)


@pytest.mark.parametrize("numbers", [(1, 4, 0), (1, 14, 34), (1, 18, 33), (1, 99, 0)])
def test_these_are_supported(numbers: tuple[int, int, int]) -> None:
    require_supported(Version(*numbers), HERE)


@pytest.mark.parametrize(
    ("numbers", "text", "why", "way_out"),
    [
        ((1, 3, 2), "1.3.2", "opencode 1.3.2 is too old: 1.4.0 or newer is needed", "opencode-ai@latest"),
        ((0, 0, 0), "0.0.0-dev-2026", "opencode 0.0.0-dev-2026 is too old", "opencode-ai@latest"),
        ((2, 0, 0), "2.0.0", "opencode 2.0.0 cannot prove what it uses", "opencode-ai@1"),
    ],
)
def test_these_are_refused_with_what_was_found_where_and_what_to_do(
    numbers: tuple[int, int, int], text: str, why: str, way_out: str
) -> None:
    with pytest.raises(Refusal) as caught:
        require_supported(Version(*numbers, text), HERE)
    error = caught.value
    assert (code_of(error), status_of(error)) == ("opencode_version_unsupported", Exit.OPENCODE)
    assert error.message.startswith(why)
    assert way_out in error.next_step
    assert str(error.where) == str(HERE.path)


def test_versions_compare_by_number_and_print_as_they_were_printed() -> None:
    assert Version(1, 9, 0) < Version(1, 10, 0) < Version(2, 0, 0)
    assert Version(1, 4, 0, "1.4.0-beta.1") == Version(1, 4, 0)
    assert str(Version(1, 4, 0, "1.4.0-beta.1")) == "1.4.0-beta.1"
    assert str(NEWEST_AUDITED) == "1.18.33"
