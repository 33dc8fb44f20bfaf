"""Workspaces for tests, and the program run in this process in a home of its own."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sovereigncode import cli

CAPSULE: dict[str, Any] = {
    "capsule_id": "shop-1",
    "subject_id": "acme",
    "jurisdiction": "NZ",
    "sensitivity": "internal",
}
POLICY = """\
version: 1
tenant: acme
purposes: {allowed: [code_review], default: code_review}
residency: [NZ]
"""
ALLOWED = {"action": "model_call", "region": "NZ", "model_id": "lumynax/coder"}


@dataclass(frozen=True)
class Ran:
    """How the program ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as exactly one JSON object."""
        value = json.loads(self.stdout)
        assert isinstance(value, dict)
        return value


class Desk:
    """A home, a project, and the program started in the project."""

    main = staticmethod(cli.main)

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.home, self.project = folder / "home", folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        self._patch, self._capture = patch, capture
        for name in [*os.environ]:
            if name.startswith(("OPENCODE", "XDG_", "ABTEEX", "MARAMA_")):
                patch.delenv(name)
        patch.setenv("HOME", str(self.home))
        patch.setenv("PATH", str(folder / "bin"))
        patch.chdir(self.project)

    @property
    def folder(self) -> Path:
        """`.sovereigncode`."""
        return self.project / ".sovereigncode"

    def workspace(self, capsule: Any = CAPSULE, policy: str | None = POLICY) -> None:
        """Make the project a workspace."""
        self.folder.mkdir(exist_ok=True)
        text = capsule if isinstance(capsule, str) else json.dumps(capsule)
        (self.folder / "capsule.json").write_text(text)
        if policy is not None:
            (self.folder / "tenant-policy.yaml").write_text(policy)

    def run(self, *arguments: str, stdin: str | bytes = "") -> Ran:
        """Run the program; the standard input is a pipe."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        status = self.main(arguments)
        said = self._capture.readouterr()
        return Ran(status, said.out, said.err)

    def evaluate(self, request: Any = ALLOWED) -> Ran:
        """`evaluate --json` with this request."""
        text = request if isinstance(request, (str, bytes)) else json.dumps(request)
        return self.run("evaluate", "--json", stdin=text)
