"""Every verb, option, error code and environment variable is documented, and what is made is up to date."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.command_line import arguments
from scripts import write_docs
from tests.support.sources import OVERLORD, ROOT, SETUP

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
# What names a variable of somebody else's program wherever it stands in ours.
FOREIGN = re.compile(r"(OPENCODE|XDG|GONKAGATE|MMI|SAKANA|SSL|NODE|NO|FORCE|HTTPS?)_[A-Z_]*[A-Z]\Z")
NOT_READ = {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}


@pytest.mark.parametrize("part", write_docs.PAGES)
def test_what_is_made_from_the_program_is_up_to_date(part: str) -> None:
    for path, text in write_docs.PAGES[part]().items():
        remedy = f"run: python3 scripts/write_docs.py --write --only {part}"
        assert path.read_text(encoding="utf-8") == text, remedy


def test_every_verb_and_option_has_its_help_in_the_docs_and_is_explained_in_prose() -> None:
    commands = (DOCS / "commands.md").read_text(encoding="utf-8")
    prose = "".join(
        path.read_text(encoding="utf-8")
        for path in [*PAGES, ROOT / "README.md"]
        if path.name != "commands.md"
    )
    missing = []
    for name in arguments.VERBS:
        verb = arguments.describe(name, GONKAGATE)
        section = commands.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
        options = [option for flag in verb.flags for option in flag.names]
        missing += [f"{name} {option} in commands.md" for option in options if option not in section]
        missing += [
            f"{name} {option} in prose"
            for option in options
            if option.startswith("--") and option not in ("--help", "--version") and f"{option}" not in prose
        ]
        if not verb.default:
            missing += [] if f"gonkagate-setup {name}" in prose else [f"{name} in prose"]
    assert missing == []


def words(schema: Any) -> Iterator[str]:
    """The values that a key of the report may have, wherever the schema lists them."""
    if isinstance(schema, dict):
        yield from (word for word in schema.get("enum", ()) if isinstance(word, str))
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from words(inner)


def test_every_value_that_the_schema_lists_is_one_that_the_program_knows() -> None:
    schema = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
    texts = {
        node.value
        for path in SETUP
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    listed = set(words(schema))
    assert {"setup", "dry_run", "restore", "backup"} <= listed
    assert listed - texts == set()


def variables(modules: Sequence[Path] = SETUP) -> Iterator[str]:
    """Names that these modules look up in an environment, or that can only be such names."""
    # The manual page names them all without reading any.
    for path in [path for path in modules if path.name != "self_description.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and FOREIGN.match(node.value):
                yield node.value
            looked_up: ast.expr | None = None
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "get"
                and node.args
                and "environ" in ast.unparse(node.func.value)
            ):
                looked_up = node.args[0]
            elif isinstance(node, ast.Subscript) and "environ" in ast.unparse(node.value):
                looked_up = node.slice
            if isinstance(looked_up, ast.Constant) and isinstance(looked_up.value, str):
                yield looked_up.value


def test_every_environment_variable_is_documented() -> None:
    found = {name.upper() for name in variables()} - NOT_READ
    assert {"PATH", "HTTPS_PROXY", "GONKAGATE_API_KEY", "OPENCODE_CONFIG", "NO_COLOR"} <= found
    page = (DOCS / "automation.md").read_text(encoding="utf-8")
    assert sorted(name for name in found if f"`{name}`" not in page) == []


def test_every_environment_variable_of_the_overlord_is_documented() -> None:
    shared = ["foundation/https.py", "foundation/terminal/terminal.py"]
    found = {name.upper() for name in variables([*OVERLORD, *(ROOT / name for name in shared)])}
    assert {"MMI_OVERLORD_HOME", "SAKANA_API_KEY", "MSYSTEM", "HTTPS_PROXY", "NO_COLOR"} <= found
    page = (DOCS / "overlord.md").read_text(encoding="utf-8")
    assert sorted(name for name in found if f"`{name}`" not in page) == []
    table = page.split("## Environment", 1)[1].split("\n## ", 1)[0]
    listed = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`([A-Z_]{2,})`", row)
    }
    assert sorted(listed - found - {"HOME", "USERPROFILE", "COLUMNS", "TMPDIR", "TEMP", "TMP"}) == []


def test_the_documented_variables_are_read() -> None:
    table = (DOCS / "automation.md").read_text(encoding="utf-8").split("## Environment variables", 1)[1]
    listed = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    # Read by Python's tempfile, and set rather than read.
    others = {"TMPDIR", "TEMP", "TMP"}
    assert sorted(listed - {name.upper() for name in variables()} - others) == []


@pytest.mark.parametrize(
    "page",
    [*PAGES, *sorted(ROOT.glob("*.md")), ROOT / "tests" / "README.md"],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    "page",
    [
        ROOT / "README.md",
        DOCS / "quick-start.md",
        DOCS / "automation.md",
        DOCS / "faq.md",
        DOCS / "install.md",
    ],
    ids=lambda page: page.name,
)
def test_the_commands_in_the_docs_parse(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    start = r"(?:gonkagate-setup|python3 gonkagate-setup\.pyz|python3 -m gonkagate_setup)(?![\w./-])"
    lines = re.findall(rf"^(?:.*\| )?{start}([^|#<\n]*)", text, re.MULTILINE)
    lines += [line for line in re.findall(rf"`{start}((?: [^`]*)?)`", text) if "=" not in line]
    assert lines
    for line in lines:
        words = [word for word in line.split() if word]
        assert arguments.parse(words, GONKAGATE).command in arguments.VERBS, line


def test_the_pages_for_contributors_name_every_kind_of_test_and_marker_and_only_what_exists() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    kinds = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    tests = ROOT / "tests"
    folders = {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")}
    assert [name for name in sorted(folders) if f"| `{name}/` | " not in kinds] == []
    markers = (
        (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("\nmarkers = [\n")[1].split("]\n")[0]
    )
    names = re.findall(r'^  "(\w+): ', markers, re.MULTILINE)
    assert names
    assert [name for name in names if f"| `{name}` | " not in kinds] == []
    # A command that is shown exists, and so does what it is given.
    shown = re.findall(r"\b((?:scripts|tests)/[\w/]+(?:\.\w+)?)\b", f"{contributing}\n{kinds}")
    assert sorted({path for path in shown if not (ROOT / path).exists()}) == []
    for part in re.findall(r"write_docs\.py --write --only ([a-z -]+)", f"{contributing}\n{kinds}"):
        assert set(part.split()) <= set(write_docs.PARTS), part
