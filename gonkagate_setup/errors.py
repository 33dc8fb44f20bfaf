"""The table of errors: each kind of refusal, its code and its exit status.

`CODES` has every code with the exit status that `cli.main` returns for it. The codes that
`@gonkagate/opencode-setup` 0.2.5 (the npm tool, docs/npm-tool.md) prints keep their names, because scripts
read them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Mapping

from foundation.errors import Refusal


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
    # internal
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

# What foundation calls by a name of its own.
_NEUTRAL: Final[Mapping[str, str]] = {
    "unreadable": "managed_config_read_failed",
    "unsafe_link": "managed_config_unsafe_link",
    "own_files_unusable": "managed_state_unusable",
    "in_progress": "setup_in_progress",
    "config_backup_failed": "managed_config_backup_failed",
    "config_write_failed": "managed_config_write_failed",
    "secret_backup_failed": "managed_secret_backup_failed",
    "secret_write_failed": "managed_secret_write_failed",
    "state_backup_failed": "managed_state_backup_failed",
    "state_write_failed": "managed_state_write_failed",
    "rollback_incomplete": "managed_rollback_failed",
    "proxy_unusable": "live_proxy_unusable",
    "certificate_untrusted": "live_certificate_untrusted",
}
# Every kind of refusal: its code and the status that the process ends with.
KINDS: Final[Mapping[str, tuple[str, Exit]]] = {
    **{code: (code, status) for code, status in CODES.items()},
    **{kind: (code, CODES[code]) for kind, code in _NEUTRAL.items()},
}


# An error that begins with one of these keeps its small letter.
NAMES: Final = ("opencode", "model", "provider")


def code_of(refusal: Refusal) -> str:
    """The code in reports; scripts read it."""
    return KINDS[refusal.kind][0]


def status_of(refusal: Refusal) -> Exit:
    """The status that the process ends with."""
    return KINDS[refusal.kind][1]
