"""No edit is written that a second parser has not read as exactly the planned one."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Sequence

from gonkagate_setup.core.edits import Operation
from gonkagate_setup.errors import SetupError, Where
from gonkagate_setup.system.background import Task
from gonkagate_setup.ui.terminal import Terminal

# Most configs are read in milliseconds; a line about it would only be noise.
_UNNOTICED_SECONDS: Final = 0.5


def require(path: PurePath, before: str, after: str, operations: Sequence[Operation]) -> None:
    """Raise SetupError managed_config_merge_failed unless it finds the operations and nothing else."""
    from gonkagate_setup.core import second_reader

    try:
        second_reader.check_edit(before, after, operations)
    except second_reader.SafeMergeError as problem:
        raise SetupError(
            "managed_config_merge_failed",
            f"A second parser does not find exactly the intended change: {problem}",
            where=Where(str(path)),
            next_step=problem.next_step,
        ) from None


def await_end(check: Task[None], terminal: Terminal) -> None:
    """Wait for a second reading under way, with a line if it takes longer; raises what `require` raises."""
    check.wait(_UNNOTICED_SECONDS)
    if not check.done():
        with terminal.progress("checking the edit with a second parser"):
            check.result()
    check.result()
