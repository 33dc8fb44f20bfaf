"""One attempt at one model, and what the failures of all attempts come to."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Sequence

from marama_route.backends.failures import GIVES_WAY, BackendError, Failure, Word
from marama_route.backends.reply import Reply
from marama_route.core.decision import Attempt
from marama_route.core.errors import RequestRefusal
from marama_route.core.registry import Model
from marama_route.forwarding.answer_stream import AnswerStream

RETRY_AFTER: Final = 5
_OWN_ERRORS: Final = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)


@dataclass
class Trial:
    """One attempt while it lasts; times are seconds of one clock."""

    model: Model
    began: float
    status: int | None = None
    first_byte: float | None = None
    error: str | None = None
    answer: AnswerStream | None = None

    def gives_way(self, failure: Failure) -> bool:
        """Whether another model may be asked: nothing of an answer is there."""
        if self.answer is not None:
            return not self.answer.began
        return self.first_byte is None or failure.word in (Word.STATUS, Word.WRONG_CONTENT)

    def attempt(self, now: float) -> Attempt:
        """As it is reported."""
        first = None if self.first_byte is None else round((self.first_byte - self.began) * 1000)
        whole = round((now - self.began) * 1000)
        return Attempt(
            self.model.id,
            self.model.backend,
            self.status,
            self.error,
            first_byte_ms=first,
            duration_ms=whole,
        )


def refused_itself(reply: Reply) -> bool:
    """Whether the backend says that the request is wrong; then no other backend is asked."""
    return reply.status in _OWN_ERRORS and reply.status not in GIVES_WAY


def check_head(reply: Reply, content_type: str) -> None:
    """Raises BackendError for a status or a type that no answer has."""
    if reply.status != HTTPStatus.OK:
        raise BackendError(Failure(Word.STATUS, reply.status, reply.retry_after))
    if reply.content_type != content_type:
        raise BackendError(Failure(Word.WRONG_CONTENT, reply.status))


def all_failed(failures: Sequence[tuple[Model, Failure]], *, began: bool) -> RequestRefusal:
    """The error after the last attempt; `began`: its answer had begun, so that nobody else was asked."""
    model, last = failures[-1]
    what = "; ".join(f"{one.id} (backend {one.backend}): {failure.sentence}" for one, failure in failures)
    if began:
        message, timed_out = f"the answer of {model.id} did not come to its end: {what}", last.timed_out
    else:
        message = f"every eligible model was tried: {what}"
        timed_out = all(failure.timed_out for _, failure in failures)
    code = "backend_timeout" if timed_out else "backend_failed"
    return RequestRefusal(code, message, next_step="send the request again later")


def longest_wait(failures: Sequence[tuple[Model, Failure]]) -> int:
    """The largest Retry-After that a backend gave, in seconds."""
    given = [failure.retry_after for _, failure in failures if failure.retry_after is not None]
    return max(given, default=RETRY_AFTER)
