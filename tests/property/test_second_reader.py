"""The second reader's quick way (json) reads all that opencode does, and as the slow one (json5)."""

from __future__ import annotations

import json
from typing import Any, Iterator

from opencode_config._vendor import json5
from opencode_config.jsonc import crosscheck
from tests.golden.test_jsonc import CASES
from tests.golden.test_jsonc import read as golden
from tests.property.test_jsonc_differential import corpus, generated, mutants, needs_corpus, read

UNREAD = object()


def quickly(text: str) -> Any:
    try:
        value = json.loads(
            crosscheck._as_json(text),
            parse_int=crosscheck._integer,
            parse_constant=crosscheck._refuse,
        )
    except (ValueError, RecursionError):
        return UNREAD
    return crosscheck._normal_object({"": value})


def slowly(text: str) -> Any:
    readable = crosscheck._PART.sub(crosscheck._readable, text)
    try:
        value = json5.loads(readable, parse_int=crosscheck._integer)
    except (ValueError, ArithmeticError):
        return UNREAD
    return crosscheck._normal_object({"": value})


def same(one: Any, other: Any) -> bool:
    if one is UNREAD or other is UNREAD:
        return one is other
    return crosscheck._difference(one, other) is None


def goldens() -> Iterator[str]:
    for path in CASES:
        case = golden(path)
        yield from (case.before, case.after)


def test_p12_on_the_golden_cases() -> None:
    texts = [text for text in goldens() if text.strip("\ufeff")]
    assert len(texts) >= 150
    for text in texts:
        assert quickly(text) is not UNREAD, text
        assert same(quickly(text), slowly(text)), text


def test_p12_on_generated_documents(deep: bool) -> None:
    for text in generated(3_000 if deep else 150):
        assert quickly(text) is not UNREAD, text
        assert same(quickly(text), slowly(text)), text


@needs_corpus
def test_p12_on_the_corpus(deep: bool) -> None:
    texts = corpus()
    assert [text for text in texts if (quickly(text) is UNREAD) == read(text).accepted] == []
    # json5 takes a second for 25 kB.
    for text in texts if deep else sorted(texts, key=len)[:30]:
        assert same(quickly(text), slowly(text)), text


def test_p12_on_mutants(deep: bool) -> None:
    """json5 takes more than json does (single quotes, hexadecimal); what json takes, it reads alike."""
    seeds = [*goldens(), *generated(100)]
    accepted = 0
    for text in mutants(seeds, 20_000 if deep else 800, seed=3):
        if not text.strip("\ufeff"):
            continue
        quick = quickly(text)
        if read(text).accepted:
            accepted += 1
            assert quick is not UNREAD, text
        if quick is not UNREAD:
            assert same(quick, slowly(text)), text
    assert accepted > 100
