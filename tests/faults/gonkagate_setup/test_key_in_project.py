"""A key in a project's file that git would commit: named, never printed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from foundation.secrets import Secret
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.commands import key_findings
from gonkagate_setup.judgement.findings import Finding
from opencode_config.program.surveying import take_survey
from tests.faults.homes import NEW_KEY, Home, put

KEY = NEW_KEY.decode()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.empty(tmp_path / "machine")


def git(home: Home, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=home.project, check=True, stdin=subprocess.DEVNULL)


def told(home: Home) -> list[Finding]:
    survey = take_survey(home.host, home.project, GONKAGATE.id)
    return list(key_findings.in_files(survey, home.host, [Secret(KEY)]))


def test_every_file_of_the_project_is_looked_at_and_the_key_is_not_shown(home: Home) -> None:
    git(home, "init", "--quiet")
    put(
        home.project_config,
        f'{{\n  "provider": {{"x": {{"options": {{"apiKey": "{KEY}"}}}}}}\n}}'.encode(),
        0o644,
    )
    put(home.project / ".opencode" / "opencode.jsonc", b'{"a": "gp-one-that-we-do-not-know"}', 0o644)
    put(home.project / ".opencode" / "agent" / "x.md", f"---\nmodel: a/b\n---\n{KEY}\n".encode(), 0o644)
    put(home.user_config, f'{{"a": "{KEY}"}}'.encode(), 0o644)
    findings = told(home)
    assert {(Path(f.path or "").name, f.line, f.column, f.key, f.layer) for f in findings} == {
        ("opencode.json", 2, 45, "provider.x.options.apiKey", "project_config"),
        ("opencode.jsonc", 1, 8, "a", "dot_opencode"),
        ("x.md", 4, 1, None, "agent_markdown"),
    }
    assert {(f.code, f.blocks) for f in findings} == {("key_in_committed_file", False)}
    assert KEY not in repr(findings)
    assert "not-know" not in repr(findings)


def test_what_git_ignores_is_not_told_unless_it_is_committed_already(home: Home) -> None:
    put(home.project_config, f'{{"a": "{KEY}"}}'.encode(), 0o644)
    assert told(home) == [], "outside of git nothing is committed"
    git(home, "init", "--quiet")
    assert len(told(home)) == 1
    put(home.project / ".gitignore", b"opencode.json\n", 0o644)
    assert told(home) == []
    git(home, "add", "--force", "opencode.json")
    assert len(told(home)) == 1
