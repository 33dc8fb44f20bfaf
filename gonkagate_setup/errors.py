"""The one family of errors: code, message, place, next step.

`CODES` is the whole list, each with the exit status that `cli.main` returns for it. The codes that
`@gonkagate/opencode-setup` 0.2.5 (the npm tool, docs/npm-tool.md) prints keep their names, because scripts
read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Mapping


class Exit(IntEnum):
    """Exit statuses of the program; documented in docs/exit-statuses.md."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    OPENCODE = 3
    KEY = 4
    CONFIG = 5
    BLOCKED = 6
    SESSION_BLOCKED = 7
    PUT_BACK = 8
    PUT_BACK_INCOMPLETE = 9
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


CODES: Final[Mapping[str, Exit]] = {
    # ours
    "unexpected_error": Exit.FAULT,
    "result_not_written": Exit.FAULT,
    # usage
    "usage_error": Exit.USAGE,
    "api_key_flag_refused": Exit.USAGE,
    "unsupported_model_key": Exit.USAGE,
    "model_selection_required": Exit.USAGE,
    "scope_selection_required": Exit.USAGE,
    "consent_required": Exit.USAGE,
    "working_directory_unusable": Exit.USAGE,
    "project_scope_unavailable": Exit.USAGE,
    "validated_models_unavailable": Exit.FAULT,
    # opencode
    "opencode_not_found": Exit.OPENCODE,
    "opencode_version_unparseable": Exit.OPENCODE,
    "opencode_version_unsupported": Exit.OPENCODE,
    "opencode_proof_unavailable": Exit.OPENCODE,
    "opencode_unresponsive": Exit.OPENCODE,
    # key
    "secret_stdin_empty": Exit.KEY,
    "secret_prompt_unavailable": Exit.KEY,
    "secret_source_unavailable": Exit.KEY,
    "secret_invalid": Exit.KEY,
    "secret_file_unusable": Exit.KEY,
    "live_key_refused": Exit.KEY,
    "live_account_refused": Exit.KEY,
    # a config cannot be edited safely, nothing written
    "managed_config_read_failed": Exit.CONFIG,
    "managed_config_parse_failed": Exit.CONFIG,
    "managed_config_merge_failed": Exit.CONFIG,
    "managed_config_read_only": Exit.CONFIG,
    "managed_config_unsafe_link": Exit.CONFIG,
    "managed_state_unusable": Exit.CONFIG,
    "setup_in_progress": Exit.CONFIG,
    "targets_keep_changing": Exit.CONFIG,
    "undo_refused": Exit.CONFIG,
    "undo_record_unusable": Exit.CONFIG,
    # blocked
    "effective_config_command_failed": Exit.BLOCKED,
    "effective_config_parse_failed": Exit.BLOCKED,
    # Reserved, never emitted: the npm tool's names for what is the finding config_unreadable here.
    "effective_config_layer_read_failed": Exit.BLOCKED,
    "effective_config_layer_parse_failed": Exit.BLOCKED,
    "effective_config_mismatch": Exit.BLOCKED,
    "effective_config_blocked": Exit.BLOCKED,
    "interrupted_setup": Exit.BLOCKED,
    "live_quota_exhausted": Exit.BLOCKED,
    "live_rate_limited": Exit.BLOCKED,
    "live_service_unavailable": Exit.BLOCKED,
    "live_model_refused": Exit.BLOCKED,
    "live_unexpected_answer": Exit.BLOCKED,
    "live_redirected": Exit.BLOCKED,
    "live_unreachable": Exit.BLOCKED,
    "live_proxy_unusable": Exit.BLOCKED,
    "live_certificate_untrusted": Exit.BLOCKED,
    "live_timeout": Exit.BLOCKED,
    "live_connection_dropped": Exit.BLOCKED,
    "not_set_up": Exit.BLOCKED,
    # writing failed, everything put back
    "managed_config_backup_failed": Exit.PUT_BACK,
    "managed_config_write_failed": Exit.PUT_BACK,
    "managed_secret_backup_failed": Exit.PUT_BACK,
    "managed_secret_write_failed": Exit.PUT_BACK,
    "managed_state_backup_failed": Exit.PUT_BACK,
    "managed_state_write_failed": Exit.PUT_BACK,
    # putting back incomplete
    "managed_rollback_failed": Exit.PUT_BACK_INCOMPLETE,
    # cancelled
    "cancelled": Exit.INTERRUPTED,
    "hung_up": Exit.HANGUP,
    "terminated": Exit.TERMINATED,
}


@dataclass(frozen=True)
class Where:
    """A place that a message points at: a file or an environment variable, 1-based line and column."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.name] + [str(part) for part in (self.line, self.column) if part is not None]
        return ":".join(parts)


class SetupError(Exception):
    """A refusal: `code` from CODES, one sentence, where it is, and the next step.

    `message`, `where` and `next_step` never hold a secret; whoever raises it sees to that, and the
    renderer scrubs once more.
    """

    def __init__(self, code: str, message: str, *, next_step: str, where: Where | None = None) -> None:
        super().__init__(message)
        if code not in CODES:
            raise ValueError(f"unknown error code {code!r}")
        self.code = code
        self.message = message
        self.next_step = next_step
        self.where = where

    @property
    def exit_status(self) -> Exit:
        """The status that the process ends with."""
        return CODES[self.code]


class Declined(SetupError):  # noqa: N818 - it says what happened
    """A person said no to what was shown: a plain answer, and nothing went wrong."""

    def __init__(self, message: str) -> None:
        super().__init__("cancelled", message, next_step="run the command again when you want to go on")
