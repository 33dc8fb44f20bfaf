"""The published original's server, as a process in an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import pytest

from scripts.lib import cache
from tests.support.asked import Asked, free_port
from tests.support.machine import end_with_children

START_SECONDS = 60.0


def environment() -> Path:
    """The Python that the original is installed in; skips the test if there can be none."""
    if sys.version_info < (3, 11):
        pytest.skip("the published original needs Python 3.11 or newer")
    return cache.python_environment(sys.executable, "original.txt")


def entry(model: Mapping[str, Any]) -> dict[str, Any]:
    """A model of our configuration as the original's registry has it."""
    renamed = {"id": "model_id", "license": "license_id"}
    return {"repo_id": model["id"], **{renamed.get(name, name): value for name, value in model.items()}}


class Original(Asked):
    """The original's server; it has no keys."""

    def __init__(self, root: Path, base_url: str, models: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(free_port(), "none")
        root.mkdir(parents=True)
        self._root = root
        self._registry, self._config = root / "registry.json", root / "gateway.json"
        self._registry.write_text(json.dumps({"models": [entry(one) for one in models]}), encoding="utf-8")
        backend = {"type": "openai_compatible", "base_url": base_url, "model": "upstream-model"}
        self._config.write_text(json.dumps({"mode": "live", "backends": {"*": backend}}), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        """A command of the original's program."""
        python = environment()
        return [str(python), "-I", "-m", "marama_route.cli", *arguments, "--registry", str(self._registry)]

    def opencode_config(self) -> Any:
        """What it exports for opencode."""
        command = self.command("opencode-config", "--base-url", self.base_url)
        return json.loads(subprocess.run(command, cwd=self._root, capture_output=True, check=True).stdout)

    @contextlib.contextmanager
    def running(self) -> Iterator[Original]:
        """The server, meanwhile."""
        command = self.command("serve", "--config", str(self._config), "--port", str(self.port))
        with (self._root / "said").open("wb") as said:
            child = subprocess.Popen(
                command,
                cwd=self._root,
                env={"HOME": str(self._root), "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            end = time.monotonic() + START_SECONDS
            while not self._ready():
                assert child.poll() is None, (self._root / "said").read_text()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield self
        finally:
            end_with_children(child)

    def _ready(self) -> bool:
        try:
            return self.ask("GET", "/health").status == 200
        except OSError:
            return False
