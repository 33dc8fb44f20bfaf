"""Programs that change files, and those that send or fetch them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final, Mapping, Sequence

from sovereigncode.tools.classes import NOTHING, Reading, ToolClass
from sovereigncode.tools.edits import Remove
from sovereigncode.tools.patches import read_patch
from sovereigncode.tools.programs.calls import Call, Rule, Source
from sovereigncode.tools.programs.options import has, operands, surely_has
from sovereigncode.tools.shell.syntax import Word, literal

_SHELL, _FILE_WRITE, _NETWORK = ToolClass.SHELL, ToolClass.FILE_WRITE, ToolClass.NETWORK
_DELETE = ToolClass.DELETE


def _changes(found: ToolClass, valued: str = "", *, whole: bool = False, skip: int = 0) -> Rule:
    """A program that changes the files that it is given, from the operand `skip` on."""

    def rule(call: Call) -> Reading:
        words = operands(call.args, valued)[skip:]
        return call.is_a(_SHELL) + call.is_a(found, *call.writes(words, whole=whole))

    return rule


def _copy(call: Call) -> Reading:
    """cp, ln, install: the last operand is written, or the folder after -t."""
    return call.is_a(_SHELL) + call.is_a(_FILE_WRITE, *call.writes(_destination(call.args)))


def _destination(args: Sequence[Word]) -> list[Word]:
    found = [args[at + 1] for at, word in enumerate(args[:-1]) if word.exact in ("-t", "--target-directory")]
    for word in args:
        text = word.exact or ""
        if text.startswith("--target-directory="):
            path = text.partition("=")[2]
            found.append(Word(path, path))
    words = operands(args, "mogStZ", "mode", "owner", "group", "suffix")
    return found or words[-1:]


def _link(call: Call) -> Reading:
    """ln: what the link leads to could be written through it, so it counts as well."""
    words = operands(call.args, "St", "suffix")
    places = _destination(call.args)
    folder = PurePosixPath(places[0].shape).parent if places else PurePosixPath()
    sources = [literal(str(folder / word.text)) for word in words[:-1] if word.text is not None]
    return call.is_a(_SHELL) + call.is_a(_FILE_WRITE, *call.writes([*places, *sources]))


def _move(call: Call) -> Reading:
    """mv: what it moves is gone from its place."""
    words = operands(call.args, "St", "suffix")
    writes = (*call.writes(_destination(call.args)), *call.writes(words, whole=True))
    return call.is_a(_SHELL) + call.is_a(_FILE_WRITE, *writes)


def _dd(call: Call) -> Reading:
    out = [word for word in call.args if word.start.startswith("of=")]
    paths = [Word(word.text[3:], word.text[3:]) for word in out if word.text is not None]
    return call.is_a(_SHELL) + (call.is_a(_FILE_WRITE, *call.writes(paths)) if out else NOTHING)


def _tar(call: Call) -> Reading:
    first = call.args[0].exact if call.args else ""
    if has(
        call.args,
        "I",
        "to-command",
        "checkpoint-action",
        "use-compress-program",
        "rsh-command",
        "info-script",
        "new-volume-script",
    ):
        return call.unknown("an option may start a program")
    if first and not first.startswith("-") and "I" in first:
        return call.unknown("an option may start a program")
    removes = has(call.args, "", "remove-files", "delete", "recursive-unlink", "unlink-first")
    modes = first if first and not first.startswith("--") else "".join(word.start for word in call.args)
    found = call.is_a(_DELETE) if removes else NOTHING
    writes = any(letter in (modes or "x") for letter in "xcruA") or has(
        call.args, "", "extract", "get", "create"
    )
    return call.is_a(_SHELL) + found + (call.is_a(_FILE_WRITE) if writes else NOTHING)


def _rsync(call: Call) -> Reading:
    if has(call.args, "e", "rsh", "rsync-path", "daemon"):
        return call.unknown("an option may start a program")
    words = operands(call.args, "fTBM")
    remote = any(word.text is None or ":" in word.text for word in words)
    removes = has(
        call.args, "", "delete", "delete-before", "delete-after", "delete-excluded", "remove-source-files"
    )
    found = call.is_a(_NETWORK) if remote else call.is_a(_FILE_WRITE, *call.writes(words[-1:], whole=removes))
    return call.is_a(_SHELL) + found + (call.is_a(_DELETE) if removes else NOTHING)


def _curl(call: Call) -> Reading:
    outputs = [
        call.args[at + 1]
        for at, word in enumerate(call.args[:-1])
        if word.exact in ("-o", "--output", "-O", "-P")
    ]
    named = outputs if not call.what.startswith("curl") else [
        call.args[at + 1] for at, word in enumerate(call.args[:-1]) if word.exact in ("-o", "--output")
    ]  # fmt: skip
    return call.is_a(_NETWORK) + (call.is_a(_FILE_WRITE, *call.writes(named)) if named else NOTHING)


def _wget(call: Call) -> Reading:
    if surely_has(call.args, "e", "use-askpass", "execute"):
        return call.unknown("an option may start a program")
    return _curl(call)


def _netcat(call: Call) -> Reading:
    runs = has(call.args, "ec", "exec", "sh-exec", "lua-exec")
    return call.unknown("an option may start a program") if runs else call.is_a(_NETWORK)


def _zip(call: Call) -> Reading:
    if has(call.args, "T", "unzip-command"):
        return call.unknown("an option may start a program")
    return call.is_a(_SHELL) + call.is_a(_DELETE if has(call.args, "m", "move") else _FILE_WRITE)


def _apply_patch(call: Call) -> Reading:
    """Codex takes this name for its own tool: the patch is the argument or standard input."""
    given = call.args[0] if call.args else call.context.input.text
    edits = read_patch(given.text) if given is not None and given.text is not None else None
    if edits is None:
        return call.unknown("its patch is not one that is understood")
    paths = [path for edit in edits for path in (edit.path, edit.moved_to) if path is not None]
    removes = any(isinstance(edit.edit, Remove) for edit in edits)
    found = call.is_a(_FILE_WRITE, *call.writes([literal(path) for path in paths]))
    return call.is_a(_SHELL) + found + (call.is_a(_DELETE) if removes else NOTHING)


def _sort(call: Call) -> Reading:
    if has(call.args, "", "compress-program"):
        return call.unknown("an option may start a program")
    outputs = [
        call.args[at + 1] for at, word in enumerate(call.args[:-1]) if word.exact in ("-o", "--output")
    ]
    return call.is_a(_SHELL) + (
        call.is_a(_FILE_WRITE, *call.writes(outputs)) if has(call.args, "o", "output") else NOTHING
    )


def _man(call: Call) -> Reading:
    runs = has(call.args, "PH", "pager", "html")
    return call.unknown("an option may start a program") if runs else call.is_a(_SHELL)


def _sqlite(call: Call) -> Reading:
    texts = [word.text for word in call.args]
    given = call.context.input
    if given.source is Source.TEXT and given.text is not None:
        texts.append(given.text.text)
    if any(text is None or text.lstrip().startswith(".") or "\n." in text for text in texts):
        return call.unknown("it may run a text that starts a program")
    return call.unknown("it reads commands") if given.source is Source.OTHER else call.is_a(_SHELL)


def _psql(call: Call) -> Reading:
    given = call.context.input
    texts = [word.text for word in call.args] + ([given.text.text] if given.text else [])
    risky = any(text is None or "\\" in text for text in texts) or given.source is Source.OTHER
    return call.unknown("it may run a text that starts a program") if risky else call.is_a(_NETWORK)


RULES: Final[Mapping[str, Rule]] = {
    "rm": _changes(_DELETE, whole=True),
    "rmdir": _changes(_DELETE),
    "unlink": _changes(_DELETE),
    "shred": _changes(_DELETE, "ns"),
    "srm": _changes(_DELETE, whole=True),
    "wipe": _changes(_DELETE, whole=True),
    "trash": _changes(_DELETE, whole=True),
    "trash-put": _changes(_DELETE, whole=True),
    "rimraf": _changes(_DELETE, whole=True),
    "del-cli": _changes(_DELETE, whole=True),
    "tee": _changes(_FILE_WRITE),
    "touch": _changes(_FILE_WRITE, "dtr"),
    "truncate": _changes(_FILE_WRITE, "sr"),
    "mkdir": _changes(_FILE_WRITE, "m"),
    "mktemp": _changes(_FILE_WRITE, "p"),
    "chmod": _changes(_FILE_WRITE, skip=1),
    "chown": _changes(_FILE_WRITE, skip=1),
    "chgrp": _changes(_FILE_WRITE, skip=1),
    "patch": _changes(_FILE_WRITE, "idpoBDFgYVz"),
    "sponge": _changes(_FILE_WRITE),
    "split": _changes(_FILE_WRITE, "abClnt", skip=1),
    "unzip": _changes(_FILE_WRITE, "dxP", skip=99),
    "gzip": _changes(_FILE_WRITE),
    "gunzip": _changes(_FILE_WRITE),
    "xz": _changes(_FILE_WRITE),
    "bzip2": _changes(_FILE_WRITE),
    "zstd": _changes(_FILE_WRITE),
    "apply_patch": _apply_patch,
    "applypatch": _apply_patch,
    "cp": _copy,
    "ln": _link,
    "install": _copy,
    "link": _copy,
    "rename": _move,
    "mv": _move,
    "dd": _dd,
    "tar": _tar,
    "gtar": _tar,
    "bsdtar": _tar,
    "rsync": _rsync,
    "curl": _curl,
    "wget": _wget,
    "nc": _netcat,
    "ncat": _netcat,
    "netcat": _netcat,
    "zip": _zip,
    "sort": _sort,
    "man": _man,
    "sqlite3": _sqlite,
    "psql": _psql,
    "mysql": _psql,
    "mariadb": _psql,
}
