"""A report of a fault of ours: where in the program it happened, and nothing that a person typed or has.

The text of an exception is left out, because it can quote a config or a key; so are values and the paths of
files that are not the program's own.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Iterator, Sequence

from gonkagate_setup.version import version_text

ISSUES: Final = "https://github.com/GonkaGate/gonkagate-setup/issues"
_PACKAGES: Final = ("foundation", "opencode_config", "gonkagate_setup")
_MOST_CAUSES: Final = 10


def write(fault: BaseException, verb: str, options: Sequence[str]) -> Path | None:
    """Write the report to a new file in the temporary folder, readable by its owner only (0600).

    `options` are the names that were given, without values. None where no file can be written.
    """
    import tempfile

    try:
        descriptor, name = tempfile.mkstemp(prefix="gonkagate-setup-crash-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text(fault, verb, options))
    except OSError:
        return None
    return Path(name)


def text(fault: BaseException, verb: str, options: Sequence[str]) -> str:
    """The report."""
    lines = [
        version_text(),
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        + (", packed" if getattr(sys, "frozen", False) else ""),
        f"verb: {verb}",
        f"options: {' '.join(options) or 'none'}",
    ]
    cause: BaseException | None = fault
    for _ in range(_MOST_CAUSES):
        if cause is None:
            break
        lines += ["", _kind(cause), *_frames(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"


def _kind(fault: BaseException) -> str:
    number = getattr(fault, "errno", None)
    return type(fault).__name__ + (f" (errno {number})" if isinstance(number, int) else "")


def _frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"  {_own(code.co_filename)}:{trace.tb_lineno} in {code.co_name}"
        trace = trace.tb_next


def _own(filename: str) -> str:
    """The path inside the package; of any other module only the name."""
    parts = Path(filename).parts
    start = max((index for index, part in enumerate(parts) if part in _PACKAGES), default=len(parts) - 1)
    return "/".join(parts[max(start, 0) :])
