"""Programs that start another program with the words behind their own: `sudo`, `env`, `xargs`, `timeout`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, Mapping, Sequence

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, Input, Rule, Source, joined
from sovereigncode.tools.programs.options import Scan, Shape, scan, shape
from sovereigncode.tools.shell.syntax import ANYTHING, Word, literal
from sovereigncode.tools.shell.variables import harmless

_SHELL, _UNKNOWN = ToolClass.SHELL, ToolClass.UNKNOWN
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)
# What env(1) -S splits as a shell would: no quotes, no backslashes, no variables.
_PLAIN_WORDS: Final = re.compile(r"[\w./:=@%+, \t-]*", re.ASCII)
_NO_SHELL: Final = ("s", "i", "shell", "login")

# Options as the manual pages of sudo 1.9, coreutils 9, util-linux 2.38, bash 5.2 and zsh 5.9 have them.
WRAPPERS: Final[Mapping[str, Shape]] = {
    "doas": shape("nL", "uC"),
    "nohup": shape(),
    "setsid": shape("cfw", "", "ctty fork wait"),
    "nice": shape("", "n", "adjustment=", numbers=True),
    "ionice": shape("t", "cn", "ignore class= classdata="),
    "stdbuf": shape("", "ioe", "input= output= error="),
    "timeout": shape("v", "ks", "foreground preserve-status verbose kill-after= signal=", operands=1),
    "gtimeout": shape("v", "ks", "foreground preserve-status verbose kill-after= signal=", operands=1),
    "chrt": shape("abdfiormRv", "", "batch deadline fifo idle other rr verbose", operands=1),
    "taskset": shape("ac", "", "all-tasks cpu-list", operands=1),
    "builtin": shape(),
    "exec": shape("cl", "a"),
    "noglob": shape(),
    "nocorrect": shape(),
    "-": shape(),
    "repeat": shape(operands=1),
    "caffeinate": shape("dimsu", "tw"),
    "chronic": shape("ve"),
    "unbuffer": shape("p"),
    "fakeroot": shape(),
    "eatmydata": shape(),
    "linux32": shape(),
    "linux64": shape(),
    "busybox": shape(),
    "toybox": shape(),
    "cross-env": shape(assignments=True),
    "dotenv": shape("o", "efv"),
    "chroot": shape("", "", "skip-chdir groups= userspec=", operands=1),
    "torsocks": shape("i"),
    "proxychains": shape("q", "f"),
    "proxychains4": shape("q", "f"),
    "xvfb-run": shape("al", "efnps", "auto-servernum server-args="),
    "dbus-run-session": shape(),
    "winpty": shape(),
    "rlwrap": shape("aAcimnNrRuU"),
    "strace": shape("cCdDfFhikqrtTvVwxyYzZn", "abeEIoOpPsSuU"),
    "ltrace": shape("cCfhiLrStTV", "aeFlnopsuwx"),
    "hyperfine": shape("iN", "wmMrnSPpc"),
}
_SUDO: Final = shape(
    "AbBEHknNPSsievlVK",
    "CDghpRrTtUu",
    "askpass background bell preserve-env edit set-home login remove-timestamp reset-timestamp "
    "non-interactive "
    "no-update preserve-groups stdin shell list validate version help chdir= group= host= prompt= chroot= "
    "role= type= "
    "command-timeout= user= other-user= close-from=",
    assignments=True,
)
_ENV: Final = shape(
    "i0v",
    "uCS",
    "ignore-environment null debug list-signal-handling default-signal ignore-signal block-signal help "
    "version unset= "
    "chdir= split-string=",
    assignments=True,
)
_TIME: Final = shape("apqvVl", "fo", "append portability quiet verbose help version format= output=")
_COMMAND: Final = shape("pvV")
_XARGS: Final = shape(
    "0oprtx",
    "aEdILnPsJRS",
    "null open-tty interactive no-run-if-empty verbose exit show-limits arg-file= delimiter= max-lines= "
    "max-args= "
    "max-procs= max-chars= process-slot-var= replace= help version",
)
_FLOCK: Final = shape(
    "enosuxF", "cEw", "shared exclusive unlock nonblock nb close no-fork verbose timeout= command= wait="
)
_WATCH: Final = shape(
    "bcdegprtvwx",
    "nq",
    "beep color errexit chgexit differences exec no-title precise interval= no-wrap equexit=",
)
_SCRIPT: Final = shape("aefqt", "cEIOBTmo", "append command= echo= return flush force quiet")


def wraps(known: Shape) -> Rule:
    """The rule of a program that starts the words behind its own options."""

    def rule(call: Call) -> Reading:
        found = scan(call.args, known)
        if found is None:
            return call.unknown("one of its options is not known")
        return started(call, found, known)

    return rule


def started(call: Call, found: Scan, known: Shape) -> Reading:
    """The program behind the options, operands and assignments."""
    rest, wrong = found.rest[known.operands :], NOTHING
    if any(word.splits for word in found.rest[: known.operands]):
        return call.unknown("the program that it starts is known only when it runs")
    if known.assignments:
        rest, wrong = _without_assignments(call, rest)
    return call.is_a(_SHELL) + wrong + (call.run(rest) if rest else NOTHING)


def _without_assignments(call: Call, words: Sequence[Word]) -> tuple[tuple[Word, ...], Reading]:
    at = 0
    wrong = NOTHING
    while at < len(words):
        found = _ASSIGNMENT.match(words[at].shape)
        if not found:
            break
        value = found[2] if words[at].text is not None else None
        if not harmless(found[1], value):
            wrong = wrong + call.unknown(f"{found[1]} is set to what may be a command")
        at += 1
    return tuple(words[at:]), wrong


def _sudo(call: Call) -> Reading:
    found = scan(call.args, _SUDO)
    if found is None:
        return call.unknown("one of its options is not known")
    if "e" in found.options or "edit" in found.options:
        return call.is_a(_SHELL) + call.is_a(ToolClass.FILE_WRITE, *call.writes(found.rest))
    rest, wrong = _without_assignments(call, found.rest)
    if any(name in found.options for name in _NO_SHELL):
        if not rest:
            return call.unknown("it starts a shell that reads its commands from somewhere else")
        return call.is_a(_SHELL) + wrong + call.run(rest) + call.script(joined(rest))
    return call.is_a(_SHELL) + wrong + (call.run(rest) if rest else NOTHING)


def _env(call: Call) -> Reading:
    found = scan(call.args, _ENV)
    if found is None:
        return call.unknown("one of its options is not known")
    call = _moved(call, found.options.get("C") or found.options.get("chdir"))
    split = found.options.get("S") or found.options.get("split-string")
    if split is None:
        return started(call, found, _ENV)
    if split.exact is None or not _PLAIN_WORDS.fullmatch(split.exact):
        return call.unknown("the text that it splits into words is not plain")
    words = (*map(literal, split.exact.split()), *found.rest)
    inner = scan(words, _ENV)
    return call.unknown("one of its options is not known") if inner is None else started(call, inner, _ENV)


def _moved(call: Call, folder: Word | None) -> Call:
    if folder is None:
        return call
    text = folder.exact
    folders = () if text is None else tuple(place / text for place in call.context.folders)
    return Call(call.what, call.args, call.context.at(*folders))


def _time(call: Call) -> Reading:
    found = scan(call.args, _TIME)
    if found is None:
        return call.unknown("one of its options is not known")
    output = found.options.get("o") or found.options.get("output")
    written = call.is_a(ToolClass.FILE_WRITE, *call.writes([output])) if output else NOTHING
    return started(call, found, _TIME) + written


def _command(call: Call) -> Reading:
    found = scan(call.args, _COMMAND)
    if found is None:
        return call.unknown("one of its options is not known")
    asks = "v" in found.options or "V" in found.options
    return call.is_a(_SHELL) if asks else started(call, found, _COMMAND)


def _xargs(call: Call) -> Reading:
    args = [_replacing(word) for word in call.args]
    found = scan(args, _XARGS)
    if found is None:
        return call.unknown("one of its options is not known")
    mark = next((found.options[name] for name in ("I", "J", "replace") if name in found.options), None)
    inner = Call(call.what, (), replace(call.context, input=Input(Source.OTHER)))
    if mark is None:
        return call.is_a(_SHELL) + inner.run((*(found.rest or (literal("echo"),)), ANYTHING))
    if mark.exact is None or not mark.exact:
        return call.unknown("what it replaces is known only when it runs")
    return call.is_a(_SHELL) + inner.run(replaced(found.rest, mark.exact))


def _replacing(word: Word) -> Word:
    """`-i` and `--replace` without a value mean `{}`; `-iX` means X."""
    text = word.exact or ""
    if text in ("-i", "--replace"):
        return literal("--replace={}")
    if text in ("-l", "-e"):
        return literal("-r")
    return literal(f"--replace={text[2:]}") if text.startswith("-i") else word


def replaced(words: Sequence[Word], mark: str) -> tuple[Word, ...]:
    """The words with every word that has the mark in it as one that is not known."""
    made = []
    for word in words:
        text = word.text
        if text is not None and mark in text:
            made.append(Word(None, text.replace(mark, "\0"), bare=False))
        else:
            made.append(word)
    return tuple(made)


def _flock(call: Call) -> Reading:
    # flock FILE -c 'script' and flock FILE program
    found = scan(call.args, _FLOCK)
    if found is None or not found.rest:
        return call.unknown("one of its options is not known")
    rest = found.rest[1:]
    if rest and rest[0].exact in ("-c", "--command"):
        return call.is_a(_SHELL) + (call.script(rest[1]) if len(rest) > 1 else NOTHING)
    command = found.options.get("c") or found.options.get("command")
    script = call.script(command) if command else NOTHING
    return call.is_a(_SHELL) + script + (call.run(rest) if rest else NOTHING)


def _watch(call: Call) -> Reading:
    found = scan(call.args, _WATCH)
    if found is None:
        return call.unknown("one of its options is not known")
    if not found.rest:
        return call.is_a(_SHELL)
    direct = "x" in found.options or "exec" in found.options
    return call.is_a(_SHELL) + (call.run(found.rest) if direct else call.script(joined(found.rest)))


def _script(call: Call) -> Reading:
    found = scan(call.args, _SCRIPT)
    command = found and (found.options.get("c") or found.options.get("command"))
    if not found or not command:
        return call.unknown("it starts a shell that reads its commands from somewhere else")
    return (
        call.is_a(ToolClass.FILE_WRITE, *call.writes(found.rest)) + call.is_a(_SHELL) + call.script(command)
    )


RULES: Final[Mapping[str, Rule]] = {
    **{name: wraps(known) for name, known in WRAPPERS.items()},
    "sudo": _sudo,
    "env": _env,
    "time": _time,
    "gtime": _time,
    "command": _command,
    "xargs": _xargs,
    "flock": _flock,
    "watch": _watch,
    "script": _script,
}
