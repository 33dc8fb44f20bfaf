"""The grammar of shell scripts: POSIX.1-2017, XCU 2.10, and what bash and zsh add and agents use.

A recursive descent that reads the whole text or raises. It is linear but for text inside backquotes, which
is read once a level. Where bash, dash and zsh would run different commands, all of them are in the tree, or
it raises.
"""

from __future__ import annotations

import re
from typing import Final

from sovereigncode.tools.shell.lists import OPENING, ListReader
from sovereigncode.tools.shell.syntax import (
    Compound,
    Kind,
    NotUnderstoodError,
    Script,
    Simple,
    Step,
    Word,
)

LONGEST: Final = 512 * 1024
_CONTROL: Final = re.compile(r"[^\x09\x0a\x20-\x7e\xa0-\U0010ffff]|[\ud800-\udfff\u2028\u2029]")
# A subscript that runs a command when a shell calculates with it, also as the value of a variable.
_SUBSCRIPT: Final = re.compile(r"\w\[", re.ASCII)
_RUNS: Final = re.compile(r"\$[({]|`")
_LOOP_HEADER: Final = re.compile(r"\(\([\w\s+\-*/%<>=!&|;,]*\)\)", re.ASCII)
_CALCULATION: Final = re.compile(r"\(\(([\w\s+\-*/%<>=!&|^~?:,]*)\)\)", re.ASCII)
_TWO_WORDS: Final = re.compile(r"\w\s+\w", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def read_script(text: str, depth: int = 0) -> Script:
    """The whole text as a tree. Raises NotUnderstoodError."""
    if len(text) > LONGEST:
        raise NotUnderstoodError(f"it is longer than {LONGEST} characters")
    if _CONTROL.search(text):
        raise NotUnderstoodError("it has a control character")
    if any(_runs_in_subscript(piece) for piece in re.split(r"[\]\n]", text)):
        raise NotUnderstoodError("it has a subscript that may run a command")
    return Reader(text, depth).script_until("")


def _runs_in_subscript(piece: str) -> bool:
    opened = _SUBSCRIPT.search(piece)
    return bool(opened and _RUNS.search(piece, opened.end()))


class Reader(ListReader):
    """Reads compound commands; each method begins behind the word or bracket that names it."""

    def inner(self, text: str) -> Script:
        """The script inside backquotes."""
        return Reader(text, self.depth + 1, self.budget).script_until("")

    def compound(self) -> Compound:
        """A compound command, from its first word or bracket on."""
        word = self.reserved()
        if word not in OPENING:
            return self._bracket()
        self.at += len(word)
        self.deeper()
        if word in ("while", "until"):
            made = self._while()
        elif word in ("for", "select"):
            made = self._for()
        elif word == "[[":
            made = self._condition()
        else:
            readers = {"{": self._group, "if": self._if, "case": self._case, "function": self._function}
            made = readers[word]()
        self.depth -= 1
        return made

    def _bracket(self) -> Compound:
        """`(...)` or `((...))`, from its first bracket on."""
        if self.peek(2) == "((":
            found = _CALCULATION.match(self.text, self.at)
            if not found or _TWO_WORDS.search(found[1]):
                raise NotUnderstoodError("shells disagree about what (( begins")
            self.at = found.end()
            # To dash this is a subshell in a subshell, in which each name is a program.
            names = _IDENTIFIER.findall(found[1])
            steps = (Step(";", Simple((), (Word(name, name),), ())) for name in names)
            return Compound(Kind.TEST, (Script(tuple(steps)),))
        self.at += 1
        return Compound(Kind.SUBSHELL, (self.nested_script(")"),))

    def _body(self, *ends: str) -> tuple[Script, str]:
        script = self.script()
        end = self.reserved()
        if end not in ends or not script.steps:
            raise NotUnderstoodError(f"{ends[0]} is missing")
        self.at += len(end)
        return script, end

    def _group(self) -> Compound:
        return Compound(Kind.GROUP, (self._body("}")[0],))

    def _if(self) -> Compound:
        scripts = []
        end = "if"
        while end in ("if", "elif"):
            scripts.append(self._body("then")[0])
            script, end = self._body("elif", "else", "fi")
            scripts.append(script)
        if end == "else":
            scripts.append(self._body("fi")[0])
        return Compound(Kind.BRANCHES, tuple(scripts))

    def _while(self) -> Compound:
        return Compound(Kind.LOOP, (self._body("do")[0], self._body("done")[0]))

    def _for(self) -> Compound:
        self.blanks()
        words: list[Word] = []
        if header := _LOOP_HEADER.match(self.text, self.at):
            self.at = header.end()
        else:
            name = _IDENTIFIER.match(self.text, self.at)
            if not name:
                raise NotUnderstoodError("the name of a loop's variable is missing")
            self.at = name.end()
            self.blanks()
            if self.reserved() == "in":
                self.at += 2
                words = self._words_of_line()
        self.blanks()
        self.take(";")
        self.lines()
        if self.reserved() != "do":
            raise NotUnderstoodError("do is missing")
        self.at += 2
        return Compound(Kind.LOOP, (self._body("done")[0],), tuple(words))

    def _words_of_line(self) -> list[Word]:
        words = []
        self.blanks()
        while self.peek() and self.peek() not in "\n;&|<>()":
            words.append(self.word())
            self.blanks()
        return words

    def _case(self) -> Compound:
        self.blanks()
        words = [self.word()]
        self.lines()
        if self.reserved() != "in":
            raise NotUnderstoodError("in is missing")
        self.at += 2
        scripts = []
        self.lines()
        while self.reserved() != "esac":
            self.blanks()
            self.take("(")
            words += self._patterns()
            script = self.script()
            scripts.append(script)
            if not any(self.take(end) for end in (";;&", ";;", ";&")) and self.reserved() != "esac":
                raise NotUnderstoodError("the end of a case is missing")
            self.lines()
        self.at += len("esac")
        return Compound(Kind.BRANCHES, tuple(scripts), tuple(words))

    def _patterns(self) -> list[Word]:
        patterns = []
        while True:
            self.blanks()
            patterns.append(self.word())
            self.blanks()
            if self.take(")"):
                return patterns
            if not self.take("|"):
                raise NotUnderstoodError("a pattern of a case is not closed")

    def _function(self) -> Compound:
        self.blanks()
        name = self.word()
        if name.exact is None:
            raise NotUnderstoodError("the name of a function is not plain")
        self.blanks()
        if self.take("("):
            self.blanks()
            if not self.take(")"):
                raise NotUnderstoodError("a bracket is not expected here")
        return self.function_body()

    def function_body(self) -> Compound:
        """What follows the name of a function."""
        self.lines()
        word = self.reserved()
        if self.peek() != "(" and word not in ("{", "if", "while", "until", "for", "case", "[["):
            raise NotUnderstoodError("the body of a function is missing")
        body = self.command()
        return Compound(Kind.FUNCTION, (Script((Step(";", body),)),))

    def _condition(self) -> Compound:
        """`[[ ... ]]`; dash runs a program of that name, and what follows && and || in it."""
        steps: list[Step] = []
        words: list[Word] = []
        piece: list[Word] = [Word("[[", "[[")]
        while True:
            self.blanks()
            if self.peek(2) in ("&&", "||"):
                self.at += 2
                steps.append(Step(";", Simple((), tuple(piece), ())))
                piece = []
                self.lines()
            elif self.peek() and self.peek() in "<>!" and self.peek(2)[1:] in (" ", "="):
                piece.append(Word(self.peek(), self.peek()))
                self.at += 1 if self.peek(2)[1:] == " " else 2
            elif not self.peek() or self.peek() in "\n;&|<>()":
                raise NotUnderstoodError("shells disagree about this [[ ... ]]")
            else:
                piece.append(self.word())
                if piece[-1].bare and piece[-1].text == "]]":
                    break
                words.append(piece[-1])
        steps.append(Step(";", Simple((), tuple(piece), ())))
        return Compound(Kind.TEST, (Script(tuple(steps)),), tuple(words))
