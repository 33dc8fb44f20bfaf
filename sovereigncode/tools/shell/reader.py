"""The grammar of shell scripts: POSIX.1-2017, XCU 2.10, and what bash and zsh add and agents use.

A recursive descent that reads the whole text or raises. It is linear but for text inside backquotes, which is read
once a level. Where bash, dash and zsh would run different commands, all of them are in the tree, or it raises.
"""

from __future__ import annotations

import re
from typing import Final

from sovereigncode.tools.shell.draft import Draft
from sovereigncode.tools.shell.syntax import (
    Assignment,
    Command,
    Compound,
    HereDocument,
    Kind,
    NotUnderstoodError,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Step,
    Word,
)
from sovereigncode.tools.shell.words import METACHARACTERS, WordReader

LONGEST: Final = 512 * 1024
_BEFORE_COMMANDS: Final = re.compile(r"[^\x09\x0a\x20-\x7e\x80-\U0010ffff]|[\x80-\x9f\u2028\u2029]")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(\[[\w.-]+\])?\+?=", re.ASCII)
_REDIRECTION: Final = re.compile(r"\d*(<<<|<<-|<<|<>|<&|<|>>|>\||>&|>)|(&>>|&>)")
_FUNCTION: Final = re.compile(r"([^\s;&|<>()$`'\"\\=]+)[ \t]*\([ \t]*\)", re.ASCII)
# A subscript that runs a command when a shell calculates with it, also as the value of a variable.
_SUBSCRIPT: Final = re.compile(r"\w\[[^\]\n]*(?:\$[({]|`)", re.ASCII)
_LOOP_HEADER: Final = re.compile(r"\(\([\w\s+\-*/%<>=!&|;,]*\)\)", re.ASCII)
_CALCULATION: Final = re.compile(r"\(\(([\w\s+\-*/%<>=!&|^~?:,]*)\)\)", re.ASCII)
_TWO_WORDS: Final = re.compile(r"\w\s+\w", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CLOSING: Final = frozenset(("then", "do", "done", "fi", "elif", "else", "esac", "}"))
RESERVED: Final = _CLOSING | {"if", "while", "until", "for", "select", "case", "in", "function", "coproc", "{", "!"}


def read_script(text: str, depth: int = 0) -> Script:
    """The whole text as a tree. Raises NotUnderstoodError."""
    if len(text) > LONGEST:
        raise NotUnderstoodError(f"it is longer than {LONGEST} characters")
    if _BEFORE_COMMANDS.search(text):
        raise NotUnderstoodError("it has a control character")
    if _SUBSCRIPT.search(text):
        raise NotUnderstoodError("it has a subscript that may run a command")
    return Reader(text, depth).script_until("")


class Reader(WordReader):
    """Reads lists, pipelines and commands; compound commands are at the end."""

    def inner(self, text: str) -> Script:
        """The script inside backquotes."""
        return Reader(text, self.depth + 1).script_until("")

    def script_until(self, end: str) -> Script:
        """Read up to `end` and step over it."""
        script = self._script()
        if self.pending:
            raise NotUnderstoodError("a here-document is missing")
        if end and not self.take(end):
            raise NotUnderstoodError(f"{end} is missing")
        if not end and self.at < len(self.text):
            raise NotUnderstoodError(f"{self.peek()} is not expected here")
        return script

    def _script(self) -> Script:
        steps: list[Step] = []
        operator = ";"
        self._lines()
        while not self._at_end():
            command = self._pipeline()
            self._blanks()
            background = self.peek() == "&" and self.peek(2) != "&&"
            steps.append(Step(operator, command, background))
            if self.peek(2) in ("&&", "||"):
                operator = self.peek(2)
                self.at += 2
                self._lines()
                if self._at_end():
                    raise NotUnderstoodError(f"a command is missing after {operator}")
                continue
            operator = ";"
            if background or (self.peek() == ";" and self.peek(2) not in (";;", ";&")):
                self.at += 1
            elif self.peek() != "\n":
                break
            self._lines()
        return Script(tuple(steps))

    def _at_end(self) -> bool:
        char = self.peek()
        return not char or char in ");" or self._reserved() in _CLOSING

    def _pipeline(self) -> Command:
        commands = []
        while True:
            while self._reserved() == "!":
                self.at += 1
                self._blanks()
            commands.append(self._command())
            self._blanks()
            if self.peek() != "|" or self.peek(2) == "||":
                break
            self.at += 1
            # |& sends errors along.
            self.take("&")
            self._lines()
        return commands[0] if len(commands) == 1 else Pipeline(tuple(commands))

    def _blanks(self) -> None:
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

    def _lines(self) -> None:
        self._blanks()
        while self.peek() == "\n":
            self.at += 1
            self._documents()
            self._blanks()

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
        inner = Reader(body, self.depth + 1)
        draft = Draft()
        while inner.at < len(body):
            inner.quoted_piece(draft, "")
        return draft.word()

    def _reserved(self) -> str | None:
        """The reserved word that is next, if one is: it is one only where a command may begin."""
        end = self.at
        while end < len(self.text) and self.text[end] not in METACHARACTERS:
            end += 1
            if end - self.at > len("function"):
                return None
        word = self.text[self.at : end]
        return word if word in RESERVED or word == "[[" else None

    def _command(self) -> Command:
        self._blanks()
        if self.peek() == "(":
            return self._with_redirections(self._bracket())
        word = self._reserved()
        if word in COMPOUND:
            self.at += len(word)
            self.deeper()
            command = self._with_redirections(getattr(self, COMPOUND[word])())
            self.depth -= 1
            return command
        if word is not None:
            raise NotUnderstoodError(f"{word} is not expected here")
        function = _FUNCTION.match(self.text, self.at)
        if function:
            self.at = function.end()
            return self._function_body()
        return self._simple()

    def _with_redirections(self, command: Compound) -> Compound:
        redirections = []
        self._blanks()
        while (found := _REDIRECTION.match(self.text, self.at)) and self.text[found.end() : found.end() + 1] != "(":
            redirections.append(self._redirection(found))
            self._blanks()
        char = self.peek()
        if char and char not in "\n;&|)" and self._reserved() not in _CLOSING:
            raise NotUnderstoodError("something follows the end of a compound command")
        return Compound(command.kind, command.scripts, command.words, tuple(redirections))

    def _simple(self) -> Simple:
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        while True:
            self._blanks()
            found = _REDIRECTION.match(self.text, self.at)
            if found and self.text[found.end() : found.end() + 1] != "(":
                redirections.append(self._redirection(found))
            elif not words and (assignment := _ASSIGNMENT.match(self.text, self.at)):
                assignments.append(self._assignment(assignment))
            elif not self.peek() or self.peek() in "\n;&|)":
                break
            elif self.peek() == "(":
                raise NotUnderstoodError("a bracket is not expected here")
            else:
                words.append(self.word())
        if not (assignments or words or redirections):
            raise NotUnderstoodError("a command is missing")
        return Simple(tuple(assignments), tuple(words), tuple(redirections))

    def _assignment(self, found: re.Match[str]) -> Assignment:
        self.at = found.end()
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
        return Assignment(found[1], tuple(values), bool(found[2]))

    def _array_gaps(self) -> None:
        self._blanks()
        while self.peek() == "\n":
            if self.pending or self.outer_pending:
                raise NotUnderstoodError("a here-document begins inside an array")
            self.at += 1
            self._blanks()

    def _redirection(self, found: re.Match[str]) -> Redirection:
        operator = found[1] or found[2]
        self.at = found.end()
        if operator.startswith(">") and self.peek() == "!":
            raise NotUnderstoodError("zsh reads >! differently from other shells")
        while self.peek() in (" ", "\t"):
            self.at += 1
        target = self.word()
        if operator not in ("<<", "<<-"):
            return Redirection(operator, target)
        if target.text is None or "\n" in target.text:
            raise NotUnderstoodError("the word that ends a here-document is not plain")
        document = HereDocument(target.text, not target.bare, operator == "<<-")
        self.pending.append(document)
        return Redirection("<<", target, document)

    # Compound commands; the word or bracket that begins them has been read unless a comment says otherwise.

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
        script = self._script()
        end = self._reserved()
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
        self._blanks()
        words: list[Word] = []
        if header := _LOOP_HEADER.match(self.text, self.at):
            self.at = header.end()
        else:
            name = _IDENTIFIER.match(self.text, self.at)
            if not name:
                raise NotUnderstoodError("the name of a loop's variable is missing")
            self.at = name.end()
            self._blanks()
            if self._reserved() == "in":
                self.at += 2
                words = self._words_of_line()
        self._blanks()
        self.take(";")
        self._lines()
        if self._reserved() != "do":
            raise NotUnderstoodError("do is missing")
        self.at += 2
        return Compound(Kind.LOOP, (self._body("done")[0],), tuple(words))

    def _words_of_line(self) -> list[Word]:
        words = []
        self._blanks()
        while self.peek() and self.peek() not in "\n;&|<>()":
            words.append(self.word())
            self._blanks()
        return words

    def _case(self) -> Compound:
        self._blanks()
        words = [self.word()]
        self._lines()
        if self._reserved() != "in":
            raise NotUnderstoodError("in is missing")
        self.at += 2
        scripts = []
        self._lines()
        while self._reserved() != "esac":
            self._blanks()
            self.take("(")
            words += self._patterns()
            script = self._script()
            scripts.append(script)
            if not any(self.take(end) for end in (";;&", ";;", ";&")) and self._reserved() != "esac":
                raise NotUnderstoodError("the end of a case is missing")
            self._lines()
        self.at += len("esac")
        return Compound(Kind.BRANCHES, tuple(scripts), tuple(words))

    def _patterns(self) -> list[Word]:
        patterns = []
        while True:
            self._blanks()
            patterns.append(self.word())
            self._blanks()
            if self.take(")"):
                return patterns
            if not self.take("|"):
                raise NotUnderstoodError("a pattern of a case is not closed")

    def _function(self) -> Compound:
        self._blanks()
        name = self.word()
        if name.exact is None:
            raise NotUnderstoodError("the name of a function is not plain")
        self._blanks()
        if self.take("("):
            self._blanks()
            if not self.take(")"):
                raise NotUnderstoodError("a bracket is not expected here")
        return self._function_body()

    def _function_body(self) -> Compound:
        self._lines()
        word = self._reserved()
        if self.peek() != "(" and word not in ("{", "if", "while", "until", "for", "case", "[["):
            raise NotUnderstoodError("the body of a function is missing")
        body = self._command()
        return Compound(Kind.FUNCTION, (Script((Step(";", body),)),))

    def _condition(self) -> Compound:
        """`[[ ... ]]`; dash runs a program of that name, and what follows && and || in it."""
        steps: list[Step] = []
        words: list[Word] = []
        piece: list[Word] = [Word("[[", "[[")]
        while True:
            self._blanks()
            if self.peek(2) in ("&&", "||"):
                self.at += 2
                steps.append(Step(";", Simple((), tuple(piece), ())))
                piece = []
                self._lines()
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


COMPOUND: Final = {
    "{": "_group",
    "if": "_if",
    "while": "_while",
    "until": "_while",
    "for": "_for",
    "select": "_for",
    "case": "_case",
    "function": "_function",
    "[[": "_condition",
}
