"""Scanning and editing a config by size, beside the second reader on the same text.

    python3 scripts/bench.py jsonc

Times are CPU time of this process, so that other work on the machine counts less. The document is a made
one: many providers with models, comments and trailing commas, as large configs look.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import Callable, Final

from opencode_config import jsonc
from opencode_config._vendor import json5
from opencode_config.jsonc import crosscheck
from opencode_config.jsonc import scan as jsonc_scan
from opencode_config.jsonc.operations import Set
from scripts.benchmarks import BenchmarkError, Row

TITLE: Final = "Lossless editing: scan, one edit, and the second reader"

_SIZES: Final = {"10 kB": 10_000, "100 kB": 100_000, "1 MB": 1_000_000}
_EDIT: Final = Set(("provider", "gonkagate", "name"), "GonkaGate")
_ENTRY: Final = """\
    // number {number}
    "provider-{number}": {{
      "npm": "@ai-sdk/openai-compatible", // the usual one
      "options": {{ "baseURL": "https://host-{number}.example/v1", "apiKey": "{{env:KEY_{number}}}" }},
      "models": {{
        "model-{number}": {{ "name": "\\u00e9 {number}", "limit": {{ "context": 131072, "output": 8192 }} }},
      }},
    }},
"""


def document(size: int) -> str:
    """A config of about `size` characters."""
    one = len(_ENTRY.format(number=1000))
    entries = "".join(_ENTRY.format(number=1000 + number) for number in range(size // one))
    return '{\n  "theme": "system",\n  "provider": {\n' + entries + "  },\n}\n"


def measure(runs: int) -> list[Row]:
    """Medians in milliseconds of CPU time, and the ratios that have targets."""
    texts = {name: document(size) for name, size in _SIZES.items()}
    edit = {name: _milliseconds(partial(_edit, text), runs) for name, text in texts.items()}
    scan = {name: _milliseconds(partial(jsonc_scan.scan, text), runs) for name, text in texts.items()}
    check = {name: _milliseconds(_checking(text), runs) for name, text in texts.items()}
    reader = {
        name: _milliseconds(partial(json5.loads, texts[name]), min(runs, 3)) for name in ("10 kB", "100 kB")
    }
    rows = [Row(f"scan and one edit, {name}", value, "ms") for name, value in edit.items()]
    rows += [Row(f"second reader, {name}", value, "ms", note="both texts") for name, value in check.items()]
    rows += [Row(f"json5, {name}", value, "ms", note="one text") for name, value in reader.items()]
    rows.append(
        Row("1 MB against 100 kB", edit["1 MB"] / edit["100 kB"], "x", 12, "scan and one edit; linear is 10")
    )
    rows.append(
        Row("second reader, 1 MB against 100 kB", check["1 MB"] / check["100 kB"], "x", 20, "linear is 10")
    )
    rows.append(Row("second reader against scan and one edit, 1 MB", check["1 MB"] / edit["1 MB"], "x", 3))
    rows += [
        Row(f"scan against json5, {name}", scan[name] / value, "x", 0.1, "the same text")
        for name, value in reader.items()
    ]
    return rows


def _checking(text: str) -> Callable[[], object]:
    edited = jsonc.apply(jsonc.parse(text), [_EDIT]).text
    return partial(crosscheck.check_edit, text, edited, [_EDIT])


def _edit(text: str) -> None:
    if jsonc.apply(jsonc.parse(text), [_EDIT]).find(_EDIT.path) is None:
        raise BenchmarkError("the edit did not take place")
    # The next run must not find it parsed.
    jsonc.parse.cache_clear()


def _milliseconds(call: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)
