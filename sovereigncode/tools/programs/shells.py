"""Shells, and the builtins of shells that run a text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final, Mapping

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, Input, Rule, Source, joined
from sovereigncode.tools.programs.families import task_class
from sovereigncode.tools.programs.options import has, scan, shape, surely_has
from sovereigncode.tools.shell.syntax import Word, literal
from sovereigncode.tools.shell.variables import harmless

_SHELL, _NETWORK = ToolClass.SHELL, ToolClass.NETWORK
# Options of bash, dash, ksh and zsh; `-o` and `-O` take a name.
_SHELL_OPTIONS: Final = shape(
    "abcefhiklmnprstuvxBCDEHPT",
    "oO",
    "login noprofile norc posix verbose restricted noediting debugger version help no-rcs no-globalrcs "
    "init-file= rcfile=",
)
_INPUT: Final = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_ASSIGNS: Final = re.compile(r"([A-Za-z_]\w*)(?:\+?=(.*))?", re.ASCII | re.DOTALL)


def shell(call: Call) -> Reading:
    """sh, bash, dash, zsh: `-c` runs a text, a file name a file, otherwise standard input is run."""
    args = tuple(
        literal(f"-{word.exact[1:]}") if word.exact and word.exact.startswith("+") else word
        for word in call.args
    )
    found = scan(args, _SHELL_OPTIONS)
    if found is None or ("c" in found.options and not found.rest):
        return call.unknown("one of its options is not known, or its script is missing")
    if "version" in found.options or "help" in found.options:
        return call.is_a(_SHELL)
    if "c" in found.options:
        return call.is_a(_SHELL) + call.script(found.rest[0])
    if found.rest and "s" not in found.options:
        return _script_file(call, found.rest[0])
    return call.is_a(_SHELL) if "n" in found.options else standard_input(call)


def _script_file(call: Call, file: Word) -> Reading:
    if file.exact in _INPUT:
        return standard_input(call)
    if file.nested or file.start.startswith(("/dev/", "/proc/")):
        return call.unknown("its script is made when it runs")
    return script_file(call, file)


def script_file(call: Call, file: Word) -> Reading:
    """A script in a file is not read; its name may say that it publishes."""
    name = PurePosixPath(file.shape).stem
    return call.is_a(task_class(name))


def standard_input(call: Call) -> Reading:
    """A shell that runs what it reads."""
    given = call.context.input
    if given.source is Source.FILE:
        return call.is_a(_SHELL)
    if given.source is Source.TEXT and given.text is not None:
        inner = Call(call.what, (), replace(call.context, input=Input(Source.OTHER)))
        return call.is_a(_SHELL) + inner.script(given.text)
    return call.unknown("it runs commands that it reads from somewhere else")


def _eval(call: Call) -> Reading:
    return call.is_a(_SHELL) + call.script(joined(call.args)) if call.args else call.is_a(_SHELL)


def _trap(call: Call) -> Reading:
    args = call.args[1:] if call.args and call.args[0].exact == "--" else call.args
    if not args or args[0].exact in ("-", "-l", "-p", ""):
        return call.is_a(_SHELL)
    return call.is_a(_SHELL) + call.script(args[0])


def _source(call: Call) -> Reading:
    return _script_file(call, call.args[0]) if call.args else call.is_a(_SHELL)


def _alias(call: Call) -> Reading:
    defines = any(word.text is None or "=" in word.text for word in call.args)
    return call.unknown("it gives a command another name") if defines else call.is_a(_SHELL)


def _declares(call: Call) -> Reading:
    """export, declare, local, readonly, typeset: `NAME=value`."""
    found = call.is_a(_SHELL)
    for word in call.args:
        text = word.text if word.text is not None else word.start
        assigned = _ASSIGNS.fullmatch(text)
        if word.text is None and word.splits and not assigned:
            return call.unknown("what it sets is known only when it runs")
        if assigned and assigned[2] is not None:
            value = assigned[2] if word.text is not None else None
            if not harmless(assigned[1], value):
                found = found + call.unknown(f"{assigned[1]} is set to what may be a command")
        elif assigned and not harmless(assigned[1], None) and word.text is None:
            found = found + call.unknown(f"{assigned[1]} is set to what may be a command")
    if surely_has(call.args, "n") and call.what in ("declare", "local", "typeset"):
        return found + call.unknown("a name may stand for another variable")
    return found


def _su(call: Call) -> Reading:
    found = scan(
        call.args,
        shape("lmpfP-", "csgGw", "login preserve-environment fast command= session-command= shell= group="),
    )
    script = found and (
        found.options.get("c") or found.options.get("command") or found.options.get("session-command")
    )
    if not script:
        # `su - ada -c '...'`: options may come behind the user.
        places = [place for place, word in enumerate(call.args[:-1]) if word.exact in ("-c", "--command")]
        script = call.args[places[0] + 1] if places else None
    if not script:
        return call.unknown("it starts a shell that reads its commands from somewhere else")
    return call.is_a(_SHELL) + call.script(script)


_SSH: Final = shape("46AaCfGgKkMNnqsTtVvXxYy", "BbcDEeFIiJLlmOopQRSWw")


def _ssh(call: Call) -> Reading:
    """ssh: a command for the other machine is read too."""
    found = scan(call.args, _SSH)
    if found is None:
        return call.unknown("one of its options is not known")
    starting = [value for name in ("o", "F") if (value := found.options.get(name)) is not None]
    if any(
        value.text is None or "command" in value.text.lower() or "include" in value.text.lower()
        for value in starting
    ):
        return call.unknown("an option may start a program")
    again = scan(found.rest[1:], _SSH)
    if found.rest and again is None:
        return call.unknown("one of its options is not known")
    rest = again.rest if again else ()
    if not rest and call.context.input.source is Source.TEXT:
        return call.is_a(_NETWORK) + standard_input(call)
    return call.is_a(_NETWORK) + (call.script(joined(rest)) if rest else NOTHING)


def _only_with_text(letters: str, *names: str) -> Rule:
    def rule(call: Call) -> Reading:
        bad = has(call.args, letters, *names)
        return call.unknown("an option makes it run a text") if bad else call.is_a(_SHELL)

    return rule


def _whatever(call: Call) -> Reading:
    return call.unknown("what it runs is not read")


_SHELLS: Final = "sh bash dash zsh ksh ash mksh rbash lksh oksh yash"
_OTHERS: Final = (
    "fish nu nushell elvish xonsh tcsh csh rc es ed ex red vi vim nvim view gvim emacs emacsclient nano "
    "pico joe "
    "gdb lldb expect wish irb pry ghci iex ipython bpython "
    "screen tmux zellij at batch crontab systemd-run nsenter unshare parallel sem rush pexec entr "
    "firejail bwrap proot fc coproc zmodload autoload sched zle wsl adb lftp ftp sftp sqlplus "
    "m4 dc socat nsupdate setarch runcon sg newgrp "
    "pkexec run0 dsh pdsh pssh ansible ansible-playbook salt vagrant"
)
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_SHELLS.split(), shell),
    "eval": _eval,
    "trap": _trap,
    "source": _source,
    ".": _source,
    "alias": _alias,
    **dict.fromkeys(("export", "declare", "local", "readonly", "typeset"), _declares),
    "su": _su,
    "runuser": _su,
    "ssh": _ssh,
    "hash": _only_with_text("p"),
    "enable": _only_with_text("f"),
    "bind": _only_with_text("x"),
    "compgen": _only_with_text("CFW"),
    "complete": _only_with_text("CF"),
    "mapfile": _only_with_text("C"),
    "readarray": _only_with_text("C"),
    "history": _only_with_text("p"),
    # Languages, terminals and queues whose text is not read here.
    **dict.fromkeys(_OTHERS.split(), _whatever),
}  # fmt: skip
