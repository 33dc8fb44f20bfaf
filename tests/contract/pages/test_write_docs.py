"""scripts/write_docs.py: one command for everything made, which changes nothing unless told to write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import write_docs
from scripts.lib import cache

SCRIPT = str(cache.ROOT / "scripts" / "write_docs.py")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of another checkout, `part` by name, that is out of date."""
    path = tmp_path / "docs" / "page.md"
    path.parent.mkdir()
    path.write_text("old\n", encoding="utf-8")
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    part = write_docs._from_texts(lambda: {path: "new\n"}, "a page")
    monkeypatch.setattr(write_docs, "PARTS", {"part": part})
    return path


def test_without_an_argument_it_prints_its_help_and_changes_nothing(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_docs.main([]) == 2
    assert capsys.readouterr().out.startswith("usage: ")
    assert page.read_text(encoding="utf-8") == "old\n"


def test_a_check_names_the_file_and_the_command_and_changes_nothing(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_docs.main(["--check"]) == 1
    out = capsys.readouterr().out
    assert "part: out of date: docs/page.md" in out
    assert "python3 scripts/write_docs.py --write --only part" in out
    assert page.read_text(encoding="utf-8") == "old\n"


def test_writing_brings_it_up_to_date_and_says_so_once(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_docs.main(["--write"]) == 0
    assert capsys.readouterr().out == "part: wrote docs/page.md\n"
    assert page.read_bytes() == b"new\n"
    assert write_docs.main(["--write"]) == 0
    assert capsys.readouterr().out == "Everything was up to date.\n"
    assert write_docs.main(["--check", "--only", "part"]) == 0


@pytest.mark.parametrize(
    "wrong", [["--check", "--write"], ["--only", "manual"], ["--check", "--only", "page"]]
)
def test_a_wrong_command_line_changes_nothing(wrong: list[str]) -> None:
    done = subprocess.run([sys.executable, SCRIPT, *wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_a_proof_of_another_config_is_out_of_date(monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.validating import proofs

    assert write_docs._check_proofs() == []
    monkeypatch.setattr(proofs, "config_digest", lambda *_: "another")
    assert len(write_docs._check_proofs()) == len(list(proofs.FOLDER.glob("stand-in/*/*.json")))
    monkeypatch.undo()
    monkeypatch.setattr(proofs, "FOLDER", Path("nowhere"))
    monkeypatch.setattr(write_docs, "_short", str)
    assert "nowhere/stand-in/kimi-k2.6/opencode-1.18.33.json" in [
        Path(name).as_posix() for name in write_docs._check_proofs()
    ]


def test_every_quick_part_has_a_page_and_the_help_names_every_part() -> None:
    assert set(write_docs.PAGES) == {
        name for name, part in write_docs.PARTS.items() if not part.starts_opencode and not part.recorded
    }
    assert all(f"  {name}" in write_docs._parser().format_help() for name in write_docs.PARTS)
