"""A stand-in for GonkaGate's npm tool, for what its start costs: its dependencies, and no module of its own.

That tool (`@gonkagate/opencode-setup`) imports all five when it starts, also for `--help`; they come from the
registry in the ranges that it asks for. So this is a lower bound, and `npx` finds it installed: what people
run, `npx @gonkagate/opencode-setup`, asks the registry first.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.lib import cache, opencode_versions

_NAME: Final = "npm-tool-stand-in"
_PACKAGE: Final = {
    "name": _NAME,
    "version": "0.0.0",
    "type": "module",
    "bin": {_NAME: "cli.js"},
    "dependencies": {
        "@inquirer/prompts": "^8.3.2",
        "commander": "^14.0.3",
        "jsonc-parser": "^3.3.1",
        "semver": "^7.7.3",
        "write-file-atomic": "^7.0.1",
    },
}
_CLI: Final = """\
#!/usr/bin/env node
import { password, select } from "@inquirer/prompts";
import { Command } from "commander";
import { modify, parse } from "jsonc-parser";
import semver from "semver";
import writeFileAtomic from "write-file-atomic";

if (![password, select, modify, parse, semver, writeFileAtomic].every(Boolean)) process.exit(1);
new Command("npm-tool-stand-in")
  .option("--model <key>")
  .option("--scope <scope>")
  .option("--cwd <path>")
  .option("--api-key-stdin")
  .option("--yes")
  .option("--json")
  .parse();
"""


@dataclass(frozen=True)
class NpmTool:
    """The installed package: run either command in `folder`."""

    folder: Path
    by_node: tuple[str, ...]
    by_npx: tuple[str, ...]


def installed() -> NpmTool:
    """The package with its dependencies, in the cache folder; PreparationError without npm."""
    package = json.dumps(_PACKAGE)
    target = cache.folder() / "npm-tool" / hashlib.sha256((package + _CLI).encode()).hexdigest()[:12]
    with cache.exclusive(target):
        if not target.is_dir():
            with cache.building(target) as folder:
                (folder / "tool").mkdir()
                (folder / "tool" / "package.json").write_text(package, encoding="utf-8")
                (folder / "tool" / "cli.js").write_text(_CLI, encoding="utf-8")
                opencode_versions.npm_install(folder, ["./tool"], "installing the npm tool's dependencies")
    script = target / "node_modules" / _NAME / "cli.js"
    return NpmTool(
        target,
        by_node=(opencode_versions.tool("node"), str(script), "--help"),
        by_npx=(opencode_versions.tool("npx"), "--no-install", _NAME, "--help"),
    )
