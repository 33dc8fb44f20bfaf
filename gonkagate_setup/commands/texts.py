"""completion and man: texts about the command line itself, for other programs to read."""

from __future__ import annotations

import argparse

from gonkagate_setup import __version__
from gonkagate_setup import arguments as command_line
from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.core.report import Report
from gonkagate_setup.errors import Exit, SetupError
from gonkagate_setup.ui.usage import Verb


def completion(arguments: argparse.Namespace, profile: Profile) -> Report:
    """The completion script for the shell that was named; raises SetupError usage_error without one."""
    from gonkagate_setup.ui.completion import script

    if arguments.shell is None:
        raise SetupError(
            "usage_error",
            "completion has to know the shell",
            next_step=f"name one: {', '.join(command_line.SHELLS)}",
        )
    return _report("completion", script(arguments.shell, command_line.PROGRAM, _verbs(profile)), profile)


def manual(profile: Profile) -> Report:
    """The manual page."""
    from gonkagate_setup.ui.manual import page

    return _report("man", page(command_line.PROGRAM, __version__, _verbs(profile), profile), profile)


def _verbs(profile: Profile) -> tuple[Verb, ...]:
    return tuple(command_line.describe(name, profile) for name in command_line.VERBS)


def _report(command: str, text: str, profile: Profile) -> Report:
    return Report(
        command=command,
        status="success",
        exit_status=Exit.DONE,
        message="This text is for another program",
        profile=profile,
        details={"text": text},
    )
