"""Comments, docstrings and documents cite pages, headings, files, modules and tests that are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.pages.citing import SUFFIXES, Tree, broken

ROOT = Path(__file__).resolve().parents[3]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
FOREIGN = re.compile(r"vendor/|opencode_config/_vendor/")
# These are about what they cite: words that lead nowhere are their subject.
ABOUT = {"tests/contract/pages/citing.py", "tests/contract/pages/test_citations.py"}


@pytest.fixture(scope="module")
def tree() -> Tree:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so it is not known which files belong to it")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert len(names) > 20
    return Tree(ROOT, names)


def test_every_citation_leads_somewhere(tree: Tree) -> None:
    wrong = [
        f"{name}:{line}: {citation}"
        for name in sorted(tree.files - ABOUT)
        if name.endswith(SUFFIXES) and not FOREIGN.match(name)
        for line, citation in broken(tree, name, tree.text(name))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("docs/x.md", "see [there](nowhere.md)", "nowhere.md"),
        ("docs/x.md", "see [there](../tests/nowhere)", "../tests/nowhere"),
        ("docs/x.md", "see [there](layers.md#nowhere)", "layers.md#nowhere"),
        ("docs/layers.md", "see [there](#nowhere)", "#nowhere"),
        ("docs/x.md", "held by `tests/unit/test_nowhere.py`", "tests/unit/test_nowhere.py"),
        ("docs/x.md", "held by `unit/test_nowhere.py`", "unit/test_nowhere.py"),
        (
            "docs/x.md",
            "held by `tests/unit/opencode_config/test_layers.py::test_nowhere`",
            "tests/unit/opencode_config/test_layers.py::test_nowhere",
        ),
        ("x.py", '"""See docs/nowhere.md."""', "docs/nowhere.md"),
        ("x.py", '"""See docs/layers.md#nowhere."""', "docs/layers.md#nowhere"),
        ("x.py", '"""It is like ui/nowhere.py."""', "ui/nowhere.py"),
        ("x.py", "# scripts/nowhere.py makes it.", "scripts/nowhere.py"),
        ("x.py", "# A pattern: tests/unit/test_nowhere*.py", "tests/unit/test_nowhere*.py"),
        ("x.py", '"""A `gonkagate_setup.nowhere.Survey`."""', "gonkagate_setup.nowhere.Survey"),
        ("x.py", '"""A `scripts.lib.cache.nowhere`."""', "scripts.lib.cache.nowhere"),
        ("x.py", '"""As `errors.Where.nowhere` says."""', "errors.Where.nowhere"),
        ("x.py", "# Measured (opencode-facts section 2).", "opencode-facts"),
        ("x.py", '"""From the " + "prd."""', "prd"),
        ("x.py", "# As issue 3 asks.", "issue 3"),
        ("x.py", "x = 1  # W5: a launcher", "W5"),
        (".github/workflows/x.yml", "# docs/nowhere.md says why", "docs/nowhere.md"),
        ("scripts/x.sh", "run  # see scripts/nowhere.sh", "scripts/nowhere.sh"),
    ],
)
def test_a_citation_that_leads_nowhere_is_found(tree: Tree, name: str, text: str, wrong: str) -> None:
    assert [citation for _, citation in broken(tree, name, text)] == [wrong]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/x.md", "[a](layers.md#measured) [b](../README.md) [c](https://x.example/y.md)"),
        (
            "docs/x.md",
            "your `opencode.json`, `~/.config/opencode/opencode.jsonc` and `.opencode/agent/build.md`",
        ),
        ("docs/x.md", "`<project>/opencode.json`, `opencode.json.bak-mine`, `{agent,agents}/**/*.md`"),
        ("docs/x.md", "`agent.build.model`, `provider.gonkagate.options.apiKey`, `OPENCODE_CONFIG`"),
        (
            "docs/x.md",
            "`tests/unit/opencode_config/test_layers.py::test_which_files_are_agents` and Kimi K2.6",
        ),
        ("x.py", '"""See docs/layers.md#whose-keys-may-be-where and docs/commands.md."""'),
        (
            "x.py",
            '"""`foundation.errors.Where`, `errors.Refusal`, `tests.support.machine`."""',
        ),
        ("x.py", 'x = "docs/nowhere.md"  # only what is said counts, scripts/lib/cache.py too'),
        ("x.py", "# tests/unit/opencode_config/test_json*.py, tests/golden/jsonc, tests/e2e/"),
    ],
)
def test_users_files_and_right_citations_are_left_alone(tree: Tree, name: str, text: str) -> None:
    assert list(broken(tree, name, text)) == []


@pytest.mark.parametrize("page", ["docs/opencode-facts.md", "docs/npm-tool.md"])
def test_each_row_names_the_test_that_holds_it_or_says_that_there_is_none(tree: Tree, page: str) -> None:
    rows = [row for row in tree.text(page).split("\n") if row.startswith("| ")]
    facts = [
        row for row in rows if not row.startswith(("| ---", "| fact |", "| what", "| rule |", "| number |"))
    ]
    assert len(facts) > 20
    for row in facts:
        held = row.rstrip(" |").rpartition(" | ")[2]
        for path, test in TEST.findall(held):
            assert test in tree.names(path), f"{path}::{test}"
        assert "no test" in held or TEST.search(held), row
