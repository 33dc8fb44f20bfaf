"""What a tool call is about to do: its class, the files that it edits, the paths that its commands write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Callable, Final, Mapping, Sequence

from sovereigncode.tools import arguments as spelled
from sovereigncode.tools.arguments import BadArgumentsError, ToolCall
from sovereigncode.tools.classes import NOTHING, Reading, ToolClass, Write, one, unknown
from sovereigncode.tools.command import read_command, read_program
from sovereigncode.tools.edits import (
    Edit,
    FileEdit,
    Insert,
    Remove,
    Swap,
    Swaps,
    Unclear,
    Whole,
    blocks,
    edit_blocks,
)
from sovereigncode.tools.names import Names, Takes, Tool
from sovereigncode.tools.patches import read_patch
from sovereigncode.tools.places import plain_path
from sovereigncode.tools.programs.calls import Dialect

_MOST_CALLS: Final = 64
# Continue takes `file://` addresses, and Cline `@folder:path` for another folder that is open.
_NO_PATH: Final = re.compile("[\0\ud800-\udfff]|^\\s*(?:[A-Za-z][\\w+.-]+:/|@[^/]*:)")
_POSIX_SHELLS: Final = frozenset(("sh", "bash", "dash", "zsh", "ksh"))


@dataclass(frozen=True)
class Surroundings:
    """Where calls run: the workspace, the user's home folder, and the shells that the client may start.

    Paths have slashes, on Windows too (`PurePath.as_posix`).
    """

    root: PurePosixPath
    home: PurePosixPath | None = None
    dialects: tuple[Dialect, ...] = (Dialect.POSIX,)


@dataclass(frozen=True)
class Intent:
    """What was read from a call."""

    reading: Reading
    edits: tuple[FileEdit, ...] = ()
    command: str | None = None

    def __add__(self, other: Intent) -> Intent:
        commands = [text for text in (self.command, other.command) if text is not None]
        return Intent(
            self.reading + other.reading, self.edits + other.edits, "\n".join(commands) if commands else None
        )


@dataclass(frozen=True)
class _Asked:
    """A call, the tool that it names, and where it runs."""

    call: ToolCall
    tool: Tool
    around: Surroundings

    def folder(self) -> PurePosixPath:
        """Where its command runs."""
        folder = self.call.text(spelled.FOLDER)
        return plain_path(folder, self.around.root) if folder else self.around.root


def read_call(call: ToolCall, names: Names, around: Surroundings, depth: int = 0) -> Intent:
    """What the call is about to do; what is not understood is unknown. Reads no file, never raises."""
    tool = names.find(call.name)
    if tool is None:
        return Intent(unknown("a tool of this name is not known"))
    try:
        if tool.takes is Takes.CALLS:
            return _calls(call, names, around, depth)
        return _READERS[tool.takes](_Asked(call, tool, around))
    except BadArgumentsError as problem:
        return Intent(unknown(str(problem)))


def _plain(asked: _Asked) -> Intent:
    return Intent(one(asked.tool.tool_class, asked.call.name))


def _calls(call: ToolCall, names: Names, around: Surroundings, depth: int) -> Intent:
    """opencode's batch: `tool_calls: [{tool, parameters}]`."""
    inner = call.arguments.get("tool_calls")
    if not isinstance(inner, list) or not 0 < len(inner) <= _MOST_CALLS or depth:
        raise BadArgumentsError("the tool calls are missing")
    total = Intent(NOTHING)
    for item in inner:
        name, given = (item.get("tool"), item.get("parameters")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(given, dict):
            raise BadArgumentsError("one of the tool calls is not an object with tool and parameters")
        total = total + read_call(ToolCall(name, given), names, around, depth + 1)
    return total


def _one_command(value: object, folder: PurePosixPath, around: Surroundings) -> Intent:
    """A command line, or a program with its arguments: `["bash", "-lc", "..."]`, `{command, args}`."""
    if isinstance(value, str):
        found = read_command(value, folders=(folder,), home=around.home, dialects=around.dialects)
        return Intent(found, command=value)
    if isinstance(value, dict):
        args = value.get("args", [])
        value = [value.get("command"), *args] if isinstance(args, list) else None
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        raise BadArgumentsError("the command is missing, or it is neither a text nor a list of texts")
    words = [str(word) for word in value]
    shown = words[2] if len(words) == 3 and words[1] in ("-c", "-lc") else " ".join(words)  # noqa: PLR2004
    return Intent(read_program(words, folders=(folder,), home=around.home), command=shown)


def _command(asked: _Asked) -> Intent:
    call, around = asked.call, asked.around
    given = [call.arguments[name] for name in spelled.COMMAND if call.arguments.get(name) is not None]
    if len(given) != 1:
        raise BadArgumentsError("the command is missing, or there are two")
    shell = call.text(("shell",))
    if shell is not None and shell.rsplit("/", 1)[-1] not in _POSIX_SHELLS:
        dialect = Dialect.POWERSHELL if "pwsh" in shell.lower() or "powershell" in shell.lower() else None
        if dialect is None:
            raise BadArgumentsError("the shell that is to run the command is not known")
        around = Surroundings(around.root, around.home, (dialect,))
    return _one_command(given[0], asked.folder(), around)


def _commands(asked: _Asked) -> Intent:
    """Cline's run_commands: `commands`, each a text or an object; or one under `command` or `cmd`."""
    several = asked.call.arguments.get("commands", asked.call.arguments.get("input"))
    if several is None:
        if isinstance(asked.call.arguments.get("args"), list):
            return _one_command(dict(asked.call.arguments), asked.folder(), asked.around)
        return _command(asked)
    if any(asked.call.arguments.get(name) is not None for name in spelled.COMMAND):
        raise BadArgumentsError("the command is missing, or there are two")
    listed = several if isinstance(several, list) else [several]
    if not 0 < len(listed) <= _MOST_CALLS:
        raise BadArgumentsError("the commands are missing, or there are too many")
    total = Intent(NOTHING)
    for value in listed:
        total = total + _one_command(value, asked.folder(), asked.around)
    return total


def _optional_command(asked: _Asked) -> Intent:
    plain = _plain(asked)
    return plain + _command(asked) if asked.call.arguments.get("command") else plain


def _keys(asked: _Asked) -> Intent:
    """Codex's write_stdin: without characters it only waits for output."""
    if asked.call.arguments.get("chars") in (None, ""):
        return Intent(one(ToolClass.READ, asked.call.name))
    return Intent(unknown("what the running program does with these keys is not known"))


def _edited(*edits: FileEdit) -> Intent:
    """Files that are written; what is removed or moved is deleted."""
    reading = NOTHING
    for edit in edits:
        for path in (edit.path, edit.moved_to or edit.path):
            if not path.strip() or _NO_PATH.search(path):
                raise BadArgumentsError("a path is empty, or it is not the path of a file")
        reading = reading + one(ToolClass.FILE_WRITE, "a file")
        if isinstance(edit.edit, Remove):
            reading = reading + one(ToolClass.DELETE, "a file that is deleted")
    return Intent(reading, edits)


def _one_file(call: ToolCall, edit: Edit) -> Intent:
    return _edited(FileEdit(call.needed(spelled.PATH), edit))


def _content(asked: _Asked) -> Intent:
    return _one_file(asked.call, Whole(asked.call.needed(spelled.CONTENT)))


def _swap_of(call: ToolCall) -> Swap:
    return Swap(call.text(spelled.OLD) or "", call.needed(spelled.NEW), call.flag(spelled.EVERY))


def _swap(asked: _Asked) -> Intent:
    return _one_file(asked.call, Swaps((_swap_of(asked.call),)))


def _swaps(asked: _Asked) -> Intent:
    """opencode's multiedit may name a file for each edit; it has to be the same."""
    items = asked.call.arguments.get("edits")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise BadArgumentsError("the edits are missing")
    inner = [ToolCall(asked.call.name, item) for item in items]
    paths = {path for item in inner if (path := item.text(spelled.PATH))}
    if paths - {asked.call.needed(spelled.PATH)}:
        raise BadArgumentsError("the edits name more than one file")
    return _one_file(asked.call, Swaps(tuple(_swap_of(item) for item in inner)))


def _blocks(asked: _Asked) -> Intent:
    swaps = blocks(asked.call.needed(("diff",)))
    if swaps is None:
        raise BadArgumentsError("the SEARCH and REPLACE blocks are not complete")
    return _one_file(asked.call, Swaps(swaps))


def _insert_or_swap(asked: _Asked) -> Intent:
    line = asked.call.arguments.get("insert_line")
    if line is None:
        return _swap(asked)
    try:
        number = int(str(line))
    except ValueError as problem:
        raise BadArgumentsError("insert_line is not a number") from problem
    return _one_file(asked.call, Insert(number, asked.call.needed(spelled.NEW)))


def _patch(asked: _Asked) -> Intent:
    edits = read_patch(asked.call.needed(spelled.PATCH))
    if edits is None:
        raise BadArgumentsError("the patch is not one that is understood")
    return _edited(*edits)


def _changes(asked: _Asked) -> Intent:
    return _one_file(asked.call, Unclear(asked.call.needed(("changes",))))


def _answer(asked: _Asked) -> Intent:
    """Aider's edit blocks, in an answer's text."""
    edits = edit_blocks(asked.call.needed(("input",)))
    if not edits or not all(edit.path for edit in edits):
        raise BadArgumentsError("the edit blocks are not complete")
    return _edited(*edits)


def _files(asked: _Asked) -> Intent:
    """Aider's functions: write_file with `files`, replace_lines with `edits`."""
    items = asked.call.arguments.get("files", asked.call.arguments.get("edits"))
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        # Without a list the file is the one in the chat, whose name is not in the call.
        raise BadArgumentsError("the files are missing")
    return _edited(*(_aider_edit(ToolCall(asked.call.name, item)) for item in items))


def _aider_edit(item: ToolCall) -> FileEdit:
    path = item.needed(spelled.PATH)
    content = item.text(spelled.CONTENT)
    if content is not None:
        return FileEdit(path, Whole(content))
    swap = Swap(_lines(item.arguments.get("original_lines")), _lines(item.arguments.get("updated_lines")))
    return FileEdit(path, Swaps((swap,)))


def _lines(value: object) -> str:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(f"{line}\n" for line in value)
    if not isinstance(value, str):
        raise BadArgumentsError("the lines are missing")
    return value


def paths_of(edits: Sequence[FileEdit], around: Surroundings) -> tuple[Write, ...]:
    """The paths that edits write, as a command's writes.

    For Continue `~/x` is in the user's home folder, for others it is not: both are looked at.
    """
    named = [path for edit in edits for path in (edit.path, edit.moved_to) if path is not None]
    homes = [path.strip()[1:].lstrip("/") for path in named if path.strip().startswith("~")]
    # Without a home folder that is known, the file system's root is one that is never allowed.
    home = around.home or PurePosixPath("/")
    return tuple(
        [Write(path, (around.root,)) for path in named]
        + [Write(str(home / path), (around.root,)) for path in homes]
    )


_READERS: Final[Mapping[Takes, Callable[[_Asked], Intent]]] = {
    Takes.NOTHING: _plain,
    Takes.COMMAND: _command,
    Takes.COMMANDS: _commands,
    Takes.OPTIONAL_COMMAND: _optional_command,
    Takes.KEYS: _keys,
    Takes.CONTENT: _content,
    Takes.SWAP: _swap,
    Takes.SWAPS: _swaps,
    Takes.BLOCKS: _blocks,
    Takes.PATCH: _patch,
    Takes.CHANGES: _changes,
    Takes.INSERT_OR_SWAP: _insert_or_swap,
    Takes.FILES: _files,
    Takes.ANSWER: _answer,
}
