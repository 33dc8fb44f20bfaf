"""Lints what is not Python: workflows, the install scripts, YAML. All of it offline.

    python3 scripts/lint.py

actionlint and zizmor read the workflows, shellcheck and shfmt read install.sh, shellcheck also reads what the
workflows run, yamllint reads every YAML file. tree-sitter's PowerShell grammar checks the syntax of every
.ps1, and that a cut-off download of install.ps1 does nothing. Needs Python 3.11 or newer. A tool that has no
wheel for this Python or machine is skipped.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.lib import cache, pythons

_SHELL: Final = "scripts/install.sh"
_POWERSHELL: Final = ("scripts/install.ps1", "scripts/lib/beginnings.ps1")
_OLDEST: Final = (3, 11)
# All of lint.txt has wheels up to this one.
_NEWEST_WITH_ALL: Final = (3, 14)

# Runs in the linters' own environment: prints each place that is not PowerShell, and each beginning of the
# first file that is PowerShell and calls something. All beginnings take two minutes, so it takes a sample of
# those in the middle; ci.yml has Windows PowerShell parse all of them.
_PARSE_POWERSHELL: Final = """
import sys
from pathlib import Path
import tree_sitter, tree_sitter_pwsh
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language()))
def nodes(text):
    waiting = [parser.parse(text).root_node]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        yield node
bad = 0
for name in sys.argv[1:]:
    for node in nodes(Path(name).read_bytes()):
        if node.is_error or node.is_missing:
            bad += 1
            print(f"{name}:{node.start_point[0] + 1}:{node.start_point[1] + 1}: not PowerShell")
text = Path(sys.argv[1]).read_bytes()
head = text.index(b"& {") + 100
for end in sorted({*range(head), *range(head, len(text), 97), *range(len(text) - 60, len(text))}):
    if parser.parse(text[:end]).root_node.has_error:
        continue
    if any(node.type in ("command", "invokation_expression") for node in nodes(text[:end])):
        bad += 1
        print(f"{sys.argv[1]}: its first {end} bytes alone do something")
sys.exit(bool(bad))
"""


def main(arguments: Sequence[str]) -> int:
    """Run every linter; 0 when none found anything."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    interpreter = choose(pythons.find(), sys.version_info[:2])
    if interpreter is None:
        print("lint.py: skipped, because the linters need Python 3.11 or newer and none is here")
        return 0
    try:
        python = cache.python_environment(interpreter.path, "lint.txt")
    except cache.PreparationError as error:
        print(f"lint.py: {error}", file=sys.stderr)
        return 1
    failed = [name for name, command in _linters(python).items() if not _holds(name, command)]
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return 1 if failed else 0


def choose(
    interpreters: Sequence[pythons.Interpreter], running: tuple[int, int]
) -> pythons.Interpreter | None:
    """The running one, unless another has wheels for more of the linters; None when all are too old."""
    new_enough = [one for one in interpreters if one.version >= _OLDEST]
    complete = [one for one in new_enough if one.version <= _NEWEST_WITH_ALL]
    preferred = [one for one in complete if one.version == running]
    return next(iter([*preferred, *complete, *new_enough]), None)


def _linters(python: Path) -> dict[str, list[str]]:
    def tool(name: str) -> str:
        return shutil.which(name, path=str(python.parent)) or ""

    workflows = sorted(str(path) for path in (cache.ROOT / ".github" / "workflows").glob("*.yml"))
    grammar = "import tree_sitter_pwsh"
    has_grammar = (
        subprocess.run([str(python), "-c", grammar], capture_output=True, check=False).returncode == 0
    )
    return {
        "actionlint": [tool("actionlint"), "-shellcheck", tool("shellcheck"), *workflows],
        "zizmor": [tool("zizmor"), "--offline", "--no-progress", "--quiet", "--pedantic", *workflows],
        "yamllint": [tool("yamllint"), "--strict", ".github", ".yamllint.yml"],
        "shellcheck": [tool("shellcheck"), _SHELL],
        "shfmt": [tool("shfmt"), "--diff", _SHELL],
        "PowerShell syntax": [str(python) if has_grammar else "", "-c", _PARSE_POWERSHELL, *_POWERSHELL],
    }


def _holds(name: str, command: list[str]) -> bool:
    print(f"## {name}", flush=True)
    if not command[0]:
        print("skipped, because it has no wheel for this Python on this machine", flush=True)
        return True
    return subprocess.run(command, cwd=cache.ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
