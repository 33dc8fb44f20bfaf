"""A value that was found leaves nowhere: results, reprs, errors, pickles, the cache."""

from __future__ import annotations

import gc
import pickle
import sys
import traceback
from pathlib import Path
from random import Random
from typing import Any, Callable

import pytest

from sovereigncode.content import Ignored, Verdicts, check, judge, judging
from sovereigncode.content.view import View
from tests.support import canary
from tests.support import content_samples as samples

MAKERS: tuple[Callable[[Random], str], ...] = (
    samples.email,
    samples.card,
    samples.bank,
    samples.iban,
    samples.ird,
    samples.nhi_new,
    samples.phone,
    samples.private_key,
    samples.token,
    lambda random: f'password = "{samples.password(random)}"',
    lambda random: f"API_KEY={samples.secret(random)}",
)


def pieces(value: str) -> list[str]:
    """What must not be anywhere: the value, and its longest parts."""
    return [value, *(value[i : i + 8] for i in range(0, len(value) - 8, 4))] if len(value) >= 8 else [value]


@pytest.mark.parametrize("make", MAKERS)
def test_no_output_has_the_value(make: Callable[[Random], str]) -> None:
    random = Random(11)
    for _ in range(20):
        value = make(random)
        kept = Verdicts(bytes(32))
        payload = {"messages": [{"role": "user", "content": f"see {value} there"}], "user": value}
        checked = check(payload, kept)
        assert checked.findings
        findings = judge(value)
        said = [repr(checked), str(checked), str(findings), repr(findings), repr(findings.names), repr(kept)]
        said += [
            repr(vars(kept)),
            repr(pickle.dumps(checked)),
            repr([place.name for place in checked.places]),
        ]
        said += [repr(Ignored([value])), repr(View(value.encode())), str(View(value.encode()))]
        assert [text for text in said for piece in pieces(value) if piece in text] == []


def test_an_error_has_no_value_and_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks inside, what comes out says only that it broke."""
    value = samples.token(Random(12))

    def broken(view: View) -> Any:
        secret = bytes(view.data)
        raise RuntimeError(f"cannot read {secret!r}")

    monkeypatch.setattr(judging, "_DETECTORS", (broken,))
    with pytest.raises(judging.NotJudged) as caught:
        judge(f"see {value}")
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    inside = [frame for frame in whole.format() if Path(judging.__file__).name in frame]
    assert inside
    assert value not in str(error) + repr(error) + "".join(inside)


def test_nothing_keeps_the_text_afterwards() -> None:
    """Caches of this program and of the libraries hold no value after a check."""
    marker = "zq7" + samples.some(Random(13), samples.BASE62, 20)
    text = f"{marker}@lovelace.org.nz +64 21 123 4567"
    check({"messages": [{"content": text}]}, Verdicts(bytes(32)))
    gc.collect()
    frame = sys._getframe()
    holders = [
        holder
        for holder in gc.get_objects()
        if isinstance(holder, (dict, list, tuple, set))
        and holder is not frame.f_locals
        and any(isinstance(one, (str, bytes)) and _has(one, marker) for one in _inside(holder))
    ]
    assert [type(holder) for holder in holders] == []


def _inside(holder: Any) -> Any:
    return [*holder, *holder.values()] if isinstance(holder, dict) else holder


def _has(one: str | bytes, marker: str) -> bool:
    return marker in one if isinstance(one, str) else marker.encode() in one


def test_canaries_are_found_as_credentials() -> None:
    """The keys of the suite's own leak hunt are of a form that the check knows."""
    keys = [canary.new_canary().key for _ in range(300)]
    assert [key for key in keys if judge(key).names != {"service_token": 1}] == []
