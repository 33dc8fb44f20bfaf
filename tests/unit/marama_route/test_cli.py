"""The command line: one JSON object, exit statuses, help everywhere, and no value echoed."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from marama_route import cli, command_line
from marama_route.core.errors import Exit
from marama_route.errors import KINDS
from tests.support.sources import MODULES, ROOT
from tests.unit.marama_route.counter import Counter


@pytest.mark.parametrize(
    "words", [name.split()[1:] for name in command_line.COMMAND_LINE.parsers()], ids=" ".join
)
def test_every_command_has_help_that_names_json_and_cwd(counter: Counter, words: list[str]) -> None:
    ran = counter.run(*words, "--help")
    assert ran.status == 0
    assert ran.stdout.startswith(f"usage: {' '.join(['marama-route', *words])} ")
    assert {"--json", "--cwd", "--version"} <= set(ran.stdout.replace(",", " ").split())


def test_every_verb_is_carried_out() -> None:
    assert set(cli._VERBS) == set(command_line.VERBS)


@pytest.mark.parametrize("words", [[], ["check"], ["key", "create"], ["serve"]])
def test_the_version_is_printed_everywhere(counter: Counter, words: list[str]) -> None:
    assert counter.run(*words, "--version").stdout.startswith("marama-route 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"], ["check", "--bogus"], ["bogus"], ["check", "extra"], ["route", "a", "b"],
        ["init", "--tenant", "hunter2 !"], ["init", "--jurisdiction", " "],
        ["init", "--workspace", "hunter2"],
        ["decisions", "--limit", "hunter2"], ["decisions", "--limit", "0"], ["key", "bogus"],
        ["key", "create", "--role", "hunter2"], ["key", "revoke", "hunter2"], ["models", "--cwd", "hunter2"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command_line_ends_with_2_and_repeats_nothing(counter: Counter, arguments: list[str]) -> None:
    ran = counter.run(*arguments)
    assert ran.status == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("error: ")
    # A place is named, so that it can be found.
    said = "\n".join(line for line in ran.stderr.splitlines() if not line.startswith("where: "))
    assert "hunter2" not in said
    as_json = counter.run(*arguments, "--json")
    assert (as_json.status, as_json.json["exit_status"]) == (2, 2)
    assert as_json.stderr == ""


def test_options_may_come_before_or_after_the_command(counter: Counter) -> None:
    counter.configure()
    for words in (["--json", "models", "--offline"], ["models", "--offline", "--json"]):
        assert counter.run(*words).json["ok"] is True


@pytest.mark.parametrize("command", ["check", "models", "route", "decisions", "key create"])
def test_without_a_configuration_every_command_says_so(counter: Counter, command: str) -> None:
    ran = counter.run(*command.split(), "--json", *(["hi"] if command == "route" else []))
    assert ran.status == 5
    assert ran.json["error"]["code"] == "config_missing"
    assert ran.json["error"]["next_step"].startswith("run `marama-route init`")


def test_a_fault_of_ours_ends_with_1_shows_no_traceback_and_no_content(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(cli._VERBS, "check", broken)
    ran = counter.run("check", "--json")
    assert ran.status == 1
    assert ran.json["error"]["code"] == "unexpected_error"
    report = Path(ran.json["error"]["where"]["file"])
    assert "hunter2" not in ran.stdout + report.read_text()


def test_every_kind_of_refusal_has_a_code_and_a_status_of_the_contract() -> None:
    used = set()
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] not in ("foundation", "sovereigncode", "marama_route"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = getattr(node, "func", None)
            if isinstance(node, ast.Call) and getattr(named, "id", "").endswith("Refusal") and node.args:
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
    assert {int(status) for _, status in KINDS.values()} <= {1, 2, 5, 6, 129, 130, 143}
    assert {int(status) for status in Exit} == {0, 1, 2, 5, 6, 129, 130, 143}


def test_the_object_is_ascii(counter: Counter) -> None:
    counter.configure()
    ran = counter.run("models", "--offline", "--json")
    assert ran.stdout.isascii()
    assert json.loads(ran.stdout)["command"] == "models"
