"""A report of a fault in the program: where it happened, and nothing that the user typed or has.

The text of an exception is left out, because it can quote a config or a key; so are values and the paths of
files that are not the program's own.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Iterator, Sequence


@dataclass(frozen=True)
class Program:
    """What a report says of the program: what --version prints, and the packages whose paths it shows."""

    name: str
    version: str
    packages: frozenset[str]


_MOST_CAUSES: Final = 10


def write(program: Program, fault: BaseException, verb: str, options: Sequence[str]) -> Path | None:
    """Write the report to a new file in the temporary folder, readable by its owner only (0600).

    `options` are the names that were given, without values. None where no file can be written.
    """
    import tempfile

    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{program.name}-crash-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text(program, fault, verb, options))
    except OSError:
        return None
    return Path(name)


def text(program: Program, fault: BaseException, verb: str, options: Sequence[str]) -> str:
    """The report."""
    lines = [
        program.version,
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        + (", packed" if getattr(sys, "frozen", False) else ""),
        f"verb: {verb}",
        f"options: {' '.join(options) or 'none'}",
    ]
    cause: BaseException | None = fault
    for _ in range(_MOST_CAUSES):
        if cause is None:
            break
        lines += ["", _kind(cause), *_frames(cause.__traceback__, program.packages)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"


def _kind(fault: BaseException) -> str:
    number = getattr(fault, "errno", None)
    return type(fault).__name__ + (f" (errno {number})" if isinstance(number, int) else "")


def _frames(trace: TracebackType | None, packages: frozenset[str]) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"  {_own(code.co_filename, packages)}:{trace.tb_lineno} in {code.co_name}"
        trace = trace.tb_next


def _own(filename: str, packages: frozenset[str]) -> str:
    """The path inside the package; of any other module only the name."""
    parts = Path(filename).parts
    start = max((index for index, part in enumerate(parts) if part in packages), default=len(parts) - 1)
    return "/".join(parts[max(start, 0) :])
