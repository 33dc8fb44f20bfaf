"""A client library as a process of its own: a call is a line of JSON, and so is its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from scripts.lib import cache

Call = Callable[..., dict[str, Any]]
_END_SECONDS = 20.0


def environment(requirements: str) -> Path:
    """The Python of the environment with these requirements; skips the test if there can be none."""
    if sys.version_info < (3, 10):
        pytest.skip("the clients need Python 3.10 or newer")
    return cache.python_environment(sys.executable, requirements)


@contextmanager
def driven(script: str, requirements: str, home: Path) -> Iterator[Call]:
    """A script of this folder, in that environment; it ends with its standard input."""
    environ = {
        "HOME": str(home),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    command = [str(environment(requirements)), "-I", str(Path(__file__).with_name(script))]
    with (
        (home / f"{script}.err").open("wb") as said,
        subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, encoding="utf-8"
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def call(**wanted: Any) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(wanted) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, (home / f"{script}.err").read_text(encoding="utf-8")
            result: dict[str, Any] = json.loads(line)
            return result

        try:
            yield call
        finally:
            process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
