"""The table of errors: each kind of refusal, its code and its exit status."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Mapping

from foundation.errors import Refusal


class Exit(IntEnum):
    """Exit statuses of the program; documented in docs/sovereigncode.md."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    FILE = 5
    DENIED = 6
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


CODES: Final[Mapping[str, Exit]] = {
    # internal
    "unexpected_error": Exit.FAULT,
    "result_not_written": Exit.FAULT,
    # usage
    "usage_error": Exit.USAGE,
    "consent_required": Exit.USAGE,
    "answer_required": Exit.USAGE,
    "working_directory_unusable": Exit.USAGE,
    # a file is invalid or cannot be written; nothing was changed
    "capsule_missing": Exit.FILE,
    "capsule_invalid": Exit.FILE,
    "policy_invalid": Exit.FILE,
    "request_invalid": Exit.FILE,
    "config_invalid": Exit.FILE,
    "unreadable": Exit.FILE,
    "unsafe_link": Exit.FILE,
    "workspace_unusable": Exit.FILE,
    "home_unusable": Exit.FILE,
    "in_progress": Exit.FILE,
    "targets_keep_changing": Exit.FILE,
    "write_failed": Exit.FILE,
    "rollback_incomplete": Exit.FILE,
    "approval_not_found": Exit.FILE,
    "approval_invalid": Exit.FILE,
    "audit_unusable": Exit.FILE,
    # denied, not approved, or the chain does not hold
    "denied": Exit.DENIED,
    "declined": Exit.DENIED,
    "approval_decided": Exit.DENIED,
    "terminal_required": Exit.DENIED,
    "chain_broken": Exit.DENIED,
    "opencode_not_proved": Exit.DENIED,
    # cancelled
    "cancelled": Exit.INTERRUPTED,
    "hung_up": Exit.HANGUP,
    "terminated": Exit.TERMINATED,
}

# What the packages below call by names of their own.
_NEUTRAL: Final[Mapping[str, str]] = {
    "own_files_unusable": "home_unusable",
    "config_backup_failed": "write_failed",
    "config_write_failed": "write_failed",
    "secret_backup_failed": "write_failed",
    "secret_write_failed": "write_failed",
    "state_backup_failed": "write_failed",
    "state_write_failed": "write_failed",
    "opencode_not_found": "opencode_not_proved",
    "opencode_unresponsive": "opencode_not_proved",
    "opencode_proof_unavailable": "opencode_not_proved",
    "opencode_version_unparseable": "opencode_not_proved",
    "opencode_version_unsupported": "opencode_not_proved",
    "effective_config_command_failed": "config_invalid",
    "effective_config_parse_failed": "opencode_not_proved",
}
# Every kind of refusal: its code and the status that the process ends with.
KINDS: Final[Mapping[str, tuple[str, Exit]]] = {
    **{code: (code, status) for code, status in CODES.items()},
    **{kind: (code, CODES[code]) for kind, code in _NEUTRAL.items()},
}


# An error that begins with one of these keeps its small letter.
NAMES: Final = ("opencode", "sovereigncode", "capsule.json", "tenant-policy.yaml")


def code_of(refusal: Refusal) -> str:
    """The code in reports; scripts read it."""
    return KINDS[refusal.kind][0]
