"""mmi-cli overlord: one Ultra and several normal servants, as stored conversations with a chat API."""

from __future__ import annotations

__version__ = "0.1.0"
