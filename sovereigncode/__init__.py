"""The policy of a workspace: decided, approved by people, and recorded."""

from __future__ import annotations

__version__ = "0.1.0"
