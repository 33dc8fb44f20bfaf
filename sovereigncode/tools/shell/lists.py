"""Lists, pipelines, simple commands, redirections and here-documents: POSIX.1-2017, XCU 2.7 to 2.9."""

from __future__ import annotations

import re
from typing import Callable, Final

from sovereigncode.tools.shell.draft import Draft
from sovereigncode.tools.shell.syntax import (
    Assignment,
    Command,
    Compound,
    HereDocument,
    NotUnderstoodError,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Step,
    Word,
)
from sovereigncode.tools.shell.words import METACHARACTERS, WordReader

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(?:\[[\w.-]+\])?\+?=", re.ASCII)
_REDIRECTION: Final = re.compile(r"\d*(<<<|<<-|<<|<>|<&|<|>>|>\||>&|>)|(&>>|&>)")
# Behind a redirection this is the next one, `<<<2>&1`, and not a word.
_NUMBERED: Final = re.compile(r"\d+[<>]")
_FUNCTION: Final = re.compile(r"([^\s;&|<>()$`'\"\\=]+)[ \t]*\([ \t]*\)", re.ASCII)
CLOSING: Final = frozenset(("then", "do", "done", "fi", "elif", "else", "esac", "}"))
OPENING: Final = frozenset(("{", "if", "while", "until", "for", "select", "case", "function", "[["))
RESERVED: Final = CLOSING | OPENING - {"[["} | {"in", "coproc", "!", "]]"}


