"""References are found in linear time, whoever wrote the config."""

from __future__ import annotations

import time
from typing import Callable

import pytest

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.uninstalling import build
from opencode_config import jsonc
from tests.support.surveying import PROJECT_FILE, expectation, survey

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


@pytest.mark.large
@pytest.mark.parametrize("text", BULK, ids=range(len(BULK)))
@pytest.mark.parametrize("use", ["tokens", "verdict", "uninstall"])
def test_a_large_foreign_config_takes_no_minutes(use: str, text: str) -> None:
    from gonkagate_setup.judgement import verdict

    uses: dict[str, Callable[[], object]] = {
        "tokens": lambda: jsonc.reference_tokens(jsonc.parse(text)),
        "verdict": lambda: verdict.predict(expectation(), survey({PROJECT_FILE: text})),
        "uninstall": lambda: build(GONKAGATE, survey({PROJECT_FILE: text}), None, ()),
    }
    started = time.process_time()
    uses[use]()
    # Quadratic ones took minutes.
    assert time.process_time() - started < 20
