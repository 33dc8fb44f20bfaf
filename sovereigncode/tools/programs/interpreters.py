"""Interpreters of other languages: a file is run, a text on the command line is not understood."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final, Mapping

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass
from sovereigncode.tools.programs import own
from sovereigncode.tools.programs.calls import Call, Rule, Source
from sovereigncode.tools.programs.families import task
from sovereigncode.tools.programs.options import has, scan, shape
from sovereigncode.tools.programs.shells import script_file
from sovereigncode.tools.shell.syntax import Word, literal

_SHELL, _NETWORK = ToolClass.SHELL, ToolClass.NETWORK
# Options with which an interpreter runs a text from its command line, or keeps reading one.
INLINE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "python": ("ci", ()),
    "pypy": ("ci", ()),
    "node": ("epi", ("eval", "print", "interactive")),
    "nodejs": ("epi", ("eval", "print", "interactive")),
    "tsx": ("ep", ("eval", "print")),
    "ts-node": ("ep", ("eval", "print")),
    "perl": ("eEpn", ()),
    "ruby": ("epn", ()),
    "php": ("rRBEa", ("run", "process-code", "interactive")),
    "lua": ("ei", ()),
    "luajit": ("ei", ()),
    "rscript": ("e", ()),
    "r": ("ef", ()),
    "julia": ("eEiL", ("eval", "print", "load")),
    "groovy": ("e", ()),
    "scala": ("e", ()),
    "elixir": ("e", ("eval", "rpc-eval")),
    "erl": ("", ("eval", "run", "s")),
    "tclsh": ("", ()),
    "osascript": ("el", ()),
    "guile": ("c", ()),
    "racket": ("e", ("eval",)),
    "sbcl": ("", ("eval", "load")),
    "ghc": ("e", ()),
}
_TESTING: Final = ("--test", "--watch")
_PYTHON: Final = shape("bBdEhIOPqRsSuvVx", "WX", "version help check-hash-based-pycs=")


def interpreter(name: str) -> Rule:
    """python, node, perl and others: a file is run; a text in their language is not understood here."""
    letters, names = INLINE[name]

    def rule(call: Call) -> Reading:
        if not call.args:
            return _text_on_input(call)
        if all((word.exact or "") in ("--version", "-V", "-v", "--help", "-h", "-VV") for word in call.args):
            return call.is_a(_SHELL)
        before = _before_operands(call.args)
        if has(before, letters, *names):
            return call.unknown("it runs a text that is not a shell script")
        if _reads_input(call.args, before):
            return (
                call.is_a(_SHELL)
                if all(word.exact in _TESTING for word in call.args)
                else _text_on_input(call)
            )
        return script_file(call, call.args[len(before)])

    return rule


def _before_operands(args: tuple[Word, ...]) -> tuple[Word, ...]:
    for place, word in enumerate(args):
        if word.start and not word.start.startswith("-"):
            return args[:place]
    return args


def _reads_input(args: tuple[Word, ...], before: tuple[Word, ...]) -> bool:
    first = args[len(before)] if len(before) < len(args) else None
    return (
        any(word.exact == "-" for word in before)
        or first is None
        or first.start.startswith("/dev/")
        or bool(first.nested)
    )


def _text_on_input(call: Call) -> Reading:
    file = call.context.input.source is Source.FILE
    return call.is_a(_SHELL) if file else call.unknown("it runs a text that is not a shell script")


def python(call: Call) -> Reading:
    """python: also `-m module`, which starts a program of that name."""
    for place, word in enumerate(call.args):
        text = word.exact
        if text is None or not text.startswith("-"):
            break
        if (
            text.startswith("-")
            and not text.startswith("--")
            and "m" in text
            and "c" not in text.partition("m")[0]
        ):
            module = text.partition("m")[2]
            rest = call.args[place + 1 :]
            words = (literal(module), *rest) if module else rest
            return call.is_a(_SHELL) + _module(call, words)
    found = scan(call.args, _PYTHON)
    if found is not None and found.rest:
        first = found.rest[0]
        if first.exact == "-" or first.nested or first.start.startswith("/dev/"):
            return _text_on_input(call)
        if PurePosixPath(first.shape).name in own.RULES:
            return call.run(found.rest)
        # A setup script of Python names its task behind the file: `upload`.
        tasks = (
            task(Call(call.what, found.rest[1:], call.context))
            if first.shape.endswith("setup.py")
            else NOTHING
        )
        return script_file(call, first) + tasks
    return interpreter("python")(call)


def _module(call: Call, words: tuple[Word, ...]) -> Reading:
    name = words[0].exact if words else None
    if name is None:
        return call.unknown("its module is known only when it runs")
    if name in ("http.server", "smtpd", "webbrowser", "ensurepip"):
        return call.is_a(_NETWORK)
    if name in ("code", "pdb", "timeit", "idlelib", "trace", "cProfile", "profile"):
        return call.unknown("it runs a text that is not a shell script")
    return call.run((literal(name.partition(".")[0].replace("_", "-")), *words[1:]))


RULES: Final[Mapping[str, Rule]] = {
    **{name: interpreter(name) for name in INLINE},
    "python": python,
    "pypy": python,
    "py": python,
}
