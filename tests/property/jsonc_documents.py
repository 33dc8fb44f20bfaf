"""Generated JSONC: texts in every style with comments in every legal place, and edits for them."""

from __future__ import annotations

import json
from typing import Any, Callable

from hypothesis import strategies as st

from opencode_config.jsonc.operations import Operation, Remove, Set
from tests.property.jsonc_tokens import Bare

KEYS = [
    "a",
    "b",
    "model",
    "provider",
    "gonkagate",
    "é",
    "😀",
    "",
    "x.y",
    "a/b",
    "__proto__",
    'q"\\',
    "//",
    "/*",
]
_TEXTS = st.one_of(
    st.sampled_from(
        ["", "x", "//", "/*", "*/", "{env:A}", "{file:~/x}", '"', "\\", "é", "😀", "\u2028", "\x7f"]
    ),
    st.text(max_size=5),
)
_NUMBERS = st.sampled_from(
    ["0", "-0", "1", "-12", "1.5", "1e3", "1E-2", "0.10", "9007199254740993", "123456", "1e999", "7" * 5000]
)
BARE = ["{env:T}", "{file:~/n}"]
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _string(draw: Callable[..., Any], value: str) -> str:
    """One of the spellings of a string."""
    if not draw(st.booleans()):
        return json.dumps(value)
    return '"' + "".join(_character(draw, character) for character in value) + '"'


def _character(draw: Callable[..., Any], character: str) -> str:
    if character == "/":
        return str(draw(st.sampled_from(["/", "\\/"])))
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character < " " or "\ud800" <= character <= "\udfff":
        return f"\\u{ord(character):04x}"
    if character <= "\uffff" and draw(st.integers(0, 3)) == 0:
        return f"\\u{ord(character):04X}"
    return character


class _Writer:
    """Draws one document; `newline`, `unit`, `trailing` are its habits, `wild` how often they are broken."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw
        self.newline = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
        self.unit = draw(st.sampled_from(["  ", "    ", "\t", ""]))
        self.trailing = draw(st.booleans())
        self.lines = draw(st.booleans())
        self.wild = draw(st.sampled_from([0, 1, 4]))
        self.space = draw(st.sampled_from(["", " "]))
        odd = [
            "",
            " ",
            "\t",
            "  ",
            self.newline,
            self.newline * 2,
            " " + self.newline + "\t",
            "/* c */",
            "/**/",
            "/* \u2028 */",
        ]
        odd += [
            "// c" + self.newline,
            "//\u2029\x0b\x00" + self.newline,
            " //" + self.newline + "  ",
            " /* c" + self.newline + " */ ",
            " /*a*/ /*b*/",
        ]
        odd += [f"{self.newline}  // own{self.newline}  ", "/* // */", "// /* " + self.newline]
        self.odd = st.sampled_from(odd)

    def gap(self, usual: str) -> str:
        if self.wild and self.draw(st.integers(0, 5)) < self.wild:
            return str(self.draw(self.odd)) + str(self.draw(st.sampled_from(["", usual])))
        return usual

    def value(self, depth: int, indent: str) -> tuple[str, Any]:
        kind = self.draw(st.integers(0, 5 if depth else 3))
        if kind == 0:
            number = self.draw(_NUMBERS)
            return number, float(number) if len(number) > 15 else json.loads(number)
        if kind == 1:
            word = self.draw(st.sampled_from(["true", "false", "null", *BARE]))
            return word, Bare(word) if word in BARE else json.loads(word)
        if kind in (2, 3):
            text = self.draw(_TEXTS)
            return _string(self.draw, text), text
        return self.container(depth, indent, is_object=kind == 5)

    def container(self, depth: int, indent: str, *, is_object: bool) -> tuple[str, Any]:
        value: Any = {} if is_object else []
        size = self.draw(st.integers(0, 3))
        lines = self.lines and (is_object or self.draw(st.booleans()))
        inner = indent + self.unit
        parts = ["{" if is_object else "["]
        for index in range(size):
            usual = self.newline + inner if lines else (self.space if index else "")
            parts.append(self.gap(usual))
            if is_object:
                key = self.draw(st.sampled_from(KEYS))
                written = _string(self.draw, key)
                if self.wild and self.draw(st.integers(0, 15)) == 0:
                    key = Bare("{env:KEY}")
                    written = str(key)
                parts += [written, self.gap(""), ":", self.gap(self.space)]
            text, item = self.value(depth - 1, inner)
            parts += [text, self.gap("")]
            if is_object and key != "__proto__":
                value[key] = item
            elif not is_object:
                value.append(item)
            if index < size - 1 or (self.trailing and self.draw(st.integers(0, 3))):
                parts.append(",")
        parts.append(self.gap(self.newline + indent if lines and size else ""))
        return "".join((*parts, "}" if is_object else "]")), value

    def document(self) -> tuple[str, dict[str, Any]]:
        text, value = self.container(3, "", is_object=True)
        bom = "\ufeff" if self.draw(st.integers(0, 4)) == 0 else ""
        return bom + self.gap("") + text + self.gap(self.draw(st.sampled_from(["", self.newline]))), value


@st.composite
def documents(draw: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """A valid text and its value as opencode reads it."""
    return _Writer(draw).document()


def named(value: dict[str, Any]) -> list[str]:
    """The keys that an edit can name."""
    return [key for key in value if type(key) is str]


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.sampled_from([0.5, 1e21]), _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from([key for key in KEYS if key != "__proto__"]), inner, max_size=2),
    ),
    max_leaves=4,
)


@st.composite
def operations(draw: Callable[..., Any], value: dict[str, Any], most: int = 3) -> list[Operation]:
    """Edits for a value: of keys that are there, of new keys, through objects only."""
    planned: list[Operation] = []
    for _ in range(draw(st.integers(1, most))):
        path: list[str] = []
        here: Any = value
        while isinstance(here, dict):
            path.append(
                draw(st.sampled_from([*named(here), *[key for key in KEYS if key != "__proto__"][:7]]))
            )
            here = here.get(path[-1], {} if draw(st.integers(0, 3)) == 3 else None)
            if not draw(st.booleans()):
                break
        if draw(st.integers(0, 2)):
            planned.append(Set(tuple(path), draw(_VALUES)))
        else:
            planned.append(Remove(tuple(path), every=draw(st.booleans())))
    return planned


@st.composite
def exchanges(draw: Callable[..., Any], value: dict[str, Any]) -> list[Operation]:
    """Edits that take everything out of one object below the root and put one other key into it."""
    below = [key for key in named(value) if isinstance(value[key], dict) and value[key]]
    if not below:
        return []
    outer = draw(st.sampled_from(below))
    inside = value[outer]
    inner = [key for key in named(inside) if isinstance(inside[key], dict) and inside[key]]
    path = (outer, draw(st.sampled_from(inner))) if inner and draw(st.booleans()) else (outer,)
    here = value
    for key in path:
        here = here[key]
    gone: list[Operation] = [Remove((*path, key), every=True) for key in named(here)]
    return [*gone, Set((*path, "new"), draw(_VALUES))]
