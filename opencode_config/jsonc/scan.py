"""The dialect that opencode accepts, read into a tree with positions.

opencode 1.x calls jsonc-parser 3.3.1 as `parse(text, errors, {allowTrailingComma: true})` and refuses the
file when `errors` is not empty. This scanner accepts and refuses exactly the same texts, plus two rules
that opencode has around that call: one leading byte order mark is dropped, and the root is an object.
`null` is a value like any other; where it is allowed is decided by opencode's schema.

opencode replaces `{env:…}` and `{file:…}` in the text before that call. Outside strings such a reference is
read as a value, or as a key if it begins with `{env:`, whatever will replace it.

One compiled regular expression and an explicit stack: linear time, and no recursion at any depth.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any, Callable, Final

BOM: Final = "\ufeff"

# opencode 1.18.33 overflows its own stack at 24,000 nested objects or 46,000 nested arrays.
MAX_DEPTH: Final = 50_000

STRING: Final = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
COMMENT: Final = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
LINE_BREAK: Final = re.compile(r"\r\n|\n|\r")
REFERENCE: Final = re.compile(r"\{env:[^}]+\}|\{file:(?:\{env:[^}]+\}|[^}])+\}")

# Blanks before a token are skipped; anything that is not a token is `bad`, so every position matches at once.
_TOKEN: Final = re.compile(
    r"[ \t\r\n]*(?:"
    rf"(?P<string>{STRING.pattern})"
    # A reference may be part of a number: `{env:SECONDS}000`.
    rf"|(?P<reference>[-+.0-9A-Za-z]*(?:(?:{REFERENCE.pattern})[-+.0-9A-Za-z]*)+)"
    r"|(?P<mark>[{}\[\],:])"
    r"|(?P<scalar>true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<comment>{COMMENT.pattern})"
    r"|(?P<end>\Z)"
    r"|(?P<bad>.))",
    re.DOTALL,
)
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
# Up to here an integer is the same number in Python and in JavaScript, where all numbers are doubles.
_EXACT_DIGITS: Final = 15


class Reference(str):
    """A reference outside of any string, as a value or a key; never equal to a string."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and str(self) == str(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Reference, str(self)))


class JsoncError(ValueError):
    """A text that opencode would refuse, or that cannot be edited without loss.

    `reason` is one sentence without any of the file's content. `line` and `column` are 1-based and
    count characters (a byte order mark is not counted), `offset` is the index in the text.
    """

    def __init__(self, reason: str, text: str, offset: int) -> None:
        self.reason = reason
        self.offset = offset
        self.line, self.column = place(text, offset)
        super().__init__(f"{reason} (line {self.line}, column {self.column})")


def place(text: str, offset: int) -> tuple[int, int]:
    """1-based line and column of an offset; CR LF, LF and CR each end a line."""
    starts = line_starts(text, offset)
    return len(starts), max(offset - starts[-1], 0) + 1


def line_starts(text: str, end: int | None = None) -> list[int]:
    """Where each line begins, up to `end`; the first one after a byte order mark."""
    breaks = LINE_BREAK.finditer(text, 0, len(text) if end is None else end)
    return [len(BOM) if text.startswith(BOM) else 0, *(line_break.end() for line_break in breaks)]


class Node:
    """One value in a text: `text[start:end]` is its source, `value` the plain Python value.

    `key` and `key_start` are None outside objects. `comma` is the offset of the comma after it, or None.
    `items` are the members of an object or the elements of an array, in source order, duplicates
    included; None for scalars. In `value` the last duplicate has won and `__proto__` is left out, as
    opencode does (the member sets a JavaScript prototype and no key).
    """

    __slots__ = ("_members", "comma", "end", "items", "key", "key_start", "start", "text", "value")

    def __init__(self, text: str, start: int, key: str | None, key_start: int | None) -> None:
        self.text = text
        self.start = start
        self.end = start
        self.key = key
        self.key_start = key_start
        self.comma: int | None = None
        self.items: list[Node] | None = None
        self.value: Any = None
        self._members: dict[str, Node] | None = None

    @property
    def raw(self) -> str:
        """The source of the value."""
        return self.text[self.start : self.end]

    @property
    def lead(self) -> int:
        """Where the member or element begins: at its key, if it has one."""
        return self.start if self.key_start is None else self.key_start

    def member(self, key: str) -> Node | None:
        """The effective member (the last one with that key), or None."""
        if not isinstance(self.value, dict):
            return None
        if self._members is None:
            self._members = {item.key: item for item in self.items or () if item.key is not None}
        return self._members.get(key)


