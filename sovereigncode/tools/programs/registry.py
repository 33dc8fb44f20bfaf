"""Every program that is known, by its name in small letters."""

from __future__ import annotations

import re
from typing import Final, Mapping

from sovereigncode.tools.programs import (
    files,
    finding,
    interpreters,
    languages,
    own,
    packages,
    remotes,
    shells,
    windows_names,
    wrappers,
)
from sovereigncode.tools.programs.families import Does, task_class
from sovereigncode.tools.programs.git import git
from sovereigncode.tools.programs.plain import PLAIN

PROGRAMS: Final[Mapping[str, Does]] = {
    **PLAIN,
    **windows_names.NAMES,
    **packages.FAMILIES,
    **remotes.FAMILIES,
    **files.RULES,
    **finding.RULES,
    **languages.RULES,
    **shells.RULES,
    **interpreters.RULES,
    **wrappers.RULES,
    **own.RULES,
    "git": git,
}
_SUFFIX: Final = re.compile(r"\.(?:exe|cmd|bat|com)$")
# python3.12, pip3, node18, bash-5.2: the version is no part of the name.
_VERSION: Final = re.compile(r"-?\d[\d.]*$")


def program(text: str) -> tuple[str, Does]:
    """The name of the program that a command names, and what it does.

    Small letters, because macOS and Windows find `GIT` too. A program that is not known is `shell`, unless
    its name says that it publishes, commits or cleans, as that of a task would.
    """
    last = re.split(r"[/\\]", text)[-1]
    name = last.lower()
    for candidate in (name, _SUFFIX.sub("", name), _VERSION.sub("", _SUFFIX.sub("", name))):
        # A path leads to a program, never to a command that a shell of Windows has built in.
        if candidate in PROGRAMS and not ("/" in text and candidate in windows_names.BUILT_IN):
            return candidate, PROGRAMS[candidate]
    return name, task_class(last.partition(".")[0] or last)
