"""docs/exit-statuses.md has every status and every code, and no other; all but the reserved ones happen."""

from __future__ import annotations

import ast
import re
from typing import Iterator

from foundation.transaction import Role
from gonkagate_setup.errors import CODES, KINDS, Exit
from tests.support.sources import ROOT, SETUP

PAGE = ROOT / "docs" / "exit-statuses.md"
ERRORS = ROOT / "gonkagate_setup" / "errors.py"
SOURCES = [path for path in SETUP if path != ERRORS]

# Documented, because scripts may look for them; nothing here ever ends with one.
RESERVED = {"effective_config_layer_read_failed", "effective_config_layer_parse_failed"}

# The f-strings that make kinds of refusals, and all that they make.
MADE = {
    "{}_{}_failed": {role.failure(step) for role in Role for step in ("backup", "write")},
    "{}_selection_required": {"model_selection_required", "scope_selection_required"},
}

# Scripts rely on these statuses, and on the npm tool's codes (docs/npm-tool.md#options-json-and-error-codes).
PINNED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 129, 130, 143}
NPM_CODES = {
    "opencode_not_found",
    "opencode_version_unparseable",
    "opencode_version_unsupported",
    "validated_models_unavailable",
    "model_selection_required",
    "unsupported_model_key",
    "scope_selection_required",
    "secret_stdin_empty",
    "secret_prompt_unavailable",
    "secret_source_unavailable",
    "managed_config_parse_failed",
    "managed_config_merge_failed",
    "managed_config_backup_failed",
    "managed_config_write_failed",
    "managed_secret_backup_failed",
    "managed_secret_write_failed",
    "managed_state_backup_failed",
    "managed_state_write_failed",
    "managed_rollback_failed",
    "effective_config_command_failed",
    "effective_config_parse_failed",
    "effective_config_layer_read_failed",
    "effective_config_layer_parse_failed",
    "effective_config_mismatch",
    "effective_config_blocked",
    "unexpected_error",
}


def documented() -> dict[str, int]:
    codes: dict[str, int] = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        status = int(section.split("\n", 1)[0])
        for code in re.findall(r"^\| `([a-z_]+)` \|", section, flags=re.MULTILINE):
            assert code not in codes, f"{code} is on the page twice"
            codes[code] = status
    return codes


def test_the_statuses_are_those_that_scripts_rely_on() -> None:
    assert {int(status) for status in Exit} == PINNED
    table = PAGE.read_text(encoding="utf-8").split("\n## ", 1)[0]
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)} == PINNED


def test_every_code_is_on_the_page_under_its_status() -> None:
    assert documented() == {code: int(status) for code, status in CODES.items()}


def test_the_codes_of_the_npm_tool_are_kept() -> None:
    assert set(CODES) >= NPM_CODES


def nodes() -> Iterator[ast.AST]:
    for path in SOURCES:
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_every_code_happens_or_is_reserved() -> None:
    texts = {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    made = {kind for kinds in MADE.values() for kind in kinds}
    assert {code for kind, (code, _) in KINDS.items() if kind in texts | made} == set(CODES) - RESERVED


def test_every_kind_has_the_status_of_its_code() -> None:
    assert all(CODES[code] is status for code, status in KINDS.values())
    assert {kind for kinds in MADE.values() for kind in kinds} <= set(KINDS)


def test_the_kinds_that_are_made_are_known() -> None:
    templates = {
        "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        for node in nodes()
        if isinstance(node, ast.JoinedStr)
    }
    assert {text for text in templates if re.fullmatch(r"[a-z_{}]*_(failed|required)", text)} == set(MADE)


def test_every_refusal_has_a_documented_code() -> None:
    given = {
        node.args[0].value
        for node in nodes()
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("Refusal")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(given) > 40
    assert given <= set(KINDS)


def test_every_status_happens() -> None:
    named = {
        node.attr
        for node in nodes()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Exit"
    }
    happen = {CODES[code] for code in set(CODES) - RESERVED} | {Exit.DONE, Exit.SESSION_BLOCKED}
    assert happen == set(Exit)
    assert {"DONE", "SESSION_BLOCKED"} <= named


def test_the_page_says_which_codes_are_reserved() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| reserved, never emitted", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(rows) == RESERVED
