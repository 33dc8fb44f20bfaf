"""The policy's folder among the arguments of a program that does more than read."""

from __future__ import annotations

from typing import Final, Sequence

from sovereigncode.tools.classes import Write
from sovereigncode.tools.places import PROTECTED, is_protected
from sovereigncode.tools.programs import wrappers
from sovereigncode.tools.programs.calls import Context, names_protected
from sovereigncode.tools.programs.options import has
from sovereigncode.tools.shell.syntax import Word

# They read what they are given, or only print it; those that can write name it themselves.
_READING: Final = (
    "cat head tail less more ls dir tree grep egrep fgrep rg ag ack wc diff cmp comm stat file test [ [[ "
    "jq yq sha256sum "
    "sha1sum sha512sum md5sum shasum cksum b2sum du df bat batcat nl tac rev cut uniq column realpath "
    "readlink basename "
    "dirname echo printf pwd xxd hexdump od strings sort true false : get-content gc get-childitem gci type "
    "write-output write-host cp cd"
)
_READERS: Final = frozenset(_READING.split())
# Their arguments are commands of their own, which are read one by one.
_STARTERS: Final = frozenset(wrappers.RULES) | {
    "eval",
    "trap",
    "su",
    "runuser",
    "command",
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
}
_GIT_READING: Final = (
    "add stage commit status diff log show blame annotate ls-files ls-tree check-ignore check-attr grep "
    "cat-file rev-parse "
    "rev-list describe shortlog tag push branch notes"
)
_GIT_READERS: Final = frozenset(_GIT_READING.split())
# They may get a change of a file on their standard input.
_PATCHERS: Final = ("patch", "git", "ed", "ex", "vi", "vim", "python", "node", "perl", "ruby", "tar", "cpio")
_FIND_ACTS: Final = (
    "-exec",
    "-execdir",
    "-ok",
    "-okdir",
    "-delete",
    "-fprint",
    "-fprintf",
    "-fprint0",
    "-fls",
)


def protected_writes(name: str, args: Sequence[Word], context: Context) -> tuple[Write, ...]:
    """The policy's folder, if this program may change what is in it."""
    if name in _READERS or name in _STARTERS:
        return ()
    inside = any(is_protected(part) for folder in context.folders for part in folder.parts)
    given = context.input.text
    patched = name in _PATCHERS and given is not None and names_protected(given)
    if not (inside or patched or any(names_protected(word) for word in args)):
        return ()
    texts = [word.text for word in args]
    if name in ("find", "gfind") and not any(text in _FIND_ACTS for text in texts):
        return ()
    if name == "git" and any(text in _GIT_READERS for text in texts) and not has(args, "o", "output"):
        return ()
    return (Write(PROTECTED),)
