"""A fault of ours: a report in a file that helps to find it, and gives nothing away."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from foundation import crash
from gonkagate_setup import cli

SECRET = "gp-Abcdefgh.12345678Zyxw"


def fail(*_: object) -> None:
    try:
        json.loads("{" + SECRET)
    except ValueError as problem:
        raise KeyError(f"apiKey={SECRET} hunter2") from problem


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setitem(cli._VERBS, "models", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_report_says_where_and_nothing_else(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--quiet", "--color=never"]) == 1
    (report,) = reports.iterdir()
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0].startswith("error: Internal error (KeyError)")
    assert lines[1] == f"where: {report}"
    assert lines[2].startswith(f"next: please report it at {cli._ISSUES}")
    text = report.read_text()
    assert "Traceback" not in said.err
    for part in (SECRET, "hunter2", SECRET.split(".", maxsplit=1)[0], "never"):
        assert part not in text + said.err
    assert "verb: models\noptions: --quiet --color\n" in text
    assert "KeyError\n" in text
    assert "JSONDecodeError\n" in text
    assert "gonkagate_setup/cli.py:" in text
    assert "test_crash.py:" in text
    assert str(Path(__file__).parent) not in text
    if os.name != "nt":
        assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_with_json_the_object_names_the_report(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--json"]) == 1
    (report,) = reports.iterdir()
    value = json.loads(capsys.readouterr().out)
    assert (value["errorCode"], value["where"]["file"]) == ("unexpected_error", str(report))
    assert cli._ISSUES in value["nextStep"]


def test_a_full_disk_does_not_hide_the_fault(
    reports: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(reports / "missing"))
    assert cli.main(["models"]) == 1
    said = capsys.readouterr().err
    assert "where:" not in said
    assert "with the command that you ran" in said


def test_causes_that_lead_in_a_circle_end() -> None:
    first, second = ValueError(SECRET), OSError(28, SECRET)
    first.__cause__, second.__cause__ = second, first
    text = crash.text(crash.Program("x", "x 1", frozenset()), first, "setup", [])
    assert text.count("ValueError") == 5
    assert "OSError (errno 28)" in text
    assert "options: none" in text
    assert SECRET not in text
    assert sys.version.split()[0] in text
