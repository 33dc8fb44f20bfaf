"""The commands in a workspace that cannot be written: never an allowance, and the place is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.mounted import needs_mounts, run

CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
REQUEST = {"action": "model_call", "region": "NZ", "purpose": "code_review"}
PROGRAM = """
import io, json, os, sys
from sovereigncode import cli
home, project, *arguments = sys.argv[1:]
os.environ.update(HOME=home, PATH="/nowhere")
os.chdir(project)
sys.stdin = io.TextIOWrapper(io.BytesIO(os.environ["REQUEST"].encode()), encoding="utf-8")
status = cli.main([*arguments, "--json"])
"""
READ_ONLY = 'mount --bind "$5" "$5" && mount -o remount,ro,bind "$5" && exec "$@"'
FULL = (
    'mount -t tmpfs -o size=64k none "$5" && cp -r "$4/kept/." "$5" '
    '&& dd if=/dev/zero of="$5/filler" bs=1k count=100 2>/dev/null; exec "$@"'
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REQUEST", json.dumps(REQUEST))
    for name in ("home", "home/kept", "project"):
        (tmp_path / name).mkdir()
    for folder in (tmp_path / "project" / ".sovereigncode", tmp_path / "home" / "kept" / ".sovereigncode"):
        folder.mkdir()
        (folder / "capsule.json").write_text(json.dumps(CAPSULE))
    return tmp_path


@needs_mounts
@pytest.mark.parametrize("script", [READ_ONLY, FULL], ids=["read-only", "full"])
@pytest.mark.parametrize(
    "arguments", [["evaluate"], ["init", "--yes", "--tenant", "t"]], ids=["evaluate", "init"]
)
def test_what_cannot_be_written_is_not_allowed_and_changes_nothing(
    place: Path, script: str, arguments: list[str]
) -> None:
    said = json.loads(run(PROGRAM, place / "home", place / "project", *arguments, script=script))
    assert said["exit_status"] == 5, said
    assert "decision" not in said
    assert str(place / "project") in said["error"]["where"]["file"]
    assert said["error"]["next_step"]
    assert not (place / "project" / "opencode.json").exists()


@needs_mounts
@pytest.mark.parametrize("arguments", [["check"], ["approvals", "list"], ["audit", "verify"]], ids=" ".join)
def test_what_only_reads_works_where_nothing_can_be_written(place: Path, arguments: list[str]) -> None:
    said = json.loads(run(PROGRAM, place / "home", place / "project", *arguments, script=READ_ONLY))
    assert said["exit_status"] == 0, said


@needs_mounts
def test_a_denial_is_a_denial_even_if_it_cannot_be_recorded(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUEST", json.dumps({**REQUEST, "region": "US"}))
    said = json.loads(run(PROGRAM, place / "home", place / "project", "evaluate", script=READ_ONLY))
    assert (said["exit_status"], said["decision"], said["decision_id"]) == (6, "deny", None)
