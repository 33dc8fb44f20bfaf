"""One text judged: what is in it, as kinds and counts.

The values that are found do not leave `judge`: not in its result, not in an error, not in anything's `repr`.
"""

from __future__ import annotations

from itertools import islice
from typing import Final, Iterator

from sovereigncode.content import encoded, named, numbers, people, phones, tokens
from sovereigncode.content.ignored import NONE, Ignored
from sovereigncode.content.kinds import Findings, Kind, findings
from sovereigncode.content.plain import plain
from sovereigncode.content.view import Span, View, apart

# Base64 in base64 in base64; deeper is not opened.
_DEPTH: Final = 3
# Of one detector in one text. Nobody needs to know more, and a text of 16 MiB may have a million.
MOST: Final = 1000
# Words before a number are looked for at most one line up.
_APART: Final = "\n\n\n"


class NotJudged(Exception):  # noqa: N818 - it says what happened
    """The check failed, a fault of this program: nothing may leave. Its text is the type of the error."""


def judge(text: str, ignored: Ignored = NONE) -> Findings:
    """What is found in any string: pure, linear in its length, safe in any thread.

    A count of `MOST` or more means at least so many. NotJudged if the check itself fails.
    """
    try:
        return _judge(text, ignored)
    except Exception as error:  # noqa: BLE001 - an error of a library may quote what it was given
        failed = type(error).__name__
    del text
    raise NotJudged(failed)


def _judge(text: str, ignored: Ignored) -> Findings:
    counts: dict[Kind, int] = {}
    for _ in range(_DEPTH + 1):
        view = View(plain(text))
        for span in apart(_spans(view, ignored)):
            counts[span.kind] = counts.get(span.kind, 0) + 1
        text = _APART.join(encoded.hidden_texts(view))
        if not text:
            break
    return findings(counts)


def _spans(view: View, ignored: Ignored) -> Iterator[Span]:
    """Everything found that is not ignored; where two overlap, the one that comes first here counts."""
    for detector in _DETECTORS:
        found = (span for span in detector(view) if not ignored.has(view.data[span.start : span.end]))
        yield from islice(found, MOST)


def _in_digits(view: View) -> Iterator[Span]:
    for start, end in numbers.groups_of_digits(view):
        yield from numbers.numbers(view, start, end)
        yield from phones.national(view, start, end)


_DETECTORS: Final = (
    tokens.private_keys,
    tokens.service_tokens,
    named.named_secrets,
    people.at_signs,
    phones.with_country_code,
    numbers.letters_first,
    _in_digits,
)
