"""Prepare text for output: make it visible, wrap it, make it safe for the stream's encoding, colour it.

Our own wording is plain ASCII; only what comes from the machine (paths, names in
configs) can contain anything else.
"""

from __future__ import annotations

from typing import Collection, Final, Iterable, Sequence

NARROWEST: Final = 40
WIDEST: Final = 120

_RESET: Final = "\x1b[0m"
# SGR codes of ECMA-48; the names are what they are used for.
PALETTE: Final = {
    "heading": "\x1b[1m",
    "error": "\x1b[1;31m",
    "added": "\x1b[32m",
    "removed": "\x1b[31m",
    "place": "\x1b[36m",
    "warning": "\x1b[33m",
}
_STYLES: Final = (*PALETTE.values(), _RESET)

# Control characters would move the cursor, and bidirectional ones reorder what is read (CVE-2021-42574).
_CONTROLS: Final = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: f"\\u{code:04x}" for code in (0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)},
    **{code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    # Python decodes a byte of a file name that is not UTF-8 to one of these (PEP 383).
    **{code: f"\\x{code - 0xDC00:02x}" for code in range(0xDC80, 0xDD00)},
    0x09: "\\t",
    0x0A: "\\n",
    0x0D: "\\r",
}
_CONTROLS_BUT_LAYOUT: Final = {code: text for code, text in _CONTROLS.items() if code not in (0x09, 0x0A)}


def visible(value: object) -> str:
    """`value` as text on one line: every control character is shown as its escape."""
    return str(value).translate(_CONTROLS)


def style(text: str, name: str) -> str:
    """`text` in the colour that PALETTE has under `name`; the terminal drops it if colour is off."""
    return f"{PALETTE[name]}{text}{_RESET}"


def settle(text: str, *, encoding: str | None, colour: bool) -> str:
    """`text` as a stream with that encoding can print it: no control but newline, tab and our colours."""
    for code in _STYLES:
        if code in text and not colour:
            text = text.replace(code, "")
    text = _escaped(text) if colour else text.translate(_CONTROLS_BUT_LAYOUT)
    try:
        return text.encode(encoding or "utf-8", "backslashreplace").decode(encoding or "utf-8")
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")


def _escaped(text: str) -> str:
    parts = [text]
    for code in _STYLES:
        parts = [piece for part in parts for piece in _split_keeping(part, code)]
    return "".join(part if part in _STYLES else part.translate(_CONTROLS_BUT_LAYOUT) for part in parts)


def _split_keeping(text: str, separator: str) -> list[str]:
    pieces = text.split(separator)
    return [piece for pair in zip(pieces, [separator] * len(pieces)) for piece in pair][:-1]


def columns(text: str) -> int:
    """How many terminal cells `text` (without controls) takes: wide East Asian characters take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def wrap(text: str, width: int, *, first: str = "", rest: str | None = None) -> str:
    """`text` in lines of at most `width` cells, the first after `first`, the others after `rest`.

    `rest` is blanks as wide as `first` unless given. A word is never broken, so that paths and commands can
    be copied, even if they are longer than a line.
    """
    following = " " * len(first) if rest is None else rest
    lines, line, empty = [], first, True
    for word in text.split():
        if not empty and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line, empty = following, True
        line += word if empty else f" {word}"
        empty = False
    return "\n".join([*lines, line])


def closest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate that `word` most likely meant, or None."""
    import difflib

    lowered = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.lower(), list(lowered), n=1)
    return lowered[found[0]] if found else None


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; `last` is the word before the last one."""
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def capital(sentence: str, names: Collection[str] = ()) -> str:
    """The sentence with a capital, unless it begins with an option, a key, a host, a file, or a name."""
    first = sentence.split(" ", 1)[0].rstrip(",:;")
    return sentence[:1].upper() + sentence[1:] if first.isalpha() and first not in names else sentence


def moment(stamp: str) -> str:
    """A recorded time as people read it, in local time; anything else is shown as it is."""
    from datetime import datetime

    try:
        instant = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return stamp
