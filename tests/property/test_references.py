"""References are found as opencode's patterns find them, in any text, in linear time."""

from __future__ import annotations

import re
import time
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonkagate_setup.core import jsonc
from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.core.references import env_references, file_references, fill_in
from gonkagate_setup.core.uninstalling import build
from tests.unit.surveying import PROJECT_FILE, expectation, survey

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
    assert fill_in(text, str.lower) == re.sub(r"\{env:([^}]+)\}", lambda match: match[1].lower(), text)


BULK = [
    "{}//" + "{env:" * 50_000,
    "{}//" + "{file:" * 40_000,
    "{}//" + "{env:a}" * 35_000,
    "{}/*" + "{file:a}" * 30_000 + "*/",
    "{}" + "/*{file:x}*/" * 20_000,
    "{}/*" + "{file:{env:" * 22_000 + "*/",
    "{}/*" + "{file:{env:a}" * 18_000 + "*/",
    "{}/*" + "{env:}{file:}" * 18_000 + "*/",
    "{}/*" + "{file:a}\n//" * 18_000 + "*/",
    '{"a":[' + "{env:a}," * 30_000 + "]}",
    '{"a":"' + "{file:~/.gonkagate/opencode/api-key}" * 6_000 + '"}',
    '{"model":"a",' + '"model":"a","small_model":"b",' * 7_000 + "}",
]


@pytest.mark.parametrize("text", BULK, ids=range(len(BULK)))
@pytest.mark.parametrize("use", ["tokens", "verdict", "uninstall"])
def test_a_large_foreign_config_takes_no_minutes(use: str, text: str) -> None:
    from gonkagate_setup.core import verdict

    uses: dict[str, Callable[[], object]] = {
        "tokens": lambda: jsonc.reference_tokens(jsonc.parse(text)),
        "verdict": lambda: verdict.predict(expectation(), survey({PROJECT_FILE: text})),
        "uninstall": lambda: build(GONKAGATE, survey({PROJECT_FILE: text}), None, ()),
    }
    started = time.process_time()
    uses[use]()
    # Quadratic ones took minutes.
    assert time.process_time() - started < 20
