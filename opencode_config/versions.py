"""The versions of opencode that make a difference, each with what begins or ends there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, order=True)
class Version:
    """An opencode version; compares by its three numbers, prints as opencode printed it."""

    major: int
    minor: int
    patch: int
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or f"{self.major}.{self.minor}.{self.patch}"


# 1.3.2 does not know `debug config --pure` (docs/opencode-facts.md#versions-and-the-spelling-of-opencode-2).
OLDEST: Final = Version(1, 4, 0)
# From here on `debug config` lists sources instead of the resolved config.
BEYOND: Final = Version(2, 0, 0)
# From here on, or from one of the four versions before, opencode removes the `#variant` of a model.
VARIANTS_GO: Final = Version(1, 18, 28)
# The newest opencode whose behaviour was measured for docs/layers.md.
NEWEST_AUDITED: Final = Version(1, 18, 33)
