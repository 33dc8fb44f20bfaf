"""docs/exit-statuses.md has every status and every code, and no other; the statuses are pinned."""

from __future__ import annotations

import re
from pathlib import Path

from gonkagate_setup.errors import CODES, Exit

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exit-statuses.md"

# From issue 2 and the npm tool's list in gonkagate-facts: scripts rely on these.
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
            assert code not in codes, f"{code} stands on the page twice"
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
