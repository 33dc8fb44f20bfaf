"""What goes wrong with a backend: a word for the decision, a sentence for people, and how long to wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

LONGEST_WAIT: Final = 24 * 60 * 60
GIVES_WAY: Final = frozenset({408, 429})


class Word(str, Enum):
    """What a decision says of a failed attempt."""

    NO_KEY = "no_key"
    CONNECTION_FAILED = "connection_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_FAILED = "tls_failed"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    SILENCE_TIMEOUT = "silence_timeout"
    STATUS = "status"
    WRONG_CONTENT = "wrong_content"
    CUT_OFF = "cut_off"
    ERROR_EVENT = "error_event"
    UNKNOWN_FINISH = "unknown_finish_reason"
    NO_FINISH = "no_finish_reason"
    TOO_LARGE = "too_large"
    UNCLEAR_CALL = "unclear_tool_call"


_SENTENCES: Final = {
    Word.NO_KEY: "its key cannot be read",
    Word.CONNECTION_FAILED: "the connection failed",
    Word.CONNECT_TIMEOUT: "the connection took too long",
    Word.TLS_FAILED: "the TLS connection failed",
    Word.FIRST_BYTE_TIMEOUT: "no answer came in time",
    Word.SILENCE_TIMEOUT: "the answer stopped and nothing more came in time",
    Word.WRONG_CONTENT: "what it sent is not an answer",
    Word.CUT_OFF: "the answer was cut off",
    Word.ERROR_EVENT: "it ended the answer with an error",
    Word.UNKNOWN_FINISH: "it ended the answer for a reason that is not known",
    Word.NO_FINISH: "the answer ended without a finish_reason",
    Word.TOO_LARGE: "the answer is too large",
    Word.UNCLEAR_CALL: "it sent a tool call that cannot be judged",
}
_TIMEOUTS: Final = {Word.CONNECT_TIMEOUT, Word.FIRST_BYTE_TIMEOUT, Word.SILENCE_TIMEOUT}


@dataclass(frozen=True)
class Failure:
    """One failed attempt. `status` is the backend's; `retry_after` the seconds that it asked to wait."""

    word: Word
    status: int | None = None
    retry_after: int | None = None

    @property
    def sentence(self) -> str:
        """What happened, without anything that the backend said."""
        return f"it answered with status {self.status}" if self.word is Word.STATUS else _SENTENCES[self.word]

    @property
    def timed_out(self) -> bool:
        """Whether a limit of time ended it."""
        return self.word in _TIMEOUTS

    @property
    def of_the_backend(self) -> bool:
        """Whether it counts against the backend; a key that is missing here does not."""
        return self.word is not Word.NO_KEY


class BackendError(Exception):
    """A backend failed. The message is a word, never what the backend said or was sent."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.word.value)
        self.failure = failure


def failed(word: Word, status: int | None = None) -> BackendError:
    """The exception for a failure of this kind."""
    return BackendError(Failure(word, status))


def retry_after(text: str | None, now: datetime) -> int | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3), a number or a date; None if it is neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:9])
    else:
        try:
            seconds = round((parsedate_to_datetime(text) - now).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0), LONGEST_WAIT)
