"""The table of errors: each kind of refusal, its code and its exit status."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Mapping

from foundation.errors import Refusal


class Exit(IntEnum):
    """Exit statuses of the program; documented in docs/overlord.md."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    SHELL = 3
    KEY = 4
    UNUSABLE = 5
    BLOCKED = 6
    PARTIAL = 7
    NOT_WRITTEN = 8
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


CODES: Final[Mapping[str, Exit]] = {
    "unexpected_error": Exit.FAULT,
    "result_not_written": Exit.FAULT,
    # usage
    "usage_error": Exit.USAGE,
    "api_key_flag_refused": Exit.USAGE,
    "unknown_target": Exit.USAGE,
    "message_empty": Exit.USAGE,
    "message_too_large": Exit.USAGE,
    "message_holds_key": Exit.USAGE,
    "no_run": Exit.USAGE,
    "run_ambiguous": Exit.USAGE,
    "working_directory_unusable": Exit.USAGE,
    # the host shell
    "shell_unsupported": Exit.SHELL,
    # key
    "key_missing": Exit.KEY,
    "key_invalid": Exit.KEY,
    "key_refused": Exit.KEY,
    "account_refused": Exit.KEY,
    # settings or state cannot be used
    "base_url_invalid": Exit.UNUSABLE,
    "proxy_unusable": Exit.UNUSABLE,
    "provider_changed": Exit.UNUSABLE,
    "run_exists": Exit.UNUSABLE,
    "state_unusable": Exit.UNUSABLE,
    "registry_unreadable": Exit.UNUSABLE,
    "registry_newer": Exit.UNUSABLE,
    "run_token_mismatch": Exit.UNUSABLE,
    # blocked
    "model_missing": Exit.BLOCKED,
    "rate_limited": Exit.BLOCKED,
    "provider_unavailable": Exit.BLOCKED,
    "timeout": Exit.BLOCKED,
    "unreachable": Exit.BLOCKED,
    "connection_dropped": Exit.BLOCKED,
    "redirected": Exit.BLOCKED,
    "certificate_untrusted": Exit.BLOCKED,
    "request_refused": Exit.BLOCKED,
    "unexpected_answer": Exit.BLOCKED,
    "startup_failed": Exit.BLOCKED,
    "send_failed": Exit.BLOCKED,
    "not_ready": Exit.BLOCKED,
    "recovery_unproved": Exit.BLOCKED,
    "run_stopped": Exit.BLOCKED,
    "stop_refused": Exit.BLOCKED,
    # some targets answered, some did not
    "partial": Exit.PARTIAL,
    # state could not be written
    "write_failed": Exit.NOT_WRITTEN,
    # cancelled
    "cancelled": Exit.INTERRUPTED,
    "hung_up": Exit.HANGUP,
    "terminated": Exit.TERMINATED,
}

# What foundation and the chat service call by a name of their own.
_OTHERS: Final[Mapping[str, str]] = {
    "own_files_unusable": "state_unusable",
    "unreadable": "registry_unreadable",
    "unsafe_link": "registry_unreadable",
    # GET /models answered with more than 4 MiB.
    "too_large": "unexpected_answer",
    "context_overflow": "request_refused",
}


def code_of(refusal: Refusal) -> str:
    """The code in reports; scripts read it."""
    return _OTHERS.get(refusal.kind, refusal.kind)


def status_of(refusal: Refusal) -> Exit:
    """The status that the process ends with."""
    return CODES[code_of(refusal)]
