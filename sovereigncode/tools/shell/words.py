"""Words of a shell script: quotes, expansions, substitutions.

Follows POSIX.1-2017, XCU 2.2 to 2.6, and bash's manual for `$'...'`, `<(...)` and the forms of `${...}`.
Where bash, dash and zsh differ in a way that could hide a command, the text is refused.
"""

from __future__ import annotations

import re
from typing import Callable, Final

from sovereigncode.tools.shell.draft import Draft
from sovereigncode.tools.shell.syntax import HereDocument, NotUnderstoodError, Script, Word
from sovereigncode.tools.shell.variables import carries_commands

_DEEPEST: Final = 24
_MOST_PIECES: Final = 10_000
# Characters that are nothing but themselves, outside and inside of quotation marks.
_PLAIN: Final = re.compile(r"[\w/:@%+=.,-]+", re.ASCII)
_PLAIN_QUOTED: Final = re.compile(r"[^\"'$`\\}]+")
METACHARACTERS: Final = frozenset(" \t\n;&|<>()")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL: Final = frozenset("@*#?$!-0123456789")
# What a parameter's expansion may begin with: its name and, for an array, a plain subscript.
_PARAMETER: Final = re.compile(r"(!?[A-Za-z_]\w*|[0-9]+|[@*#?$!-])(\[(?:[@*]|[\w+$-]+)\])?", re.ASCII)
_OPERATOR: Final = re.compile(r":?[-=?+]|%%?|##?|//?|\^\^?|,,?|@[QEAaKkLUu]|:")
_ARITHMETIC: Final = re.compile(r"[\w\s+\-*/%<>=!&|^~?:,]", re.ASCII)
_ANSI: Final = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_ANSI_CODE: Final = re.compile(r"x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}")
_HIGHEST: Final = 0x7F


class Budget:
    """How many words, commands and substitutions may still be read: time is bounded by it."""

    def __init__(self) -> None:
        self._left = _MOST_PIECES

    def spend(self) -> None:
        """One of them; refused if none is left."""
        self._left -= 1
        if self._left < 0:
            raise NotUnderstoodError("it has too many words")


