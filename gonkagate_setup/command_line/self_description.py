"""completion and man: texts about the command line itself, for other programs to read."""

from __future__ import annotations

import argparse

from foundation.errors import Refusal
from foundation.terminal.usage import Verb
from gonkagate_setup import __version__
from gonkagate_setup.catalog import Profile
from gonkagate_setup.command_line import arguments as command_line


def completion(arguments: argparse.Namespace, profile: Profile) -> str:
    """The completion script for the shell that was named; raises Refusal usage_error without one."""
    from foundation.terminal.completion import script

    if arguments.shell is None:
        raise Refusal(
            "usage_error",
            "completion needs the name of a shell",
            next_step=f"name one: {', '.join(command_line.SHELLS)}",
        )
    return script(arguments.shell, command_line.PROGRAM, _verbs(profile))


def manual(profile: Profile) -> str:
    """The manual page."""
    from foundation.terminal.manual import page

    return page(command_line.PROGRAM, __version__, _verbs(profile), profile)


def _verbs(profile: Profile) -> tuple[Verb, ...]:
    return tuple(command_line.describe(name, profile) for name in command_line.VERBS)