class ListReader(WordReader):
    """Reads lists, pipelines and simple commands.

    `compound` reads a compound command from its first word on; `function_body` what follows a function's
    name.
    """

    compound: Callable[[], Compound]
    function_body: Callable[[], Compound]

    def script_until(self, end: str) -> Script:
        """Read up to `end` and step over it."""
        script = self.script()
        if self.pending:
            raise NotUnderstoodError("a here-document is missing")
        if end and not self.take(end):
            raise NotUnderstoodError(f"{end} is missing")
        if not end and self.at < len(self.text):
            raise NotUnderstoodError(f"{self.peek()} is not expected here")
        return script

    def script(self) -> Script:
        """The commands up to what ends a script: a closing bracket or word, or the end of the text."""
        steps: list[Step] = []
        operator = ";"
        self.lines()
        while not self._at_end():
            command = self._pipeline()
            self.blanks()
            background = self.peek() == "&" and self.peek(2) != "&&"
            steps.append(Step(operator, command, background))
            if self.peek(2) in ("&&", "||"):
                operator = self.peek(2)
                self.at += 2
                self.lines()
                if self._at_end():
                    raise NotUnderstoodError(f"a command is missing after {operator}")
                continue
            operator = ";"
            if background or (self.peek() == ";" and self.peek(2) not in (";;", ";&")):
                self.at += 1
            elif self.peek() != "\n":
                break
            self.lines()
        return Script(tuple(steps))

    def _at_end(self) -> bool:
        char = self.peek()
        return not char or char in ");" or self.reserved() in CLOSING

    def _pipeline(self) -> Command:
        commands = []
        while self.reserved() == "!":
            self.at += 1
            self.blanks()
        while True:
            commands.append(self.command())
            self.blanks()
            if self.peek() != "|" or self.peek(2) == "||":
                break
            self.at += 1
            # |& sends errors along.
            self.take("&")
            self.lines()
        return commands[0] if len(commands) == 1 else Pipeline(tuple(commands))

    def blanks(self) -> None:
        """Step over blanks, joined lines and a comment."""
        while True:
            if self.peek() in (" ", "\t"):
                self.at += 1
            elif self.peek(2) == "\\\n":
                self.at += 2
            elif self.peek() == "#":
                end = self.text.find("\n", self.at)
                self.at = end if end >= 0 else len(self.text)
            else:
                return

    def lines(self) -> None:
        """Step over blanks and line ends, and read the here-documents that begin there."""
        self.blanks()
        while self.peek() == "\n":
            self.at += 1
            self._documents()
            self.blanks()

    def _documents(self) -> None:
        if self.outer_pending:
            raise NotUnderstoodError("a here-document begins inside a substitution")
        for document in self.pending:
            document.body = self._document(document)
        self.pending = []

    def _document(self, document: HereDocument) -> Word:
        lines: list[str] = []
        while True:
            if self.at >= len(self.text):
                raise NotUnderstoodError("a here-document is not closed")
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line = self.text[self.at : end]
            self.at = min(end + 1, len(self.text))
            line = line.lstrip("\t") if document.strip_tabs else line
            if line == document.delimiter:
                break
            lines.append(line + "\n")
        body = "".join(lines)
        if document.quoted:
            return Word(body, body, bare=False)
        if lines and lines[-1].endswith("\\\n"):
            raise NotUnderstoodError("shells disagree about where this here-document ends")
        inner = type(self)(body, self.depth + 1, self.budget)
        draft = Draft()
        while inner.at < len(body):
            inner.quoted_piece(draft, "")
        return draft.word()

    def reserved(self) -> str | None:
        """The reserved word that is next, if one is: it is one only where a command may begin."""
        end = self.at
        while end < len(self.text) and self.text[end] not in METACHARACTERS:
            end += 1
            if end - self.at > len("function"):
                return None
        word = self.text[self.at : end]
        return word if word in RESERVED or word == "[[" else None

    def command(self) -> Command:
        """One command, which is not a pipeline."""
        self.blanks()
        self.budget.spend()
        word = self.reserved()
        if self.peek() == "(" or word in OPENING:
            return self._with_redirections(self.compound())
        if word is not None:
            raise NotUnderstoodError(f"{word} is not expected here")
        function = _FUNCTION.match(self.text, self.at)
        if function:
            self.at = function.end()
            return self.function_body()
        return self._simple()

    def _with_redirections(self, command: Compound) -> Compound:
        redirections = []
        self.blanks()
        while found := self._redirection_here():
            redirections.append(self._redirection(found))
            self.blanks()
        char = self.peek()
        if char and char not in "\n;&|)" and self.reserved() not in CLOSING:
            raise NotUnderstoodError("something follows the end of a compound command")
        return Compound(command.kind, command.scripts, command.words, tuple(redirections))

    def _redirection_here(self) -> re.Match[str] | None:
        found = _REDIRECTION.match(self.text, self.at)
        # `<(` and `>(` begin a word.
        return found if found and self.text[found.end() : found.end() + 1] != "(" else None

    def _simple(self) -> Simple:
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        both = False
        while True:
            self.blanks()
            if found := self._redirection_here():
                both = both or (found[2] is not None and bool(words))
                redirections.append(self._redirection(found))
            elif not words and (assignment := _ASSIGNMENT.match(self.text, self.at)):
                assignments.append(self._assignment(assignment))
            elif not self.peek() or self.peek() in "\n;&|)":
                break
            elif self.peek() == "(":
                raise NotUnderstoodError("a bracket is not expected here")
            elif both:
                # To dash, `a &> f b` is `a &` and `> f b`.
                raise NotUnderstoodError("shells disagree about what follows &>")
            else:
                words.append(self.word())
        if not (assignments or words or redirections):
            raise NotUnderstoodError("a command is missing")
        return Simple(tuple(assignments), tuple(words), tuple(redirections))

    def _assignment(self, found: re.Match[str]) -> Assignment:
        self.at = found.end()
        self.budget.spend()
        values: list[Word] = []
        if self.take("("):
            self._array_gaps()
            while not self.take(")"):
                values.append(self.word())
                self._array_gaps()
        elif self.peek() and self.peek() not in METACHARACTERS:
            values.append(self.word())
        elif self.peek() in ("<", ">"):
            raise NotUnderstoodError("shells disagree about what is assigned here")
        return Assignment(found[1], tuple(values))

    def _array_gaps(self) -> None:
        self.blanks()
        while self.peek() == "\n":
            if self.pending or self.outer_pending:
                raise NotUnderstoodError("a here-document begins inside an array")
            self.at += 1
            self.blanks()

    def _redirection(self, found: re.Match[str]) -> Redirection:
        operator = found[1] or found[2]
        self.at = found.end()
        if operator.startswith(">") and self.peek() == "!":
            raise NotUnderstoodError("zsh reads >! differently from other shells")
        while self.peek() in (" ", "\t"):
            self.at += 1
        if self.peek() == "#" or _NUMBERED.match(self.text, self.at):
            raise NotUnderstoodError("the file of a redirection is missing")
        target = self.word()
        if operator not in ("<<", "<<-"):
            return Redirection(operator, target)
        if target.text is None or "\n" in target.text:
            raise NotUnderstoodError("the word that ends a here-document is not plain")
        document = HereDocument(target.text, not target.bare, operator == "<<-")
        self.pending.append(document)
        return Redirection("<<", target, document)
