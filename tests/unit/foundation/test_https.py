"""Which hosts NO_PROXY leaves out, compared with what Python's own urllib does."""

from __future__ import annotations

from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import pytest

from foundation.https import _bypassed

NAMES = (
    "",
    "*",
    "api.example",
    ".example",
    "example",
    "ample",
    "API.Example",
    "other, api.example",
    "other,,",
    "api.example:443",
    "*.example",
    " .example ",
)


@pytest.mark.parametrize("exceptions", NAMES)
@pytest.mark.parametrize("host", ["api.example", "API.EXAMPLE", "example", "api.example.org"])
def test_no_proxy_is_read_as_python_reads_it(host: str, exceptions: str) -> None:
    assert _bypassed(host, exceptions) == bool(proxy_bypass_environment(host, {"no": exceptions}))
