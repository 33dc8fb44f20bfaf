"""What is typed is taken apart, and no mistyped value is repeated."""

from __future__ import annotations

import pytest

from foundation.errors import Refusal
from overlord import command_line


@pytest.mark.parametrize(
    ("typed", "verb", "words", "options"),
    [
        (["send", "all", "Hello"], "send", ("all", "Hello"), {}),
        (["--json", "send", "all", "-"], "send", ("all", "-"), {"--json": ("",)}),
        (["--cwd", "list", "status"], "status", (), {"--cwd": ("list",)}),
        (["--cwd=list", "status"], "status", (), {"--cwd": ("list",)}),
        (["send", "all", "--", "--json"], "send", ("all", "--json"), {}),
        (["send", "--then", "ultra", "all", "x"], "send", ("all", "x"), {"--then": ("ultra",)}),
        (
            ["start", "--assign", "ultra=a=b", "--assign=normal-1=c"],
            "start",
            (),
            {"--assign": ("ultra=a=b", "normal-1=c")},
        ),
        (["start", "--profile=implementation"], "start", (), {"--profile": ("implementation",)}),
        (["send", "-h"], "send", (), {"--help": ("",)}),
        (["retry"], "retry", (), {}),
        (["await-human", "a note"], "await-human", ("a note",), {}),
        (["help"], "help", (), {}),
        (["-h"], "help", (), {}),
        (["--version"], "version", (), {}),
        (
            ["status", "--no-input", "--debug", "--run", "x", "--run", "y"],
            "status",
            (),
            {"--no-input": ("",), "--debug": ("",), "--run": ("x", "y")},
        ),
    ],
)
def test_what_is_understood(
    typed: list[str], verb: str, words: tuple[str, ...], options: dict[str, tuple[str, ...]]
) -> None:
    parsed = command_line.parse(typed)
    assert (parsed.verb, parsed.words, dict(parsed.options)) == (verb, words, options)
    assert command_line.verb_of(typed) in (verb, "help")


def test_the_last_value_counts() -> None:
    parsed = command_line.parse(["status", "--run", "x", "--run", "y"])
    assert (parsed.value("--run"), parsed.value("--cwd"), parsed.word(0)) == ("y", None, None)


@pytest.mark.parametrize(
    ("typed", "said", "next_step"),
    [
        ([], "no command was given", "see: mmi-cli overlord --help"),
        (["strat"], "there is no such command", "did you mean start? see: mmi-cli overlord --help"),
        (["send"], "TARGET is missing", "see: mmi-cli overlord send --help"),
        (["send", "all", "two", "three"], "too many arguments", "quote a text that has blanks; see: "),
        (["status", "--no-livenes"], "unknown option: --no-livenes", "did you mean --no-liveness? "),
        (["status", "--Secret!"], "unknown option", "see: "),
        (["status", "--json=yes"], "--json takes no value", "see: "),
        (["status", "--run"], "--run needs a value", "see: "),
        (
            ["start", "--profile", "full-trust"],
            "invalid value for --profile",
            "it can be consultation or implementation; ",
        ),
        (["replace"], "SLOT is missing", "see: "),
        (["delete"], "RUN_ID is missing", "see: "),
        (["status", "--dry-run"], "unknown option: --dry-run", "did you mean --run? see: "),
    ],
)
def test_what_is_refused(typed: list[str], said: str, next_step: str) -> None:
    with pytest.raises(Refusal) as caught:
        command_line.parse(typed)
    assert caught.value.kind == "usage_error"
    assert caught.value.message == said
    assert caught.value.next_step.startswith(next_step)
    assert "full-trust" not in f"{caught.value.message}{caught.value.next_step}"


@pytest.mark.parametrize(
    "word",
    [
        "--api-key",
        "--api-key=x",
        "--apikey",
        "--API_KEY=x",
        "-api-key",
        "--key",
        "--token=x",
        "--secret",
        "--api-key-stdin",
    ],
)
def test_keys_are_refused_unread(word: str) -> None:
    with pytest.raises(Refusal) as caught:
        command_line.refuse_keys(["start", word], "export SAKANA_API_KEY=...")
    assert caught.value.kind == "api_key_flag_refused"
    assert caught.value.next_step == "export SAKANA_API_KEY=..."
    command_line.refuse_keys(["send", "all", "--", word], "")


@pytest.mark.parametrize(
    ("typed", "verb", "helps"),
    [
        (["--cwd", "list", "status"], "status", False),
        (["send", "all", "status"], "send", False),
        (["frobnicate", "-h"], "help", True),
        (["send", "--", "-h"], "send", False),
        (["send", "--help"], "send", True),
        ([], "help", False),
    ],
)
def test_the_verb_is_known_before_anything_is_parsed(typed: list[str], verb: str, helps: bool) -> None:
    assert command_line.verb_of(typed) == verb
    assert command_line.wants_help(typed) is helps
