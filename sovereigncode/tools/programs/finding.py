"""Programs that find files and start other programs for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Mapping, Sequence

from sovereigncode.tools.classes import Reading, ToolClass, Write
from sovereigncode.tools.programs.calls import Call, Input, Rule, Source
from sovereigncode.tools.programs.options import has
from sovereigncode.tools.programs.wrappers import replaced
from sovereigncode.tools.shell.syntax import ANYTHING, Word

_SHELL, _FILE_WRITE, _DELETE = ToolClass.SHELL, ToolClass.FILE_WRITE, ToolClass.DELETE
_TESTS: Final = (
    "-amin -anewer -atime -cmin -cnewer -context -ctime -fstype -gid -group -ilname -iname -inum -ipath "
    "-iregex -iwholename "
    "-links -lname -maxdepth -mindepth -mmin -mtime -name -newer -path -perm -regex -regextype -samefile "
    "-size -type "
    "-uid -used -user -wholename -xtype -printf -newermt -newerat -newerct -newermm -D"
)
_FLAGS: Final = (
    "-a -and -o -or -not ! ( ) , -daystart -depth -d -empty -executable -false -follow -help "
    "-ignore_readdir_race -ls "
    "-mount -nogroup -noignore_readdir_race -noleaf -nouser -nowarn -print -print0 -prune -quit -readable "
    "-true "
    "-version --version --help -warn -writable -xdev -H -L -P -X -E -x -s -f -O0 -O1 -O2 -O3"
)
_FIND_TESTS: Final = frozenset(_TESTS.split())
_FIND_FLAGS: Final = frozenset(_FLAGS.split())
_DEPTHS: Final = ("-maxdepth", "-mindepth")
_FIND_RUNS: Final = ("-exec", "-execdir", "-ok", "-okdir")


def _find(call: Call) -> Reading:
    found = call.is_a(_SHELL)
    at = 0
    tested = False
    args = call.args
    while at < len(args):
        text = args[at].text
        if text is None and (args[at].splits or not args[at].start or args[at].start.startswith("-")):
            return call.unknown("what it does is known only when it runs")
        if text in _FIND_RUNS:
            end = next((place for place in range(at, len(args)) if args[place].exact in (";", "+")), None)
            if end is None:
                return call.unknown("the end of its -exec is missing")
            found = found + _for_each(call, args[at + 1 : end])
            at = end
        elif text == "-delete":
            found = found + call.is_a(_DELETE, *_below(call, whole=not tested))
        elif text in ("-fprint", "-fprint0", "-fls", "-fprintf"):
            found = found + call.is_a(_FILE_WRITE, *call.writes(args[at + 1 : at + 2]))
            at += 2 if text == "-fprintf" else 1
        elif text in _FIND_TESTS:
            tested = tested or text not in _DEPTHS
            at += 1
        elif text and text.startswith("-") and text not in _FIND_FLAGS:
            return call.unknown(f"{text} is not an option that is known")
        at += 1
    return found


def _below(call: Call, *, whole: bool) -> tuple[Write, ...]:
    """Where find looks: the words before its first test. `whole`: everything there is removed."""
    places = []
    for word in call.args:
        if word.start[:1] in ("-", "!", "("):
            break
        places.append(word)
    return call.writes(places, whole=whole)


def _for_each(call: Call, words: Sequence[Word]) -> Reading:
    """A program that is started for files: `{}` in its words is their names."""
    inner = Call(call.what, (), replace(call.context, folders=(), input=Input(Source.OTHER)))
    return inner.run(replaced(words, "{}"))


def _fd(call: Call) -> Reading:
    for at, word in enumerate(call.args):
        text = word.exact
        if text is None and (word.splits or not word.start):
            return call.unknown("what it does is known only when it runs")
        if text in ("-x", "-X", "--exec", "--exec-batch"):
            words = [part for part in call.args[at + 1 :] if part.exact != ";"]
            marked = any("{" in (part.text or "") for part in words)
            words = [Word(None, bare=False) if "{" in (part.text or "") else part for part in words]
            inner = Call(call.what, (), replace(call.context, folders=(), input=Input(Source.OTHER)))
            return call.is_a(_SHELL) + inner.run(words if marked else [*words, ANYTHING])
        if text and (
            text.startswith(("--exec", "--ex")) or (text[:1] == "-" and text[1:2] != "-" and text[-1] in "xX")
        ):
            return call.unknown("an option may start a program")
    return call.is_a(_SHELL)


def _ripgrep(call: Call) -> Reading:
    runs = has(call.args, "", "pre", "hostname-bin")
    return call.unknown("an option may start a program") if runs else call.is_a(_SHELL)


RULES: Final[Mapping[str, Rule]] = {
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "rg": _ripgrep,
}
