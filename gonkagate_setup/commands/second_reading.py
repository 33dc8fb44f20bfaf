"""Every edit is checked with a second parser before it is written."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Sequence

from foundation.background import Task
from foundation.errors import Refusal, Where
from foundation.terminal.terminal import Terminal
from opencode_config.jsonc.operations import Operation

# Most configs are read in milliseconds; a progress line would only be noise.
_UNNOTICED_SECONDS: Final = 0.5


def require(path: PurePath, before: str, after: str, operations: Sequence[Operation]) -> None:
    """Raise Refusal managed_config_merge_failed unless it finds the operations and nothing else."""
    from opencode_config.jsonc import crosscheck

    try:
        crosscheck.check_edit(before, after, operations)
    except crosscheck.SafeMergeError as problem:
        raise Refusal(
            "managed_config_merge_failed",
            f"A second parser did not find exactly the intended change: {problem}",
            where=Where(str(path)),
            next_step=problem.next_step,
        ) from None


def await_end(check: Task[None], terminal: Terminal) -> None:
    """Wait for a running second reading, with progress if it takes long; raises what `require` raises."""
    check.wait(_UNNOTICED_SECONDS)
    if not check.done():
        with terminal.progress("checking the edit with a second parser"):
            check.result()
    check.result()
