"""From arguments to an exit status, without opencode."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from foundation import programs
from foundation.errors import Refusal
from foundation.host import Host
from gonkagate_setup import cli
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.command_line import arguments, key_arguments
from gonkagate_setup.errors import Exit, code_of

KEY = "gp-SuperSecret.Key_123"


@pytest.mark.parametrize(
    "argv",
    [
        ["--api-key", KEY],
        [f"--api-key={KEY}"],
        [f"--apikey={KEY}"],
        ["--api_key", "whatever"],
        ["-api-key", "whatever"],
        ["--key", "whatever"],
        ["--token=whatever"],
        ["--API-KEY", "whatever"],
        ["--scope", KEY],
        ["--model", KEY],
        [KEY],
        [f"Authorization: Bearer {KEY}"],
        ["--help", "--api-key", KEY],
    ],
)
def test_a_key_as_an_argument_is_refused_and_never_repeated(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    assert "not accepted as an argument" in printed.err
    assert KEY not in printed.out + printed.err
    assert "whatever" not in printed.out + printed.err


@pytest.mark.parametrize(
    "argv",
    [
        ["--api-key-stdin"],
        ["--model", "kimi-k2.6"],
        ["--cwd", "gp-x"],
        ["--cwd", "/home/me/gp-backend"],
        ["--cwd=/home/me/gp-backend/gp-frontend"],
    ],
)
def test_what_is_no_key_is_not_taken_for_one(argv: list[str]) -> None:
    key_arguments.refuse(argv, GONKAGATE)


def test_a_folder_whose_whole_name_looks_like_a_key_has_to_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for argv in (["--cwd", "gp-backend"], ["--cwd=gp-backend"]):
        with pytest.raises(Refusal) as refused:
            key_arguments.refuse(argv, GONKAGATE)
        assert code_of(refused.value) == "api_key_flag_refused"
    (tmp_path / "gp-backend").mkdir()
    key_arguments.refuse(["--cwd", "gp-backend"], GONKAGATE)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--frobnicate"], "--frobnicate"),
        (["--scope", "galaxy"], "--scope"),
        (["--model"], "--model"),
        (["surplus-word-xyz"], "argument"),
        (["--api-key-stdin=xyz-value"], "--api-key-stdin"),
        (["--yes=xyz-value"], "--yes takes no value"),
        (["verify", "--live=xyz"], "--live takes no value"),
        # From Python 3.13 on argparse takes this for -h and an unknown option.
        (["-hxyz"], "error: "),
        (["-xyz"], "Unknown option"),
        (["-q"], "Unknown option: -q"),
        (["--model"], "--model needs a value"),
        (["verify", "--cwd"], "--cwd needs a value"),
        (["--xyz9"], "Unknown option"),
        (["-XYZxyz"], "Unknown option"),
        (["undo", "xyz"], "argument"),
        (["completion", "bash", "xyz"], "argument"),
        (["--frob=xyz-value"], "--frob"),
    ],
)
def test_a_usage_error_names_the_option_and_never_the_value(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert "xyz" not in printed.err.lower()
    assert "galaxy" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    "argv", [["--json", "--frobnicate"], ["--frobnicate", "--json"], ["--json", "--api-key", KEY]]
)
def test_with_json_a_usage_error_is_exactly_one_object(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    value: Any = json.loads(printed.out)
    assert (value["ok"], value["status"]) == (False, "failed")
    assert value["errorCode"] in ("usage_error", "api_key_flag_refused")
    assert printed.err == ""


def test_version_and_help_are_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("gonkagate-setup ")
    assert cli.main(["-h"]) == 0
    printed = capsys.readouterr()
    assert "--api-key-stdin" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("argv", "verb"),
    [
        ([], "setup"),
        (["--yes"], "setup"),
        (["verify", "--json"], "verify"),
        (["--json", "verify"], "verify"),
        (["--model", "models"], "setup"),
        (["--model=x", "models"], "models"),
    ],
)
def test_the_verb_is_found_anywhere_but_as_an_options_value(argv: list[str], verb: str) -> None:
    assert arguments.verb(argv) == verb


def test_options_are_never_abbreviated() -> None:
    with pytest.raises(Refusal):
        arguments.parse(["--mod", "kimi-k2.6"], GONKAGATE)


def test_a_missing_working_folder_is_refused_and_not_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    missing = tmp_path / "typo"
    assert cli.main(["--cwd", str(missing), "--yes"]) == 2
    assert "folder that does not exist" in capsys.readouterr().err
    assert not missing.exists()


def test_a_fault_of_ours_shows_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def explode(*_: Any) -> Any:
        raise RuntimeError(f"header Bearer {KEY}")

    monkeypatch.setitem(cli._VERBS, "models", explode)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cli.main(["models"]) == 1
    assert [path.name[:22] for path in tmp_path.iterdir()] == ["gonkagate-setup-crash-"]
    printed = capsys.readouterr()
    assert "RuntimeError" in printed.err
    assert KEY not in printed.err
    assert "Traceback" not in printed.err


def refused_folder(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["--cwd", name, "--yes"]) == 2
    printed = capsys.readouterr()
    assert "name an existing folder" in printed.err
    return printed.err


def test_what_cwd_names_is_looked_at_before_anything_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    said = refused_folder(str(file), capsys)
    assert "names a file, not a folder" in said
    assert f"where: {file}" in said
    assert "needs the name of a folder" in refused_folder("", capsys)
    long = refused_folder("x" * 5000, capsys)
    assert "cannot be accessed (file name too long)" in long
    assert "xxx" not in long
    assert "does not exist" in refused_folder(str(file / "below"), capsys)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0,
    reason="root may look at everything, and Windows has no modes",
)
def test_a_folder_that_may_not_be_looked_at(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inside").mkdir(parents=True)
    closed.chmod(0)
    try:
        assert "cannot be accessed (permission denied)" in refused_folder(str(closed / "inside"), capsys)
        assert "cannot be entered" in refused_folder(str(closed), capsys)
    finally:
        closed.chmod(0o700)


def test_help_is_a_command_too(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, same in ((["help"], ["--help"]), (["help", "verify"], ["verify", "--help"])):
        assert cli.main(argv) == 0
        shown = capsys.readouterr().out
        assert cli.main(same) == 0
        assert capsys.readouterr().out == shown
    assert cli.main(["help", "verfy"]) == 2
    assert "did you mean help verify?" in capsys.readouterr().err


def test_the_key_in_the_environment_is_hidden_from_every_other_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Host] = []
    monkeypatch.setenv("GONKAGATE_API_KEY", KEY)

    def models(_: object, host: Host, *__: object) -> Exit:
        made.append(host)
        return Exit.DONE

    monkeypatch.setitem(cli._VERBS, "models", models)
    assert cli.main(["models"]) == 0
    (host,) = made
    given = programs.environment(host.environ, host.hidden)
    assert KEY in host.environ.values()
    assert KEY not in given.values()
    assert given.keys() == host.environ.keys()


def test_a_time_for_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--timeout", "30"]) == 2
    assert "next: add --live, or leave out --timeout" in capsys.readouterr().err
    assert arguments.parse(["verify", "--live"], GONKAGATE).timeout == 90
    assert arguments.parse(["verify", "--live", "--timeout", "30"], GONKAGATE).timeout == 30


def test_every_verb_that_writes_or_starts_opencode_is_refused_in_a_home_of_somebody_else() -> None:
    only_reads = {"models"}
    assert set(cli._AT_HOME) == set(cli._VERBS) - only_reads
    assert set(cli._CHANGING) < set(cli._AT_HOME)
