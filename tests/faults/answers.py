"""The real opencode's answers, kept by the state of the configs that it was asked about.

Any number of processes share the folder; what was not asked before is asked of the real one.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any, Sequence

from foundation.processes import Output
from opencode_config.program.run import run
from tests.faults.homes import Home
from tests.property.jsonc_tokens import whole_value

_REAL = run


def value_of(path: Path) -> Any:
    """The value of a JSONC file, read by the tests' own tokenizer; None where there is no file."""
    return whole_value(path.read_text(encoding="utf-8")) if path.exists() else None


class Answers:
    """`run` takes the place of the product's own way of starting opencode."""

    def __init__(self, folder: Path, home: Home) -> None:
        self._folder = folder
        self._home = home

    def run(self, *positional: Any, **named: Any) -> Output:
        kept = self._place(positional[1])
        if kept.exists():
            answer = pickle.loads(kept.read_bytes())
            assert isinstance(answer, Output)
            return answer
        answer = _REAL(*positional, **named)
        # Asked outside of the lock, it may tell of a state that came meanwhile.
        if self._place(positional[1]) == kept:
            fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
            fresh.write_bytes(pickle.dumps(answer))
            fresh.rename(kept)
        return answer

    def asked(self) -> int:
        """How often the real one was asked."""
        return len(list(self._folder.iterdir()))

    def _place(self, arguments: Sequence[str]) -> Path:
        state: list[Any] = list(arguments)
        if state != ["--version"]:
            state += [value_of(self._home.user_config), value_of(self._home.project_config)]
        return self._folder / hashlib.sha256(repr(state).encode()).hexdigest()
