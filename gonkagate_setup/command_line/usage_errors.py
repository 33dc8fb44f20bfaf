"""What is wrong with a command line: messages repeat names that were typed, never values."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final, NoReturn, Sequence

from foundation.errors import Refusal, Where
from foundation.files.reading import reason
from foundation.terminal.text import closest, listed
from foundation.terminal.usage import Verb

# A key with a typing mistake has digits, capitals or more letters.
_OPTION: Final = re.compile(r"-[a-z]|--[a-z]+(-[a-z]+)*")
_COMMAND: Final = re.compile(r"[a-z]{2,12}")
_LONGEST_OPTION: Final = 24


def meant(typed: str, values: Sequence[str], before: str = "") -> str:
    """`did you mean ...? ` for what was mistyped, which is not repeated; empty if nothing is similar."""
    near = closest(typed, values)
    return "" if near is None else f"did you mean {before}{near}? "


def value(name: str, typed: str, values: Sequence[str]) -> Refusal:
    """For a value that is not one of `values`."""
    return Refusal(
        "usage_error",
        f"invalid value for {name}",
        next_step=f"{meant(typed, values, f'{name} ')}it can be {listed(values, 'or')}",
    )


def number_of_values(names: str, verb: Verb, program: str) -> Refusal:
    """For an option without its value, or with one that it does not take; `names` as argparse joins them."""
    flag = next((flag for flag in verb.flags if set(names.split("/")) & set(flag.names)), None)
    if flag is None:
        message = "too few or too many arguments"
    else:
        message = f"{flag.names[-1]} " + ("takes no value" if flag.value is None else "needs a value")
    return Refusal("usage_error", message, next_step=f"see: {program} --help")


def unknown(words: Sequence[str], verb: Verb, verbs: Sequence[Verb], program: str) -> Refusal:
    """For options and words that the verb does not have."""
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    if not options:
        return _unknown_word(words[0], verb, verbs, program)
    name = options[0]
    owners = [other.name for other in verbs if any(name in flag.names for flag in other.flags)]
    hint = meant(name, [known for flag in verb.flags for known in flag.names])
    if owners:
        has = "has" if len(owners) == 1 else "have"
        message, hint = f"{verb.name} has no option {name}; {listed(owners)} {has} it", ""
    elif _OPTION.fullmatch(name) and len(name) <= _LONGEST_OPTION:
        message = f"unknown option: {name}"
    else:
        message = "unknown option"
    return Refusal("usage_error", message, next_step=f"{hint}see: {program} --help")


def _unknown_word(word: str, verb: Verb, verbs: Sequence[Verb], program: str) -> Refusal:
    message, hint = "unexpected argument", ""
    if verb.default:
        hint = meant(word, [other.name for other in verbs])
        if _COMMAND.fullmatch(word):
            message = f"unknown command: {word}"
    return Refusal("usage_error", message, next_step=f"{hint}see: {program} --help")


def existing_folder(text: str) -> Path:
    """The folder that --cwd names; Refusal working_directory_unusable for anything else."""
    if not text:
        _no_folder("--cwd needs the name of a folder")
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        _no_folder("--cwd names a folder that does not exist")
    except OSError as problem:
        _no_folder(f"--cwd names a folder that cannot be accessed ({reason(problem)})")
    except ValueError:
        _no_folder("--cwd names a folder that cannot be accessed")
    if not stat.S_ISDIR(mode):
        _no_folder("--cwd names a file, not a folder", Where(str(path)))
    if not os.access(path, os.X_OK):
        _no_folder("--cwd names a folder that cannot be entered", Where(str(path)))
    return path


def _no_folder(message: str, where: Where | None = None) -> NoReturn:
    raise Refusal(
        "working_directory_unusable",
        message,
        where=where,
        next_step="name an existing folder; --cwd does not create one",
    )
