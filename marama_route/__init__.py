"""The gateway: one address in front of every model, that knows why and can say no."""

from __future__ import annotations

__version__ = "0.1.0"
