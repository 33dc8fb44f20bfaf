"""The second reader: independent code reads both texts and must find exactly the planned difference.

A config is JSON except for comments, trailing commas and references: a tokenizer removes these, and Python's
json reads the rest. What json refuses, the vendored json5 reads, a hundred times slower. Both accept
more than opencode does, so they check an edit and never decide what is valid. Nothing is shared with
the editor: not the scanner, not the way operations are applied, not the comparison.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn, Sequence

from opencode_config.jsonc.operations import Operation, Remove

_BOM: Final = "\ufeff"
# Strings and comments, whose content must not be read as anything else, and references outside them.
# An unclosed one extends to the end of the text; searching for its end at every beginning would be quadratic.
_HIDING: Final = (
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z))|(?P<comment>//[^\r\n]*|/\*.*?(?:\*/|\Z))'
    r"|(?P<bare>(?<![-+.\w])[-+.\w]*"
    r"(?:(?:\{env:[^}]+(?:\}|\Z)|\{file:(?:\{env:[^}]+(?:\}|\Z)|[^}])+(?:\}|\Z))[-+.\w]*)+)"
)
_PART: Final = re.compile(_HIDING, re.DOTALL)
# The same, and what decides whether a comma is a trailing one.
_TOKEN: Final = re.compile(
    rf"{_HIDING}|(?P<comma>,)|(?P<close>[}}\]])|(?P<open>[{{\[:])|(?P<blank>[ \t\r\n]+)|(?P<word>[-+.\w]+|.)",
    re.DOTALL,
)
# json5 ends a comment at these two, opencode does not.
_LINE_ENDS: Final = str.maketrans("\u2028\u2029", "  ")
_BARE: Final = "\x00bare "
# Longer integers are infinite as doubles, and Python refuses to read very long ones.
_DIGITS: Final = 400


class SafeMergeError(ValueError):
    """The edit is not proved, so it must not be written; `reason` is one sentence without any of the text."""

    def __init__(self, reason: str, *, too_deep: bool = False) -> None:
        self.reason = reason
        self.next_step = "nothing was written; please report this as a bug, with the structure of the config"
        if too_deep:
            self.next_step = (
                "nothing was written; reduce the nesting in this config, or make the change by hand"
            )
        super().__init__(reason)


def check_edit(before: str, after: str, operations: Sequence[Operation]) -> None:
    """Raise SafeMergeError unless `after` reads as `before` with the operations, and as nothing else.

    Call this in a thread of `background.start(call, deep=True)`: there it reads some 20,000 nested levels,
    1,400 with Python 3.12. Deeper nesting is refused. json5, which a config needs only if opencode
    would refuse it, takes about 14 ms per kB.
    """
    expected = _applied(_read(before, "the current text"), operations)
    found = _read(after, "the edited text")
    difference = _difference(expected, found)
    if difference is not None:
        where = ".".join(difference) or "the top level"
        raise SafeMergeError(f"the edited text differs at {where} from what was planned")


def _read(text: str, name: str) -> dict[str, Any]:
    if not text.lstrip(_BOM):
        return {}
    too_deep = False
    try:
        value = _loaded(text)
    except RecursionError:
        too_deep, reason = True, f"{name} is nested too deeply for the second parser"
    except (ValueError, ArithmeticError):
        # json5 quotes the text in its message.
        reason = f"the second parser cannot read {name}"
    else:
        if isinstance(value, dict):
            return _normal_object(value)
        reason = f"the second parser finds no object in {name}"
    raise SafeMergeError(reason, too_deep=too_deep)


def _loaded(text: str) -> Any:
    try:
        return json.loads(_as_json(text), parse_int=_integer, parse_constant=_refuse)
    except ValueError:
        # What is nested too deeply for json is much too deep for json5.
        return _by_json5(text)


def _by_json5(text: str) -> Any:
    from opencode_config._vendor import json5

    return json5.loads(_PART.sub(_readable, text), parse_int=_integer)


def _as_json(text: str) -> str:
    """The text without comments and trailing commas, and with each reference as a string."""
    pieces: list[str] = []
    trailing: int | None = None
    after_value = False
    for token in _TOKEN.finditer(text, len(_BOM) if text.startswith(_BOM) else 0):
        kind, piece = token.lastgroup, token[0]
        if kind == "comment":
            # json refuses an unclosed one.
            ended = piece[1] == "/" or (len(piece) >= len("/**/") and piece.endswith("*/"))
            pieces.append(" " if ended else piece)
            continue
        if kind == "blank":
            pieces.append(piece)
            continue
        if kind == "close" and trailing is not None:
            pieces[trailing] = " "
        trailing = len(pieces) if kind == "comma" and after_value else None
        after_value = kind not in ("comma", "open")
        pieces.append(_marked(piece) if kind == "bare" else piece)
    return "".join(pieces)


def _marked(reference: str) -> str:
    return json.dumps(_BARE + reference)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _readable(part: re.Match[str]) -> str:
    """The same for json5: a reference outside strings as a string of its own."""
    if part["bare"]:
        return _marked(part["bare"])
    return part["comment"].translate(_LINE_ENDS) if part["comment"] else part[0]


def _integer(digits: str, base: int = 10) -> float:
    return int(digits, base) if len(digits) < _DIGITS else float(digits)


def _normal(text: str) -> str:
    if type(text) is not str:
        # A reference that the plan takes from the config is marked like one outside strings.
        return _BARE + text
    # json5 leaves \ud83d\ude00 as two halves; they are one character.
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _normal_object(value: dict[str, Any]) -> dict[str, Any]:
    """The value as opencode has it: an escaped surrogate pair is one character, in keys and strings too."""
    whole: dict[str, Any] = {}
    pending: list[tuple[Any, Any]] = [(value, whole)]
    while pending:
        source, copy = pending.pop()
        pairs = source.items() if isinstance(source, dict) else (("", item) for item in source)
        for key, item in pairs:
            fresh: Any = item
            if isinstance(item, str):
                fresh = _normal(item)
            elif isinstance(item, (dict, list)):
                fresh = type(item)()
                pending.append((item, fresh))
            if isinstance(copy, dict):
                # opencode does not see such a key: in JavaScript it sets a prototype.
                if key != "__proto__":
                    copy[_normal(key)] = fresh
            else:
                copy.append(fresh)
    return whole


def _applied(value: dict[str, Any], operations: Sequence[Operation]) -> dict[str, Any]:
    """The value after the operations; changes the value."""
    for operation in operations:
        *above, last = operation.path
        here: Any = value
        for key in above:
            if isinstance(operation, Remove):
                here = here.get(key) if isinstance(here, dict) else None
            else:
                here = here.setdefault(key, {})
                if not isinstance(here, dict):
                    raise SafeMergeError(f"{key} contains no object to set {last} in")
        if isinstance(operation, Remove):
            if isinstance(here, dict):
                here.pop(last, None)
        else:
            here[last] = _normal_object({"": operation.value})[""]
    return value


def _difference(expected: Any, found: Any) -> tuple[str, ...] | None:
    """The path of the first difference, or None; 1 equals 1.0 as in JavaScript, and neither equals true."""
    pending: list[tuple[tuple[str, ...], Any, Any]] = [((), expected, found)]
    while pending:
        path, one, two = pending.pop()
        if isinstance(one, dict) and isinstance(two, dict):
            unmatched = sorted(one.keys() ^ two.keys())
            if unmatched:
                return (*path, unmatched[0])
            pending.extend(((*path, key), one[key], two[key]) for key in one)
        elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
            pending.extend(((*path, str(index)), *pair) for index, pair in enumerate(zip(one, two)))
        elif isinstance(one, (dict, list, bool)) or isinstance(two, (dict, list, bool)):
            if type(one) is not type(two) or one != two or isinstance(one, (dict, list)):
                return path
        elif one != two:
            return path
    return None
