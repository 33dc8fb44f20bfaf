"""Which sources are the program's own: what the contract tests read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = (
    "foundation",
    "opencode_config",
    "gonkagate_setup",
    "overlord",
    "sovereigncode",
    "marama_route",
)
MODULES: Final = sorted(
    path for name in PACKAGES for path in (ROOT / name).rglob("*.py") if "_vendor" not in path.parts
)
OVERLORD: Final = [path for path in MODULES if path.is_relative_to(ROOT / "overlord")]
# What gonkagate-setup is made of.
SETUP: Final = [
    path
    for path in MODULES
    if path.relative_to(ROOT).parts[0] in ("foundation", "opencode_config", "gonkagate_setup")
]
