"""No edit is written that a second parser has not read as exactly the planned one."""

from __future__ import annotations

from pathlib import PurePath
from typing import Sequence

from gonkagate_setup.core.edits import Operation
from gonkagate_setup.errors import SetupError, Where


def require(path: PurePath, before: str, after: str, operations: Sequence[Operation]) -> None:
    """Raise SetupError managed_config_merge_failed unless json5 finds the operations and nothing else."""
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
