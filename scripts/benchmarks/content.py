"""The content check: how long it takes, what it finds in public text by mistake, and what it misses.

    python3 scripts/bench.py content

False alarms: everything that is found in the packages of public_text.py was looked at by hand. What it is,
content_labels.json says by file and kind: `real` (somebody's), `example` (made up, of the right form: it
counts, and the allow-list is for it) or `none` (a false alarm). What is not in that file is a false alarm,
but for e-mail addresses, which are `real` or, by their domains, `example`. Misses: made-up values in
sentences, source and JSON. Times are CPU time.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Callable, Final, Iterable

from scripts.benchmarks import BenchmarkError, Row, public_text
from tests.support import content_samples as samples

TITLE: Final = "Content check: time, false alarms, misses"

_BLOCK: Final = 100_000
_BLOCKS: Final = 40
_SOURCE: Final = (".py", ".js", ".ts", ".tsx", ".pyi", ".mjs", ".cjs")
_SAMPLES: Final = 2000
_LABELS: Final = Path(__file__).with_name("content_labels.json")
# Addresses that are made up, by their domains.
_EXAMPLES: Final = (
    *(
        "example",
        "test",
        "domain",
        "company",
        "evil",
        "email",
        "foo",
        "bar",
        "baz",
        "victim",
        "host",
        "server",
    ),
    *("client", "attacker", "good", "big", "someplace", "exemplo", "ejemplo", "beispiel", "destination", "c"),
)
_MISSES: Final = (
    ("payment cards", samples.card, samples.PROSE, "payment_card"),
    ("bank accounts, New Zealand", samples.bank, samples.PROSE, "bank_account"),
    ("bank accounts, IBAN", samples.iban, samples.PROSE, "bank_account"),
    ("IRD numbers with hyphens", samples.ird, samples.PROSE, "tax_number"),
    ("IRD numbers after a word for one", samples.ird_digits, samples.LABELLED_IRD, "tax_number"),
    ("NHI numbers, old form", samples.nhi_old, samples.PROSE, "health_number"),
    ("NHI numbers, new form", samples.nhi_new, samples.PROSE, "health_number"),
    ("e-mail addresses", samples.email, samples.PROSE, "email_address"),
    ("phone numbers", samples.phone, samples.PROSE, "phone_number"),
    ("private keys", samples.private_key, samples.PROSE, "private_key"),
    ("tokens of services", samples.token, samples.PROSE, "service_token"),
    ("secrets of 20 characters and more, named", samples.secret, samples.NAMED, "named_secret"),
    ("secrets of 16 characters, named", samples.secret_16, samples.NAMED, "named_secret"),
    ("passwords, named", samples.password, samples.PASSWORDS, "named_secret"),
    ("passwords in URLs", samples.url_password, samples.URLS, "url_password"),
)


def measure(runs: int) -> list[Row]:
    """Milliseconds for 100 kB, false alarms for 10 MB, and misses in percent."""
    try:
        import phonenumbers  # noqa: F401 - what the check needs, and Python 3.9 does not get
    except ImportError as error:
        raise BenchmarkError("the content check needs Python 3.10 or newer") from error
    files = list(public_text.files())
    return [*_times(files, runs), *_alarms(files), *_prompts(), *_missed()]


def _times(files: Iterable[tuple[str, str]], runs: int) -> list[Row]:
    from sovereigncode.content import Verdicts, check, judge

    blocks = _blocks(files)
    escaped = [json.dumps({"content": block})[:_BLOCK] for block in blocks]
    numbers = "\n".join(
        f"{n * 7919 % 10**7},{n * 104729 % 10**10},0.{n * 15485863 % 10**9}" for n in range(4000)
    )
    kept = Verdicts(bytes(32))
    payload = {"messages": [{"role": "tool", "content": blocks[0]}]}
    check(payload, kept)
    return [
        Row(
            "100 kB of new source text",
            _median(judge, blocks, runs),
            "ms",
            1,
            f"median of {len(blocks)} pieces",
        ),
        Row("the same as the arguments of a tool call", _median(judge, escaped, runs), "ms"),
        Row("100 kB of numbers", _median(judge, [numbers[:_BLOCK]], runs), "ms", note="three columns"),
        Row(
            "100 kB that were judged before",
            _median(partial(check, verdicts=kept), [payload], runs),
            "ms",
            0.5,
        ),
    ]


def _blocks(files: Iterable[tuple[str, str]]) -> list[str]:
    """Pieces of source files in any order, at most 20 kB of each: several projects in every piece."""
    sources = [text[:20_000] for name, text in files if name.endswith(_SOURCE)]
    Random(1).shuffle(sources)  # noqa: S311 - a fixed order
    joined = "\n".join(sources[: _BLOCKS * 20])
    return [
        joined[start : start + _BLOCK]
        for start in range(0, min(len(joined) - _BLOCK, _BLOCKS * _BLOCK), _BLOCK)
    ]


def _median(call: Callable[[Any], object], inputs: Iterable[object], runs: int) -> float:
    """The median over the inputs of the best of the runs, which other work on the machine spoils least."""
    return statistics.median(min(_milliseconds(call, one) for _ in range(runs)) for one in inputs)


def _milliseconds(call: Callable[[Any], object], one: object) -> float:
    start = time.process_time()
    call(one)
    return (time.process_time() - start) * 1000


def _alarms(files: Iterable[tuple[str, str]]) -> list[Row]:
    from sovereigncode.content import Ignored, judge

    made_up = Ignored(
        pattern for word in _EXAMPLES for pattern in (f"*@{word}.*", f"*.{word}.*", f"*.{word}")
    )
    labels = json.loads(_LABELS.read_text(encoding="utf-8"))
    found: Counter[str] = Counter()
    size = total = wrong_files = flagged_files = 0
    for name, text in files:
        total += 1
        size += len(text)
        names = judge(text).names
        if not names:
            continue
        flagged_files += 1
        mine: Counter[str] = Counter()
        for kind, count in names.items():
            label = labels.get(name, {}).get(kind)
            if kind == "email_address" and label is None:
                real = judge(text, made_up).names.get(kind, 0)
                mine.update({"real": real, "example": count - real})
            else:
                mine[label or "none"] += count
        found.update(mine)
        wrong_files += mine["none"] > 0
    note = f"{total} files, {size / 1e6:.0f} MB"
    return [
        Row("false alarms in 10 MB of public text", found["none"] / size * 1e7, "", 1, note),
        Row("files with a false alarm", wrong_files / total * 100, "%", 0.1),
        Row("files with a finding", flagged_files / total * 100, "%", note="authors, examples, fixtures"),
        Row("findings that are somebody's", found["real"], "", note="most are authors"),
        Row("findings that are made-up examples", found["example"], ""),
        Row("findings that are none", found["none"], ""),
    ]


def _prompts() -> list[Row]:
    from sovereigncode.content import judge

    judged = [sum(judge(text).names.values()) for _, text in public_text.prompts()]
    return [
        Row("findings in opencode's own prompts", sum(judged), "", 0, f"{len(judged)} pieces of its program")
    ]


def _missed() -> list[Row]:
    from sovereigncode.content import judge

    rows = []
    for name, make, frames, kind in _MISSES:
        random = Random(name)  # noqa: S311 - the same samples each time
        texts = [samples.written(make(random), frames, random) for _ in range(_SAMPLES)]
        missed = sum(kind not in judge(text).names for text in texts)
        rows.append(Row(f"missed: {name}", missed / _SAMPLES * 100, "%", 2, f"of {_SAMPLES}"))
    return rows
