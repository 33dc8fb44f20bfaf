"""The command line: one JSON object, exit statuses, help everywhere, and no value echoed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foundation.errors import Refusal
from sovereigncode import cli, command_line
from sovereigncode.errors import CODES, KINDS, Exit
from tests.unit.sovereigncode.folders import Desk


@pytest.mark.parametrize(
    "words", [name.split()[1:] for name in command_line.COMMAND_LINE.parsers()], ids=" ".join
)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help_that_names_json_and_cwd(sov: Desk, words: list[str], option: str) -> None:
    ran = sov.run(*words, option)
    assert ran.status == 0
    assert ran.stdout.startswith(f"usage: {' '.join(['sovereigncode', *words])} ")
    assert {"--json", "--cwd", "--version"} <= set(ran.stdout.replace(",", " ").split())


@pytest.mark.parametrize("words", [[], ["check"], ["audit", "verify"], ["approvals", "show"]])
def test_the_version_is_printed_everywhere(sov: Desk, words: list[str]) -> None:
    if words != ["approvals", "show"]:
        assert sov.run(*words, "--version").stdout.startswith("sovereigncode 0.")
    assert sov.run("--version", "--json").json["text"].startswith("sovereigncode 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"], ["check", "--bogus"], ["bogus"], ["check", "extra"], ["evaluate", "a", "b"],
        ["init", "--sensitivity", "hunter2"], ["init", "--sensitivity"], ["init", "--tenant", "hunter2 !"],
        ["audit", "show", "--limit", "hunter2"], ["audit", "show", "--limit", "0"],
        ["approvals", "approve"], ["approvals", "bogus"], ["approvals", "list", "--state", "hunter2"],
        ["check", "--cwd", "hunter2"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command_line_ends_with_2_and_repeats_no_value(sov: Desk, arguments: list[str]) -> None:
    ran = sov.run(*arguments)
    assert ran.status == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("error: ")
    assert "hunter2" not in ran.stderr.replace(str(Path("hunter2")), "", 1 if "--cwd" in arguments else 0)
    as_json = sov.run(*arguments, "--json")
    assert as_json.status == 2
    assert as_json.json["exit_status"] == 2
    assert as_json.stderr == ""


def test_options_may_come_before_or_after_the_command(sov: Desk) -> None:
    sov.workspace()
    for words in (["--json", "check"], ["check", "--json"], ["--cwd", str(sov.project), "check", "--json"]):
        assert sov.run(*words).json["ok"] is True
    other = sov.project.parent
    assert sov.run("check", "--json", "--cwd", str(other)).status == 5


def test_without_a_command_there_is_help(sov: Desk) -> None:
    assert sov.run().stdout.startswith("usage: sovereigncode ")


def test_a_fault_of_ours_ends_with_1_shows_no_traceback_and_no_content(
    sov: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(cli._VERBS, "check", broken)
    ran = sov.run("check", "--json")
    assert ran.status == 1
    assert ran.json["error"]["code"] == "unexpected_error"
    report = Path(ran.json["error"]["where"]["file"])
    assert "hunter2" not in ran.stdout + report.read_text()


def test_every_kind_of_refusal_below_has_a_code() -> None:
    import ast

    from tests.support.sources import MODULES, ROOT

    used = set()
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] not in ("foundation", "sovereigncode"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal" and node.args:
                kind = node.args[0]
                if isinstance(kind, ast.Constant):
                    used.add(str(kind.value))
    # What a program for keys asks, which this one does not.
    used -= {
        "secret_prompt_unavailable",
        "secret_source_unavailable",
        "proxy_unusable",
        "certificate_untrusted",
    }
    assert used <= set(KINDS)
    assert set(CODES.values()) == set(Exit) - {Exit.DONE}


def test_a_decision_by_hand_is_not_possible_without_a_terminal(sov: Desk) -> None:
    sov.workspace()
    ran = sov.run("approvals", "approve", f"ap_{'0' * 32}", "--json")
    assert ran.status == 5
    assert ran.json["error"]["code"] == "approval_not_found"


def test_json_is_ascii_and_one_object_even_with_strange_names(sov: Desk) -> None:
    sov.workspace()
    ran = sov.run("evaluate", "--json", stdin=json.dumps({"action": "réd", "region": "NZ"}))
    assert ran.stdout.isascii()
    assert ran.json["decision"] == "deny"


def test_a_refusal_has_its_place_in_the_object(sov: Desk) -> None:
    with pytest.raises(Refusal):
        command_line.COMMAND_LINE.parse(["check", "--cwd", "nowhere"])
    where = sov.run("check", "--cwd", "nowhere", "--json").json["error"]["where"]
    assert where == {"file": "nowhere", "line": None, "column": None}
