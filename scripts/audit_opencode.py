"""Answers "does a new opencode still work?": every validation workflow with several opencode versions.

    python3 scripts/audit_opencode.py [VERSION ...] [--model KEY]

Without versions: the oldest supported one that the registry still has, and the newest that it has now.
A stand-in answers, so this audits opencode and this product, not a model; no proof is written. Needs what
scripts/validate_model.py needs. Exit status: 0 when every row held, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gonkagate_setup.core.catalog import GONKAGATE
from scripts import cache, opencode_versions, validate_model
from scripts.validating.names import WORKFLOW_NAMES

if TYPE_CHECKING:
    from scripts.validating.outcome import Outcome

OLDEST: Final = opencode_versions.SUPPORTED[-1]


def main(arguments: list[str]) -> int:
    """Audit what was asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="*", metavar="VERSION")
    keys = [model.key for model in GONKAGATE.validated]
    parser.add_argument("--model", choices=keys, default=GONKAGATE.default_model, metavar="KEY")
    options = parser.parse_args(arguments)
    if sys.platform == "win32":
        parser.error("the interactive session needs a pseudo-terminal: use Linux, macOS or WSL")
    try:
        python = cache.python_environment(sys.executable, "test.txt")
        if Path(sys.executable) != python:
            return subprocess.call([str(python), __file__, *arguments])
        versions = list(dict.fromkeys(options.version or [OLDEST, newest()]))
    except cache.PreparationError as error:
        print(f"audit_opencode: {error}", file=sys.stderr)
        return 1
    rows = {version: audit(version, options.model) for version in versions}
    print()
    print("\n".join(table(rows)))
    return 0 if all(outcome is not None and outcome.held for row in rows.values() for outcome in row) else 1


def newest() -> str:
    """The newest opencode in the registry that this machine's npm uses."""
    npm = shutil.which("npm")
    if npm is None:
        raise cache.PreparationError("npm is not on PATH: install Node.js with npm, then run this again")
    with tempfile.TemporaryDirectory() as folder:
        asked = subprocess.run(
            [npm, "view", "opencode-ai", "version", "--json", "--cache", folder],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    version = json.loads(asked.stdout) if asked.returncode == 0 else None
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise cache.PreparationError("npm does not say what the newest opencode-ai is")
    return version


def audit(version: str, key: str) -> Sequence[Outcome | None]:
    """One row: every workflow with that opencode; a single None when it could not be installed."""
    from scripts.validating import services, workflows

    print(f"\n## opencode {version}", flush=True)
    model = next(model for model in GONKAGATE.models if model.key == key)
    try:
        opencode = opencode_versions.executable(version)
    except cache.PreparationError as error:
        print(f"   {error}", file=sys.stderr)
        return [None]
    with services.rig(GONKAGATE, model, opencode, validate_model.SECONDS_PER_WORKFLOW) as rig:
        return workflows.judge(rig, WORKFLOW_NAMES, validate_model.say)


def table(rows: dict[str, Sequence[Outcome | None]]) -> list[str]:
    """The rows as Markdown: a cell is `ok`, `FAILED`, or `-` where opencode could not be installed."""
    lines = ["| opencode | " + " | ".join(WORKFLOW_NAMES) + " |", "| --- " * (len(WORKFLOW_NAMES) + 1) + "|"]
    for version, row in rows.items():
        held = {outcome.workflow: outcome.held for outcome in row if outcome is not None}
        cells = [("ok" if held[name] else "FAILED") if name in held else "-" for name in WORKFLOW_NAMES]
        lines.append(f"| {version} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
