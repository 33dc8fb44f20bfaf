"""Every program that is known, by its name in small letters."""

from __future__ import annotations

import re
from typing import Final, Mapping

from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.programs import files, languages, shells, windows_names, wrappers
from sovereigncode.tools.programs.families import Does
from sovereigncode.tools.programs.family_tables import FAMILIES
from sovereigncode.tools.programs.git import git
from sovereigncode.tools.programs.plain import PLAIN

PROGRAMS: Final[Mapping[str, Does]] = {
    **PLAIN,
    **windows_names.NAMES,
    **FAMILIES,
    **files.RULES,
    **languages.RULES,
    **shells.RULES,
    **wrappers.RULES,
    "git": git,
}
_SUFFIX: Final = re.compile(r"\.(?:exe|cmd|bat|com|ps1|sh)$")
# python3.12, pip3, node18, bash-5.2: the version is no part of the name.
_VERSION: Final = re.compile(r"-?\d[\d.]*$")


def program(text: str) -> tuple[str, Does]:
    """The name of the program that a command names, and what it does.

    Small letters, because macOS and Windows find `GIT` too. A program that is not known is `shell`.
    """
    name = re.split(r"[/\\]", text)[-1].lower()
    for candidate in (name, _SUFFIX.sub("", name), _VERSION.sub("", _SUFFIX.sub("", name))):
        if candidate in PROGRAMS:
            return candidate, PROGRAMS[candidate]
    return name, ToolClass.SHELL
