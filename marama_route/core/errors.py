"""The table of errors: code, HTTP status, OpenAI's type, exit status; and the envelope that clients read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Mapping

from foundation.errors import Refusal

# LiteLLM makes a BadRequestError of a 403 only if it has this type, and Aider 0.86.2 stops at that; with any
# other type it sends the request nine times in a minute.
NOT_AGAIN: Final = "invalid_request_error"
# opencode 1.18.33 asks five times more, in about 40 s, after an error of any status if one of these numbers
# is anywhere in its message or body (SessionRetry, read from the program): in an id, in a count of tokens.
_TAKEN_FOR_A_STATUS: Final = "429|500|502|503|504|524"
_FIRST_DIGIT: Final = re.compile(rf"(?=(?:{_TAKEN_FOR_A_STATUS}))([45])")
_LAST_DIGIT: Final = re.compile(rb"(?<=42)9|(?<=50)[0234]|(?<=52)4")
_WORD_JOINER: Final = "\u2060"
SENT_AGAIN: Final = "correct it and send the request again"
_BACKEND_ERRORS: Final = range(400, 500)
_LONGEST_MESSAGE: Final = 4096


class Exit(IntEnum):
    """Exit statuses of the program."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    FILE = 5
    DENIED = 6
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Kind:
    """What one code means over HTTP and on the command line.

    `type` is OpenAI's word for the family. `retry_after`: the answer must carry Retry-After. opencode stops
    at once at 401, 403 and 422, and tries 429 and 503 again.
    """

    status: int
    type: str
    exit: Exit
    retry_after: bool = False


CODES: Final[Mapping[str, Kind]] = {
    "invalid_request": Kind(400, NOT_AGAIN, Exit.USAGE),
    "invalid_api_key": Kind(401, "authentication_error", Exit.DENIED),
    "policy_denied": Kind(403, NOT_AGAIN, Exit.DENIED),
    "model_denied": Kind(403, NOT_AGAIN, Exit.DENIED),
    "tenant_mismatch": Kind(403, NOT_AGAIN, Exit.DENIED),
    "personal_details_found": Kind(403, NOT_AGAIN, Exit.DENIED),
    "credentials_found": Kind(403, NOT_AGAIN, Exit.DENIED),
    "approver_key_required": Kind(403, NOT_AGAIN, Exit.DENIED),
    "model_not_found": Kind(404, "not_found_error", Exit.USAGE),
    "decision_not_found": Kind(404, "not_found_error", Exit.FILE),
    "approval_not_found": Kind(404, "not_found_error", Exit.FILE),
    "approval_decided": Kind(409, "conflict_error", Exit.DENIED),
    "request_too_large": Kind(413, NOT_AGAIN, Exit.USAGE),
    "no_eligible_model": Kind(422, NOT_AGAIN, Exit.DENIED),
    "rate_limited": Kind(429, "rate_limit_error", Exit.DENIED, retry_after=True),
    "internal_error": Kind(500, "server_error", Exit.FAULT),
    "backend_failed": Kind(502, "server_error", Exit.FAULT, retry_after=True),
    "not_ready": Kind(503, "server_error", Exit.FAULT, retry_after=True),
    "backend_timeout": Kind(504, "server_error", Exit.FAULT, retry_after=True),
}


class RequestRefusal(Refusal):
    """A request is not answered: `kind` is a code of the table, `param` the field that is wrong.

    `retry_after`: in so many seconds it may be tried again; None leaves it to whoever answers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        next_step: str = "",
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code, message, next_step=next_step)
        self.param = param
        self.retry_after = retry_after


def invalid(param: str | None, message: str) -> RequestRefusal:
    """A request that cannot be understood. `param` and the message never contain a value of it."""
    return RequestRefusal("invalid_request", message, next_step=SENT_AGAIN, param=param)


def envelope(refusal: Refusal, decision_id: str | None = None) -> dict[str, Any]:
    """The body of the answer. KeyError for a kind that is not in the table."""
    text = "; ".join(part for part in (refusal.message, refusal.next_step) if part)
    param = refusal.param if isinstance(refusal, RequestRefusal) else None
    kind = CODES[refusal.kind]
    return _error(_said(text, kind), kind.type, param, refusal.kind, decision_id)


def from_backend(status: int, body: Any, decision_id: str | None = None) -> dict[str, Any]:
    """A backend's own 4xx in this envelope: its message, type, param and code if they are texts.

    `body` is the JSON value of its answer, or None. The caller masks the backend's key in what it sends on.
    ValueError for a status that is not passed on.
    """
    if status not in _BACKEND_ERRORS or status in (408, 429):
        raise ValueError("this status is not passed on")
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, str):
        error = {"message": error}
    given = error if isinstance(error, dict) else {}

    def text(name: str) -> str | None:
        value = given.get(name)
        return value[:_LONGEST_MESSAGE] if isinstance(value, str) and value else None

    message = text("message") or f"the backend refused the request with status {status}"
    return _error(message, text("type") or NOT_AGAIN, text("param"), text("code"), decision_id)


def unmistakable(body: bytes) -> bytes:
    """The JSON of an error, with the same meaning, and without digits that opencode takes for a status.

    The last digit of each such number in a text is written as an escape.
    """
    return _LAST_DIGIT.sub(lambda match: b"\\u003" + match[0], body)


def _said(text: str, kind: Kind) -> str:
    """The message; one that is final has an invisible word joiner in what opencode takes for a status."""
    return text if kind.retry_after else _FIRST_DIGIT.sub(rf"\1{_WORD_JOINER}", text)


def _error(
    message: str, family: str, param: str | None, code: str | None, decision_id: str | None
) -> dict[str, Any]:
    return {
        "error": {
            "message": message,
            "type": family,
            "param": param,
            "code": code,
            "decision_id": decision_id,
        }
    }
