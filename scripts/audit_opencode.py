"""Checks whether a new opencode still works: runs every validation workflow with several opencode versions.

    python3 scripts/audit_opencode.py [VERSION ...] [--model KEY]

Without versions: the oldest supported one that the registry still has, and the newest one.
A stand-in answers, so this audits opencode and this product, not a model; no proof is written. Needs what
scripts/validate_model.py needs. Exit status: 0 if every row succeeded, 1 otherwise.
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
from typing import TYPE_CHECKING, Any, Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gonkagate_setup.catalog import GONKAGATE
from opencode_config.versions import BEYOND, OLDEST, Version
from scripts import validate_model
from scripts.lib import cache, opencode_versions
from scripts.validating.names import AROUND, WORKFLOW_NAMES

if TYPE_CHECKING:
    from scripts.validating.outcome import Outcome

_PATIENCE: Final = 120
_WAY_OUT: Final = "Without a registry, name versions that are in the cache: audit_opencode.py VERSION ..."


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
        versions = list(dict.fromkeys(options.version)) or registry_ends()
    except cache.PreparationError as error:
        print(f"audit_opencode: {error}", file=sys.stderr)
        return 1
    rows = {version: audit(version, options.model) for version in versions}
    print()
    print("\n".join(table(rows)))
    return 0 if all(outcome is not None and outcome.held for row in rows.values() for outcome in row) else 1


def registry_ends() -> list[str]:
    """The oldest supported opencode that the registry of this machine's npm still has, and the newest."""
    asked = _ask_registry()
    newest = _supported(asked["version"])
    known = sorted(version for version in map(_supported, asked["versions"]) if version is not None)
    if newest is None or not known:
        raise cache.PreparationError(
            f"the registry has no opencode-ai from {OLDEST} to below {BEYOND}: name the versions to audit"
        )
    return list(dict.fromkeys([str(known[0]), str(newest)]))


def _supported(text: str) -> Version | None:
    """The version, or None for a pre-release and for what the product does not support."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", text):
        return None
    major, minor, patch = map(int, text.split("."))
    version = Version(major, minor, patch)
    return version if OLDEST <= version < BEYOND else None


def _ask_registry() -> dict[str, Any]:
    npm = shutil.which("npm")
    if npm is None:
        raise cache.PreparationError(
            "npm is not on PATH: install Node.js with npm, then run this command again"
        )
    with tempfile.TemporaryDirectory() as folder:
        try:
            asked = subprocess.run(
                [npm, "view", "opencode-ai", "version", "versions", "--json", "--cache", folder],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise cache.PreparationError(f"npm did not answer within {_PATIENCE} s. {_WAY_OUT}") from None
    try:
        value = json.loads(asked.stdout)
    except ValueError:
        value = None
    if asked.returncode or not isinstance(value, dict) or not {"version", "versions"} <= set(value):
        # npm's own text can name a registry with a password in its address.
        code = re.search(r"^npm (?:error|ERR!) code (\w+)$", asked.stderr, re.MULTILINE)
        why = f" ({code[1]})" if code else ""
        raise cache.PreparationError(f"npm could not list the versions of opencode-ai{why}. {_WAY_OUT}")
    return value


def audit(version: str, key: str) -> Sequence[Outcome | None]:
    """One row: every workflow with that opencode; a single None when it could not be installed."""
    from scripts.validating import judging

    print(f"\n## opencode {version}", flush=True)
    model = next(model for model in GONKAGATE.models if model.key == key)
    try:
        opencode = opencode_versions.executable(version)
    except cache.PreparationError as error:
        print(f"   {error}", file=sys.stderr)
        return [None]
    seconds = validate_model.SECONDS_PER_WORKFLOW
    return judging.judge(GONKAGATE, model, opencode, seconds, WORKFLOW_NAMES, validate_model.say)


def table(rows: dict[str, Sequence[Outcome | None]]) -> list[str]:
    """The rows as Markdown: a cell is `ok`, `FAILED`, or `-` for what was not reached."""
    names = (*WORKFLOW_NAMES, AROUND)
    lines = ["| opencode | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    for version, row in rows.items():
        held = {outcome.workflow: outcome.held for outcome in row if outcome is not None}
        if held:
            held.setdefault(AROUND, True)
        cells = [("ok" if held[name] else "FAILED") if name in held else "-" for name in names]
        lines.append(f"| {version} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
