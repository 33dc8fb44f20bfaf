"""jsonc-parser 3.3.1 itself, run through node and called exactly as opencode 1.x calls it.

Around the call opencode drops one byte order mark, reads a text of no characters as {}, and its schema wants
an object; that much is done here too.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple, Sequence

from scripts.lib import cache, opencode_versions

VERSION = "3.3.1"
_PROGRAM = """
const { parse } = require("jsonc-parser");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answer = (raw) => {
  const text = raw.startsWith("\\ufeff") ? raw.slice(1) : raw;
  if (!text) return [true, {}];
  const errors = [];
  let value;
  try { value = parse(text, errors, { allowTrailingComma: true }); } catch (error) { return [false]; }
  if (errors.length || value === null || typeof value !== "object" || Array.isArray(value)) return [false];
  return [true, value];
};
// Behind `"__proto__": null` in an object, another `__proto__` is an ordinary key in JavaScript.
const skip = (key, value) => (key === "__proto__" ? undefined : value);
process.stdout.write(JSON.stringify(texts.map(answer), skip));
"""


class Answer(NamedTuple):
    accepted: bool
    value: Any = None


def ask(texts: Sequence[str]) -> list[Answer]:
    """What jsonc-parser makes of each text; an infinite number comes back as None, as JSON has none."""
    done = subprocess.run(
        [opencode_versions.tool("node"), "-e", _PROGRAM],
        input=json.dumps(texts).encode(),
        stdout=subprocess.PIPE,
        cwd=_folder(),
        check=True,
        timeout=300,
    )
    return [Answer(*answer) for answer in json.loads(done.stdout)]


def _folder() -> Path:
    target = cache.folder() / "jsonc-parser" / VERSION
    with cache.exclusive(target):
        if not target.is_dir():
            package = f"jsonc-parser@{VERSION}"
            with cache.building(target) as folder:
                opencode_versions.npm_install(folder, [package], f"installing {package}")
    return target
