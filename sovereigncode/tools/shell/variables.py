"""Variables whose value is run as a command, or changes how commands are read."""

from __future__ import annotations

import re
from typing import Final

# bash(1), zshparam(1), git(1), less(1), man(1), rsync(1), sudo(8), ssh(1), ld.so(8), dyld(1).
_LISTED: Final = (
    "BASH_ENV ENV PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 PROMPT SHELLOPTS BASHOPTS EDITOR VISUAL PAGER BROWSER "
    "MANPAGER "
    "MANOPT LESSOPEN LESSCLOSE RSYNC_RSH CVS_RSH RSH TAR_OPTIONS MAKEFLAGS MFLAGS GNUMAKEFLAGS GCONV_PATH "
    "PERL5OPT RUBYOPT FCEDIT BASH_LOADABLES_PATH BASH_ALIASES BASH_CMDS READNULLCMD NULLCMD ZDOTDIR FPATH "
    "fpath "
    "functions aliases galiases saliases dis_functions commands"
)
_NAMES: Final = frozenset(_LISTED.split())
_SHAPES: Final = re.compile(
    r"(?:LD|DYLD|BASH_FUNC)_.*|.*_(?:COMMAND|WRAPPER|ASKPASS|EDITOR|PAGER|SHELL|PROXY_CMD)", re.ASCII
)
# What git reads from its environment that names no program: git(1).
_GIT: Final = re.compile(
    r"GIT_(?:(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)|TERMINAL_PROMPT|MERGE_AUTOEDIT|OPTIONAL_LOCKS|DIR|WORK_TREE|"
    r"INDEX_FILE|CEILING_DIRECTORIES|LFS_SKIP_SMUDGE|ADVICE|NO_REPLACE_OBJECTS|LITERAL_PATHSPECS|REFLOG_ACTION)",
    re.ASCII,
)
# Editors and pagers that do nothing by themselves, as values.
_HARMLESS: Final = frozenset(
    ("", "cat", "true", ":", "less", "more", "less -R", "less -FRX", "nano", "vi", "vim")
)


def carries_commands(name: str) -> bool:
    """Whether the variable's value may be run."""
    if name.startswith("GIT_"):
        return not _GIT.fullmatch(name)
    return name in _NAMES or bool(_SHAPES.fullmatch(name))


def harmless(name: str, value: str | None) -> bool:
    """Whether setting the variable to this value runs nothing that is not read elsewhere."""
    return not carries_commands(name) or (
        value in _HARMLESS and ("PAGER" in name or "EDITOR" in name or name == "VISUAL")
    )
