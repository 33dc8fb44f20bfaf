from __future__ import annotations

import json
from typing import Any

import pytest

from gonkagate_setup import arguments, cli
from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.errors import SetupError

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


@pytest.mark.parametrize("argv", [["--api-key-stdin"], ["--model", "kimi-k2.6"], ["--cwd", "gp-x"]])
def test_what_is_no_key_is_not_taken_for_one(argv: list[str]) -> None:
    cli.refuse_key_arguments(argv, GONKAGATE)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--frobnicate"], "--frobnicate"),
        (["--scope", "galaxy"], "--scope"),
        (["--model"], "--model"),
        (["surplus-word-xyz"], "argument"),
        (["--api-key-stdin=xyz-value"], "--api-key-stdin"),
        (["--frob=xyz-value"], "--frob"),
    ],
)
def test_a_usage_error_names_the_option_and_never_the_value(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert "xyz" not in printed.err
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
    with pytest.raises(SetupError):
        arguments.parse(["--mod", "kimi-k2.6"], GONKAGATE)


def test_a_missing_working_folder_is_refused_and_not_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    missing = tmp_path / "typo"
    assert cli.main(["--cwd", str(missing), "--yes"]) == 2
    assert "folder that does not exist" in capsys.readouterr().err
    assert not missing.exists()


def test_a_fault_of_ours_shows_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: Any) -> Any:
        raise RuntimeError(f"header Bearer {KEY}")

    monkeypatch.setitem(cli._VERBS, "models", explode)
    assert cli.main(["models"]) == 1
    printed = capsys.readouterr()
    assert "RuntimeError" in printed.err
    assert KEY not in printed.err
    assert "Traceback" not in printed.err
