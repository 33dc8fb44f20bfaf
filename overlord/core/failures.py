"""Why a servant did not answer: the reason that is stored, and our own sentence about it.

What the provider said is never part of the sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Mapping, Union

from overlord.core.json_values import Json

REASONS: Final = (
    *("timeout", "unreachable", "connection_dropped", "redirected", "certificate_untrusted"),
    *("key_refused", "account_refused", "rate_limited", "provider_unavailable", "context_overflow"),
    *("request_refused", "unexpected_answer", "too_large", "no_text", "servant_busy", "conversation_full"),
    *("recovery_unproved", "interrupted", "stopped"),
)
# No request was made, so the servant is as it was.
HARMLESS: Final = frozenset({"servant_busy", "conversation_full", "stopped"})
NEEDS_REPLACEMENT: Final = frozenset({"conversation_full", "context_overflow"})

_BY_STATUS: Final = {401: "key_refused", 403: "account_refused", 429: "rate_limited"}
_SENTENCES: Final[Mapping[str, str]] = {
    "redirected": "the service redirected the request; the redirect was not followed",
    "key_refused": "the service does not accept the key (HTTP 401)",
    "account_refused": "the service knows the key but refuses its account (HTTP 403)",
    "rate_limited": "too many requests (HTTP 429)",
    "context_overflow": "the conversation is too long for the model",
    "too_large": "the answer is larger than 4 MiB",
    "no_text": "the answer has no text",
    "connection_dropped": "the connection ended before the answer did",
    "servant_busy": "another command was still waiting for this servant",
    "conversation_full": "the stored conversation is over 2 MiB",
    "interrupted": "the command that waited for the answer ended",
    "stopped": "the run was stopped",
}
_FIRST_SERVER_ERROR: Final = 500
_FIRST_CLIENT_ERROR: Final = 400


class Failure(Exception):  # noqa: N818 - it says what happened
    """A request that gave no useful text.

    `usage` is what the provider reported all the same; `body` is the beginning of what it said, for --debug
    only.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence
        self.attempts = 0
        self.request_id: str | None = None
        self.usage: Json | None = None
        self.body = b""


@dataclass(frozen=True)
class Answer:
    """A useful text."""

    text: str
    attempts: int
    request_id: str | None
    usage: Json


Outcome = Union[Answer, Failure]


def failure(reason: str) -> Failure:
    """A failure with the usual sentence for its reason."""
    return Failure(reason, _SENTENCES[reason])


def timed_out(seconds: float) -> Failure:
    """No complete answer within the time that one servant has."""
    return Failure("timeout", f"no answer within {seconds:g} s (MMI_OVERLORD_LLM_TIMEOUT_MS)")


def reason_of_status(status: int, error_code: str | None) -> str:
    """The reason for an HTTP status other than 200; `error_code` is the code of the error in the body."""
    if error_code == "context_length_exceeded":
        return "context_overflow"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= _FIRST_SERVER_ERROR:
        return "provider_unavailable"
    if status >= _FIRST_CLIENT_ERROR:
        return "request_refused"
    return "redirected" if status >= 300 else "unexpected_answer"  # noqa: PLR2004 - the class of redirects


def sentence_of_status(status: int, reason: str) -> str:
    """Our sentence about an HTTP status other than 200."""
    if reason == "provider_unavailable":
        return f"the service is not available at the moment (HTTP {status})"
    if reason == "request_refused":
        return f"the service refused the request (HTTP {status})"
    if reason == "unexpected_answer":
        return f"the service answered with HTTP {status}"
    return _SENTENCES[reason]
