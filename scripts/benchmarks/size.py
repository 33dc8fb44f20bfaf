"""What people download."""

from __future__ import annotations

from typing import Final

from scripts.benchmarks import Row
from scripts.benchmarks.subjects import binaries, packed

TITLE: Final = "size"
_KILO: Final = 1_000
_MEGA: Final = 1_000_000
_PACKED_TARGET: Final = 150.0
_NATIVE_TARGETS: Final = {"native": 7.0}


def measure(_runs: int) -> list[Row]:
    """The .pyz, built here, and the binaries that are in dist/."""
    rows = [Row(".pyz", packed().stat().st_size / _KILO, "kB", _PACKED_TARGET)]
    for one in binaries():
        size = None if one.missing else one.path.stat().st_size / _MEGA
        rows.append(Row(one.name, size, "MB", _NATIVE_TARGETS.get(one.name), one.missing))
    return rows