class _Expected(Enum):
    """What may come next; the value completes the sentence "… is expected here"."""

    ROOT = "an object in braces"
    FIRST_KEY = "a key in double quotes or a closing brace"
    KEY = "another key in double quotes or a closing brace"
    COLON = "a colon"
    VALUE = "a value"
    FIRST_ELEMENT = "a value or a closing bracket"
    ELEMENT = "another value or a closing bracket"
    MEMBER_END = "a comma or a closing brace"
    ELEMENT_END = "a comma or a closing bracket"
    NOTHING = "nothing more"


_VALUES: Final = frozenset((_Expected.VALUE, _Expected.FIRST_ELEMENT, _Expected.ELEMENT))
_KEYS: Final = frozenset((_Expected.FIRST_KEY, _Expected.KEY))
_BRACE_MAY_CLOSE: Final = _KEYS | {_Expected.MEMBER_END}
_BRACKET_MAY_CLOSE: Final = frozenset((_Expected.FIRST_ELEMENT, _Expected.ELEMENT, _Expected.ELEMENT_END))


class _Scanner:
    """The state of one pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.expected = _Expected.ROOT
        self.open: list[Node] = []
        self.root: Node | None = None
        self.key: str | None = None
        self.key_start: int | None = None
        self.marks: dict[str, Callable[[int], None]] = {
            "{": self.open_brace,
            "[": self.open_bracket,
            "}": self.close_brace,
            "]": self.close_bracket,
            ":": self.colon,
            ",": self.comma,
        }

    def refuse(self, offset: int) -> JsoncError:
        return JsoncError(f"{self.expected.value} is expected here", self.text, offset)

    def add(self, offset: int) -> Node:
        """A node at `offset` below the innermost open container."""
        if self.expected not in _VALUES:
            raise self.refuse(offset)
        node = Node(self.text, offset, self.key, self.key_start)
        self.key = self.key_start = None
        items = self.open[-1].items
        assert items is not None  # noqa: S101 - what is open is a container
        items.append(node)
        return node

    def finish(self, node: Node, end: int) -> None:
        """The node is complete: give its value to its container."""
        node.end = end
        if not self.open:
            self.root = node
            self.expected = _Expected.NOTHING
            return
        container = self.open[-1].value
        if node.key is None:
            container.append(node.value)
            self.expected = _Expected.ELEMENT_END
            return
        if node.key != "__proto__":
            container[node.key] = node.value
        self.expected = _Expected.MEMBER_END

    def push(self, node: Node, offset: int) -> None:
        node.items = []
        self.open.append(node)
        if len(self.open) > MAX_DEPTH:
            raise JsoncError(f"more than {MAX_DEPTH:,} levels are nested here", self.text, offset)

    def open_brace(self, offset: int) -> None:
        at_root = self.expected is _Expected.ROOT
        node = Node(self.text, offset, None, None) if at_root else self.add(offset)
        node.value = {}
        self.push(node, offset)
        self.expected = _Expected.FIRST_KEY

    def open_bracket(self, offset: int) -> None:
        node = self.add(offset)
        node.value = []
        self.push(node, offset)
        self.expected = _Expected.FIRST_ELEMENT

    def close_brace(self, offset: int) -> None:
        if self.expected not in _BRACE_MAY_CLOSE:
            raise self.refuse(offset)
        self.finish(self.open.pop(), offset + 1)

    def close_bracket(self, offset: int) -> None:
        if self.expected not in _BRACKET_MAY_CLOSE:
            raise self.refuse(offset)
        self.finish(self.open.pop(), offset + 1)

    def colon(self, offset: int) -> None:
        if self.expected is not _Expected.COLON:
            raise self.refuse(offset)
        self.expected = _Expected.VALUE

    def comma(self, offset: int) -> None:
        if self.expected is _Expected.MEMBER_END:
            self.expected = _Expected.KEY
        elif self.expected is _Expected.ELEMENT_END:
            self.expected = _Expected.ELEMENT
        else:
            raise self.refuse(offset)
        items = self.open[-1].items
        assert items  # noqa: S101 - a member or an element has just ended
        items[-1].comma = offset

    def string(self, raw: str, offset: int) -> None:
        value: str = json.loads(raw) if "\\" in raw else raw[1:-1]
        if self.expected in _KEYS:
            self.key, self.key_start = value, offset
            self.expected = _Expected.COLON
        else:
            node = self.add(offset)
            node.value = value
            self.finish(node, offset + len(raw))

    def scalar(self, raw: str, offset: int) -> None:
        node = self.add(offset)
        if raw in _CONSTANTS:
            node.value = _CONSTANTS[raw]
        elif len(raw) <= _EXACT_DIGITS and raw.lstrip("-").isdigit():
            node.value = int(raw)
        else:
            node.value = float(raw)
        self.finish(node, offset + len(raw))

    def reference(self, raw: str, offset: int) -> None:
        # The text from a file has its quotes escaped, so it is never a key.
        if self.expected in _KEYS and raw.startswith("{env:"):
            self.key, self.key_start = Reference(raw), offset
            self.expected = _Expected.COLON
            return
        node = self.add(offset)
        node.value = Reference(raw)
        self.finish(node, offset + len(raw))

    def end(self, offset: int) -> Node:
        if self.root is not None:
            return self.root
        if self.open:
            opened = self.open[-1]
            raise JsoncError(
                f"this {'brace' if isinstance(opened.value, dict) else 'bracket'} is never closed",
                self.text,
                opened.start,
            )
        raise JsoncError("the file contains no config: an object in braces is expected", self.text, offset)


def scan(text: str) -> Node:
    """The root object of a text.

    Raises JsoncError if opencode would refuse the text. An empty text has no root; opencode reads it
    as `{}`, see `jsonc.parse`.
    """
    scanner = _Scanner(text)
    for match in _TOKEN.finditer(text, len(BOM) if text.startswith(BOM) else 0):
        kind = match.lastgroup
        if kind == "string":
            scanner.string(match["string"], match.start("string"))
        elif kind == "mark":
            scanner.marks[match["mark"]](match.start("mark"))
        elif kind == "scalar":
            scanner.scalar(match["scalar"], match.start("scalar"))
        elif kind == "reference":
            scanner.reference(match["reference"], match.start("reference"))
        elif kind == "bad":
            offset = match.start("bad")
            raise JsoncError(_why_bad(text, offset), text, offset)
    return scanner.end(len(text))


def comments(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of every comment of a text that `scan` accepts, in order."""
    tokens = _TOKEN.finditer(text, len(BOM) if text.startswith(BOM) else 0)
    return tuple(match.span("comment") for match in tokens if match.lastgroup == "comment")


def _why_bad(text: str, offset: int) -> str:
    """What is wrong with the character at `offset`, at which no token begins."""
    character = text[offset]
    if character == '"':
        return _why_bad_string(text, offset)
    if character == "/":
        unclosed = text.startswith("/*", offset)
        return "this comment is never closed" if unclosed else "a single slash is not a comment"
    if character == "'":
        return "single quotes are not allowed, only double quotes"
    if character == "#":
        return "a comment begins with // or /*, not with #"
    if character < " " or character.isspace() or character == BOM:
        return f"the character U+{ord(character):04X} is not allowed outside strings"
    return "this is neither a value nor a key in double quotes"


_STRING_HEAD: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')


def _why_bad_string(text: str, offset: int) -> str:
    head = _STRING_HEAD.match(text, offset)
    stop = head.end() if head else offset
    if stop == len(text) or text[stop] in "\r\n":
        return "this string is never closed on its line"
    if text[stop] == "\\":
        return "this string contains an escape that JSON does not know"
    return f"this string contains the control character U+{ord(text[stop]):04X}, which must be escaped"
