"""A word while it is being read."""

from __future__ import annotations

from dataclasses import dataclass, field

from sovereigncode.tools.shell.syntax import Script, Word


@dataclass
class Draft:
    """Collects what a word is made of, character by character."""

    pieces: list[str] = field(default_factory=list)
    known: bool = True
    start: str | None = None
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
                self.unknown(splits=True)
        elif self.braces and (char == "," or (char == "." and self.pieces and self.pieces[-1] == ".")):
            self.alternatives = True
        self.pieces.append(char)

    def unknown(self, *, splits: bool) -> None:
        """Add something that is known only when the command runs."""
        if self.known:
            text = "".join(self.pieces)
            self.start = text.split("{", 1)[0] if self.alternatives else text
        self.known = False
        self.splits = self.splits or splits

    def word(self) -> Word:
        """What was collected."""
        text = "".join(self.pieces) if self.known else None
        return Word(
            text,
            text if text is not None else self.start or "",
            self.bare,
            # `[` alone is the program; `[[` is read elsewhere.
            self.pattern and text not in ("[", "[["),
            self.tilde,
            self.splits,
            tuple(self.nested),
        )
