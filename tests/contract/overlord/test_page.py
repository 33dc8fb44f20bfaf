"""docs/overlord.md says what the program does: verbs, codes, reasons, states, limits, JSON keys, session."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys

import pytest

from overlord import command_line
from overlord.commands import texts
from overlord.core import conversation, handoff, ledger_event, messages, registry, retry_policy, servants
from overlord.core.failures import REASONS
from overlord.errors import CODES, Exit, code_of
from overlord.settings import Settings
from scripts.lib import overlord_session
from tests.support.sources import OVERLORD, ROOT

PAGE = (ROOT / "docs" / "overlord.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "docs" / "overlord-report.schema.json").read_text(encoding="utf-8"))


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose heading is this."""
    body = PAGE.split(f"| {heading} |\n", 1)[1].split("\n\n", 1)[0].split("\n")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body if line[:4] != "| --"]


def names(heading: str) -> list[str]:
    """The words in code in the first column."""
    return [name for row in rows(heading) for name in re.findall(r"`([\w-]+)`", row[0])]


def test_every_verb_is_there_with_its_words_and_options() -> None:
    table = {row[0].strip("`").split(" ")[0]: " | ".join(row) for row in rows("command | what it does")}
    assert set(table) == set(command_line.VERBS)
    common = PAGE.split("Every command takes ", 1)[1].split("\n\n", 1)[0]
    everywhere = f"{PAGE.split('## More commands', 1)[1]}{common}"
    for name, (verb, words) in command_line.VERBS.items():
        assert all(word in table[name] for word in words.names), name
        for flag in verb.flags:
            assert flag.names[-1] in table[name] or flag.names[-1] in everywhere, (name, flag.names)


@pytest.mark.parametrize("name", [*command_line.VERBS, "help"])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_help_fits_and_names_everything(name: str, width: int) -> None:
    text = command_line.help_text(name, width)
    assert text.startswith("usage: mmi-cli overlord")
    assert text.isascii()
    if name == "help":
        assert all(f"  {verb}" in text for verb in command_line.VERBS)
    else:
        verb, words = command_line.VERBS[name]
        assert all(option in text for flag in verb.flags for option in flag.names)
        assert all(word in text for word in words.names)
    too_long = [line for line in text.splitlines() if len(line) > width and len(line.split()) > 1]
    assert [line for line in too_long if not line.strip().startswith("--")] == []


def test_the_commands_on_the_page_and_in_the_readme_parse() -> None:
    pages = [PAGE, (ROOT / "README.md").read_text(encoding="utf-8")]
    lines = [
        line for page in pages for line in re.findall(r"^(?:\$ |    )?mmi-cli overlord (.*)$", page, re.M)
    ]
    assert len(lines) > 8
    for line in lines:
        assert command_line.parse(shlex.split(line)).verb in command_line.VERBS, line


def test_every_code_is_there_with_its_status() -> None:
    table = [(row[1].strip("`"), int(row[0])) for row in rows("status | code | when, and the next step")]
    assert sorted(table) == sorted((code, int(status)) for code, status in CODES.items())
    assert [int(row[0]) for row in rows("status | meaning")] == [int(status) for status in Exit]


def test_every_reason_and_state_is_there() -> None:
    assert names("reason | what happened") == list(REASONS)
    assert names("state of a run | meaning") == list(registry.RUN_STATES)
    assert names("state of a servant | meaning") == list(registry._SERVANT_STATES)
    message_states = [*registry._RESULT_STATES[:3], "partial", registry._RESULT_STATES[3]]
    assert names("state of a message or a result | meaning") == message_states
    assert names("reason | next step") == SCHEMA["$defs"]["servant"]["properties"]["reasons"]["items"]["enum"]


def test_every_key_of_the_report_is_there() -> None:
    assert names("key | in | what") == list(SCHEMA["properties"])
    assert [row[0].strip("`") for row in rows("key | in | what") if row[1] == "all"] == SCHEMA["required"]


def test_the_numbers_are_those_of_the_program() -> None:
    limits = dict(row[:2] for row in rows("what | limit"))
    kib, mib = 1024, 1024 * 1024
    assert limits == {
        "normal servants in a run": str(servants.MOST_NORMAL),
        "a message, an assignment, a note": f"{texts.MOST_BYTES // kib} KiB",
        "the stored conversation of a servant": f"{conversation.FULL_BYTES // mib} MiB; then `replace`",
        "an answer": "4 MiB",
        "an answer in the ledger": f"{ledger_event.MOST_TEXT // kib} KiB",
        "a handoff": f"{handoff.MOST_BYTES // kib} KiB",
        "tries for one request": str(retry_policy.MOST_TRIES),
    }
    again = PAGE.split("only within the timeout, and only after ", 1)[1].split(", or a", 1)[0]
    assert {int(status) for status in again.split(", ")} == retry_policy.TRIED_AGAIN
    settings = Settings({})
    assert f"default {settings.timeout_ms}" in PAGE
    assert f"default {settings.lease_ms}" in PAGE
    assert f"default `{settings.base_url()}`" in PAGE
    assert "default `{}` and `{}`".format(*settings.models()) in PAGE


def test_every_refusal_has_a_code_and_every_code_can_happen() -> None:
    texts_, given = set(), set()
    for path in [*OVERLORD, *(ROOT / "foundation").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and path.name != "errors.py":
                texts_.add(node.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Refusal") and node.args:
                kind = node.args[0]
                if isinstance(kind, ast.Constant) and path in OVERLORD:
                    given.add(kind.value)
    assert set(CODES) <= texts_
    assert len(given) > 20
    assert given <= set(CODES)


def test_failures_of_the_preflight_have_codes() -> None:
    from foundation.errors import Refusal

    never = {"no_text", "servant_busy", "conversation_full", "interrupted", "stopped"}
    for reason in set(REASONS) - never:
        assert code_of(Refusal(reason, "", next_step="")) in CODES, reason


def test_open_results_have_the_states_of_results() -> None:
    assert set(messages.OPEN) < set(registry._RESULT_STATES)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_the_session_is_what_happens() -> None:
    shown = PAGE.split("<!-- session -->\n```console\n", 1)[1].split("```\n", 1)[0]
    held = overlord_session.record()
    assert overlord_session.without_times(held) == overlord_session.without_times(shown), (
        "run: python3 scripts/write_docs.py --write --only overlord-session"
    )
