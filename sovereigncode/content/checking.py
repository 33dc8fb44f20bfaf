"""A whole chat payload checked, each message once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Iterator, Mapping

from sovereigncode.content.ignored import NONE, Ignored
from sovereigncode.content.judging import judge
from sovereigncode.content.kinds import NOTHING, Findings, together
from sovereigncode.content.texts import texts
from sovereigncode.content.verdicts import Verdicts

_MESSAGES: Final = "messages"
# What nearly every message says about itself: nothing is found in these, so they are not judged each time.
WORDS: Final = frozenset(
    {"system", "developer", "user", "assistant", "tool", "function", "text", "image_url", "auto"}
)
_FIELD: Final = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True)
class Place:
    """A part of the payload in which something was found, `messages[3]` or `tools`; and what."""

    name: str
    findings: Findings


@dataclass(frozen=True)
class Checked:
    """What was found in a payload: all together, and by place in the payload's order. No values."""

    findings: Findings = NOTHING
    places: tuple[Place, ...] = ()


def check(payload: object, verdicts: Verdicts, ignored: Ignored = NONE) -> Checked:
    """Everything in the payload that would leave: messages, tools and every other field.

    `payload` is a JSON value: of an object every field is checked, each message by itself.
    TypeError, with the type and nothing else, for what is not a JSON value.
    """
    places = []
    for name, part in _parts(payload):
        found = _verdict(part, verdicts, ignored)
        if found:
            places.append(Place(name, found))
    return Checked(together(place.findings for place in places), tuple(places))


def _parts(payload: object) -> Iterator[tuple[str, object]]:
    if not isinstance(payload, Mapping):
        yield "", payload
        return
    for name, value in payload.items():
        if name == _MESSAGES and isinstance(value, (list, tuple)):
            yield from ((f"{_MESSAGES}[{number}]", message) for number, message in enumerate(value))
        else:
            yield _shown(name), {name: value}


def _shown(name: object) -> str:
    """A field's name if it can be nothing else: a client may send any text as a name."""
    return name if isinstance(name, str) and _FIELD.fullmatch(name) else "a field"


def _verdict(part: object, verdicts: Verdicts, ignored: Ignored) -> Findings:
    found = tuple(texts(part))
    digest = verdicts.digest(found, ignored)
    known = verdicts.get(digest)
    if known is not None:
        return known
    verdict = together(judge(text, ignored) for text in found if text not in WORDS)
    verdicts.put(digest, verdict)
    return verdict
