"""One text judged: what is in it, as kinds and counts.

The values that are found do not leave `judge`: not in its result, not in an error, not in anything's `repr`.
"""

from __future__ import annotations

from itertools import chain
from typing import Final, Iterator

from sovereigncode.content import encoded, named, numbers, people, phones, tokens
from sovereigncode.content.ignored import NONE, Ignored
from sovereigncode.content.kinds import Findings, Kind, findings
from sovereigncode.content.plain import plain
from sovereigncode.content.view import Span, View, apart

# Base64 in base64 in base64; deeper is not opened.
_DEPTH: Final = 3


def judge(text: str, ignored: Ignored = NONE) -> Findings:
    """What is found in any string: pure, total, linear in its length, and safe in any thread."""
    counts: dict[Kind, int] = {}
    _judge(text, ignored, counts, _DEPTH)
    return findings(counts)


def _judge(text: str, ignored: Ignored, counts: dict[Kind, int], depth: int) -> None:
    view = View(plain(text))
    for span in apart(_spans(view)):
        if not ignored.has(view.data[span.start : span.end]):
            counts[span.kind] = counts.get(span.kind, 0) + 1
    if depth:
        for hidden in encoded.hidden_texts(view):
            _judge(hidden, ignored, counts, depth - 1)


def _spans(view: View) -> Iterator[Span]:
    """Everything found; where two overlap, the one that comes first here counts."""
    yield from tokens.private_keys(view)
    yield from tokens.service_tokens(view)
    yield from named.named_secrets(view)
    yield from people.at_signs(view)
    yield from phones.with_country_code(view)
    yield from numbers.letters_first(view)
    for start, end in numbers.groups_of_digits(view):
        yield from chain(numbers.numbers(view, start, end), phones.national(view, start, end))
