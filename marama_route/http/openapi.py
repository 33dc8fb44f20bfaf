"""The interface as an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

from marama_route import __version__


def document() -> dict[str, Any]:
    """The document, as JSON."""
    return {"openapi": "3.1.0", "info": {"title": "MaramaRoute", "version": __version__}, "paths": {}}
