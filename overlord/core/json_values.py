"""The type of stored JSON objects: fields that we do not know are kept, so they stay dictionaries."""

from __future__ import annotations

from typing import Any, Dict, Final

Json = Dict[str, Any]  # noqa: UP006 - evaluated on Python 3.9 too
SCHEMA_VERSION: Final = 1
