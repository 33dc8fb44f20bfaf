"""A word while it is being read."""

from __future__ import annotations

from dataclasses import dataclass, field

from sovereigncode.tools.shell.syntax import Script, Word


@dataclass
class Draft:
    """Collects what a word is made of, character by character."""

    pieces: list[str] = field(default_factory=list)
    known: bool = True
    bare: bool = True
    pattern: bool = False
    tilde: bool = False
    splits: bool = False
    nested: list[Script] = field(default_factory=list)
    braces: int = 0
    alternatives: bool = False

    def quoted(self, text: str) -> None:
        """Add text that stays as it is."""
        self.bare = False
        self.pieces.append(text)

    def plain(self, char: str) -> None:
        """Add one unquoted character."""
        if char in "*?[":
            self.pattern = True
        elif char == "~" and not self.pieces and self.known:
            self.tilde = True
        elif char == "{":
            self.braces += 1
        elif char == "}" and self.braces:
            self.braces -= 1
            if self.alternatives:
                # bash and zsh make several words of a{b,c}; dash makes one.
                self.known, self.splits = False, True
        elif self.braces and (char == "," or (char == "." and self.pieces and self.pieces[-1] == ".")):
            self.alternatives = True
        self.pieces.append(char)

    def unknown(self, *, splits: bool) -> None:
        """Add something that is known only when the command runs."""
        self.pieces.append("\0")
        self.known = False
        self.splits = self.splits or splits

    def word(self) -> Word:
        """What was collected."""
        shape = "".join(self.pieces)
        text = shape if self.known else None
        return Word(
            text,
            shape,
            self.bare,
            # `[` alone is the program; `[[` is read elsewhere.
            self.pattern and text not in ("[", "[["),
            self.tilde,
            self.splits,
            tuple(self.nested),
        )
