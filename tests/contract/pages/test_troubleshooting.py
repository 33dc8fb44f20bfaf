"""docs/troubleshooting.md has an entry for every finding code, and none for a code that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from gonkagate_setup.judgement import findings
from gonkagate_setup.judgement.findings import CODES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "troubleshooting.md"


def entries() -> dict[str, str]:
    parts = re.split(r"^### `([a-z_]+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def test_every_code_has_one_entry_and_no_entry_is_stale() -> None:
    headings = re.findall(r"^### `(.+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(CODES)


def test_every_entry_says_something() -> None:
    short = [code for code, text in entries().items() if len(text.split("\n## ")[0].split()) < 12]
    assert short == []


def test_every_code_is_used() -> None:
    package = Path(str(findings.__file__)).parent.parent
    sources = [
        path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.name != "findings.py"
    ]
    assert [code for code in CODES if not any(f'"{code}"' in source for source in sources)] == []