class WordReader:
    """A position in a script, and the reading of words from it.

    `script_until` reads the script up to a character, which is taken too, or to the end; `inner` a script
    whose text has been taken out of this one.
    """

    script_until: Callable[[str], Script]
    inner: Callable[[str], Script]

    def __init__(self, text: str, depth: int = 0, budget: Budget | None = None) -> None:
        if depth > _DEEPEST:
            raise NotUnderstoodError("it is nested too deeply")
        self.text = text
        self.at = 0
        self.depth = depth
        self.budget = Budget() if budget is None else budget
        self.pending: list[HereDocument] = []
        self.outer_pending = False

    def peek(self, length: int = 1) -> str:
        """The next characters."""
        return self.text[self.at : self.at + length]

    def take(self, expected: str) -> bool:
        """Step over `expected` if it is next."""
        if self.text.startswith(expected, self.at):
            self.at += len(expected)
            return True
        return False

    def nested_script(self, end: str) -> Script:
        """A script inside a word."""
        self.budget.spend()
        outer, blocked = self.pending, self.outer_pending
        self.pending, self.outer_pending = [], blocked or bool(outer)
        self.deeper()
        script = self.script_until(end)
        self.depth -= 1
        self.pending, self.outer_pending = outer, blocked
        return script

    def deeper(self) -> None:
        """One level more; refused if there are too many."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotUnderstoodError("it is nested too deeply")

    def word(self) -> Word:
        """The word that begins here; it is never empty."""
        self.budget.spend()
        draft = Draft()
        while self.at < len(self.text):
            char = self.peek()
            if char in METACHARACTERS:
                if char in "<>" and self.peek(2)[1:] == "(":
                    self._process_substitution(draft)
                    continue
                break
            self.piece(draft)
        if not (draft.pieces or draft.nested or not draft.bare):
            raise NotUnderstoodError("a word is missing")
        return draft.word()

    def piece(self, draft: Draft) -> None:
        """The next part of an unquoted word."""
        char = self.peek()
        if char == "'":
            draft.quoted(self._single_quoted())
        elif char == '"':
            self._double_quoted(draft)
        elif char == "\\":
            self._backslash(draft)
        elif char == "$":
            self._dollar(draft, quoted=False)
        elif char == "`":
            self._backquoted(draft, quoted=False)
        elif not draft.braces and (plain := _PLAIN.match(self.text, self.at)):
            draft.pieces.append(plain[0])
            self.at = plain.end()
        else:
            draft.plain(char)
            self.at += 1

    def _process_substitution(self, draft: Draft) -> None:
        self.at += 2
        draft.nested.append(self.nested_script(")"))
        draft.unknown(splits=False)

    def _backslash(self, draft: Draft) -> None:
        self.at += 1
        char = self.peek()
        if not char:
            raise NotUnderstoodError("it ends with a backslash")
        self.at += 1
        if char != "\n":
            draft.quoted(char)

    def _quoted_newlines(self, text: str) -> None:
        if "\n" in text and (self.pending or self.outer_pending):
            raise NotUnderstoodError(
                "a quoted text goes over the line on which a here-document was announced"
            )

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise NotUnderstoodError("a quotation mark is not closed")
        text = self.text[self.at + 1 : end]
        self._quoted_newlines(text)
        self.at = end + 1
        return text

    def _double_quoted(self, draft: Draft) -> None:
        begin = self.at
        self.at += 1
        draft.bare = False
        while not self.take('"'):
            self.quoted_piece(draft, '"')
        self._quoted_newlines(self.text[begin : self.at])

    def quoted_piece(self, draft: Draft, mark: str) -> None:
        """The next part of a text in which only `$`, backquotes and backslashes are special.

        `mark`: the quotation mark that a backslash may precede; empty in a here-document.
        """
        char = self.peek()
        if not char:
            raise NotUnderstoodError("a quotation mark is not closed")
        if plain := _PLAIN_QUOTED.match(self.text, self.at):
            draft.quoted(plain[0])
            self.at = plain.end()
        elif char == "$":
            self._dollar(draft, quoted=True)
        elif char == "`":
            self._backquoted(draft, quoted=True)
        elif char == "\\":
            following = self.peek(2)[1:]
            self.at += 2
            if following and following in "$`\\" + mark:
                draft.quoted(following)
            elif following != "\n":
                draft.quoted("\\" + following)
        else:
            draft.quoted(char)
            self.at += 1

    def _dollar(self, draft: Draft, *, quoted: bool) -> None:
        self.at += 1
        char = self.peek()
        name = _NAME.match(self.text, self.at)
        if self.peek(2) == "((":
            self._arithmetic(draft)
        elif self.take("("):
            draft.nested.append(self.nested_script(")"))
            draft.unknown(splits=not quoted)
        elif self.take("{"):
            self._parameter(draft, quoted=quoted)
        elif char == "[" or self.peek(2) == "\\\n":
            raise NotUnderstoodError("shells disagree about what this $ begins")
        elif name or (char and char in _SPECIAL):
            self.at = name.end() if name else self.at + 1
            draft.unknown(splits=not quoted or char in "@*")
        elif not quoted and char == "'":
            draft.quoted(self._ansi_quoted())
        elif not quoted and char == '"':
            self._double_quoted(draft)
        else:
            draft.quoted("$")

    def _ansi_quoted(self) -> str:
        """`$'...'`; dash does not know it and ends it at the first quotation mark."""
        end = self.text.find("'", self.at + 1)
        body = self.text[self.at + 1 : end]
        if end < 0 or body.endswith("\\"):
            raise NotUnderstoodError("shells disagree about where this $'...' ends")
        self._quoted_newlines(body)
        self.at = end + 1
        return "".join(_ansi_pieces(body))

    def _arithmetic(self, draft: Draft) -> None:
        self.at += 2
        open_brackets = 0
        while True:
            char = self.peek()
            if self.peek(2) == "))" and not open_brackets:
                break
            if char == "$":
                self._dollar(draft, quoted=True)
                continue
            if char == "(":
                open_brackets += 1
            elif char == ")" and open_brackets:
                open_brackets -= 1
            elif not char or not _ARITHMETIC.match(char):
                raise NotUnderstoodError("this arithmetic may run a command")
            self.at += 1
        self.at += 2
        draft.unknown(splits=False)

    def _parameter(self, draft: Draft, *, quoted: bool) -> None:
        begin = self.at
        length = self.peek() == "#" and self.peek(2) != "#}"
        self.at += length
        name = _PARAMETER.match(self.text, self.at)
        if not name:
            raise NotUnderstoodError("this ${...} is not a form that every shell knows")
        self.at = name.end()
        operator = _OPERATOR.match(self.text, self.at)
        if operator and not length:
            self.at = operator.end()
            if "=" in operator[0] and carries_commands(name[1]):
                raise NotUnderstoodError(f"{name[1]} is set to a command")
            self._parameter_word(draft, quoted=quoted)
        if not self.take("}"):
            raise NotUnderstoodError("this ${...} is not a form that every shell knows")
        several = any(mark in self.text[begin : self.at] for mark in "@*")
        draft.unknown(splits=not quoted or several)

    def _parameter_word(self, draft: Draft, *, quoted: bool) -> None:
        ignored = Draft()
        while self.peek() != "}":
            if not quoted:
                if not self.peek():
                    raise NotUnderstoodError("a ${ is not closed")
                self.piece(ignored)
            elif self.peek() in ("'", '"'):
                raise NotUnderstoodError("shells disagree about quotation marks in a quoted ${...}")
            else:
                self.quoted_piece(ignored, '"}')
        draft.nested.extend(ignored.nested)

    def _backquoted(self, draft: Draft, *, quoted: bool) -> None:
        self.budget.spend()
        self.at += 1
        body = []
        while not self.take("`"):
            char = self.peek()
            if not char:
                raise NotUnderstoodError("a backquote is not closed")
            following = self.peek(2)[1:]
            if char == "\\" and following and following in ("`\\$" + ('"' if quoted else "")):
                char, self.at = following, self.at + 1
            body.append(char)
            self.at += 1
        text = "".join(body)
        self._quoted_newlines(text)
        draft.nested.append(self.inner(text))
        draft.unknown(splits=not quoted)


def _ansi_pieces(body: str) -> list[str]:
    pieces = []
    at = 0
    while at < len(body):
        if body[at] != "\\":
            pieces.append(body[at])
            at += 1
            continue
        code = _ANSI_CODE.match(body, at + 1)
        if code:
            number = int(code[0], 8) if code[0][0].isdigit() else int(code[0][1:], 16)
            if not 0 < number <= _HIGHEST:
                raise NotUnderstoodError("shells disagree about this character in $'...'")
            pieces.append(chr(number))
            at = code.end()
        elif body[at + 1] in _ANSI:
            pieces.append(_ANSI[body[at + 1]])
            at += 2
        else:
            raise NotUnderstoodError("shells disagree about this escape in $'...'")
    return pieces
