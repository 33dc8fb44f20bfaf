"""References are found as opencode's own patterns find them, in any text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from opencode_config.substitution import env_references, file_references, fill_in

PIECES = ["{env:", "{file:", "}", "{", "a", "//", "\n", "\r", " ", "\ufeff", "{env:A}", "{file:b}", "/*", ":"]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def skipped(text: str, offset: int) -> bool:
    """opencode looks at what stands before the reference on its line, without the blanks at its beginning."""
    return text[:offset].rpartition("\n")[2].lstrip(" \t\r\v\f\u00a0\u2028\u2029\ufeff").startswith("//")


@given(texts)
def test_as_opencodes_patterns_find_them(text: str) -> None:
    envs = [(match.start(), match.end(), match[1]) for match in re.finditer(r"\{env:([^}]+)\}", text)]
    assert list(env_references(text)) == envs
    for pattern, filled in (
        (r"\{file:([^}]+)\}", True),
        (r"\{file:((?:\{env:[^}]+\}|[^}])+)\}", False),
    ):
        found = [(match.start(), match.end(), match[1]) for match in re.finditer(pattern, text)]
        assert list(file_references(text, filled)) == [one for one in found if not skipped(text, one[0])]
    assert fill_in(text, env_references(text), str.lower) == re.sub(
        r"\{env:([^}]+)\}", lambda match: match[1].lower(), text
    )
