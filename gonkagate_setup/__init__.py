"""Set opencode up for GonkaGate, and prove that it works."""

from __future__ import annotations

__version__ = "0.1.0"
