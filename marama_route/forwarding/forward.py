"""One job: backends tried in order until one begins to answer, and the answer passed on to its end."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, Mapping

from foundation.errors import Refusal
from marama_route import wire
from marama_route.backends.client import Backends
from marama_route.backends.failures import BackendError, Failure, Word
from marama_route.backends.reply import Reply
from marama_route.core.decision import Outcome, State
from marama_route.core.errors import CODES, RequestRefusal, envelope, from_backend
from marama_route.core.registry import Model
from marama_route.core.tool_calls import ToolCallError
from marama_route.forwarding.answer_stream import AnswerStream
from marama_route.forwarding.chunks import DONE, Maker, event
from marama_route.forwarding.ends import Client, Job, Ledger, ToolGate
from marama_route.forwarding.payload import sent
from marama_route.forwarding.trial import (
    RETRY_AFTER,
    Trial,
    all_failed,
    check_head,
    longest_wait,
    refused_itself,
)
from marama_route.forwarding.waiting import (
    KEEP_ALIVE_SECONDS,
    Clock,
    Outlet,
    Patience,
    StoppedError,
    Waiting,
    finished,
)
from marama_route.forwarding.whole_answer import WholeAnswer

LARGEST_ANSWER: Final = 16 * 1024 * 1024
# After the last finish_reason only the usage and [DONE] can follow.
_LINGER_SECONDS: Final = 5.0
_STREAM: Final = "text/event-stream"
_WHOLE: Final = "application/json"


async def forward(
    job: Job,
    backends: Backends,
    gate: ToolGate,
    client: Client,
    ledger: Ledger,
    *,
    clock: Clock = time.monotonic,
    keep_alive: float = KEEP_ALIVE_SECONDS,
    stop: asyncio.Future[str] | None = None,
) -> None:
    """Forward a job, and report each attempt and the outcome, however it ends.

    Every error is answered here. `keep_alive` are the seconds of silence after which a comment is sent. When
    `stop` has a result the policy ends the answer, with this text. Raises CancelledError, and what is a fault
    of ours.
    """
    work = _Forwarding(job, backends, gate, client, ledger, clock, keep_alive, stop)
    outcome = Outcome(State.FAILED)
    try:
        outcome = await work.run()
    except (asyncio.CancelledError, ConnectionError) as gone:
        outcome = Outcome(State.CANCELLED, usage=work.usage)
        if isinstance(gone, asyncio.CancelledError):
            raise
    finally:
        await finished(ledger.ended(outcome))


class _PassedOnError(Exception):
    """The backend refused the request itself; its error goes to the client, and no other backend is asked."""

    def __init__(self, status: int, body: Any, retry_after: int | None) -> None:
        super().__init__("the backend refused the request")
        self.status = status
        self.body = body
        self.retry_after = retry_after


class _Forwarding:
    def __init__(
        self,
        job: Job,
        backends: Backends,
        gate: ToolGate,
        client: Client,
        ledger: Ledger,
        clock: Clock,
        keep_alive: float,
        stop: asyncio.Future[str] | None,
    ) -> None:
        self.usage: Mapping[str, Any] | None = None
        self._job = job
        self._backends = backends
        self._gate = gate
        self._client = client
        self._ledger = ledger
        self._clock = clock
        self._outlet = Outlet(client, keep_alive, clock)
        self._waiting = Waiting(clock, self._outlet if job.stream else None, stop)
        self._patience = Patience(clock)
        self._failures: list[tuple[Model, Failure]] = []
        self._trial: Trial | None = None

    async def run(self) -> Outcome:
        """The outcome, after the client has its answer or its error."""
        began = False
        try:
            for model in self._job.models:
                self._outlet.model = model.id
                self._trial = Trial(model, self._clock())
                try:
                    return await self._try(self._trial)
                except BackendError as error:
                    self._failures.append((model, error.failure))
                    began = not self._trial.gives_way(error.failure)
                    if began:
                        break
        except _PassedOnError as passed:
            await self._answer_error(passed.status, passed.body, passed.retry_after)
            return Outcome(State.FAILED)
        except StoppedError as stopped:
            return await self._stopped(stopped.text)
        except Refusal as refusal:
            await self._refuse(refusal)
            return Outcome(State.FAILED, usage=self.usage)
        except Exception:
            if self._outlet.began:
                await self._refuse(RequestRefusal("internal_error", "the gateway has a fault"))
            raise
        await self._refuse(all_failed(self._failures, began=began), longest_wait(self._failures))
        return Outcome(State.FAILED, usage=self.usage)

    async def _try(self, trial: Trial) -> Outcome:
        name = trial.model.backend
        try:
            work = self._stream(trial) if self._job.stream else self._whole(trial)
            outcome = await self._waiting.on(work, self._patience)
            self._backends.answered(name)
            return outcome
        except BackendError as error:
            trial.error = error.failure.word.value
            if error.failure.of_the_backend:
                self._backends.failed(name)
            raise
        except _PassedOnError:
            trial.error = Word.STATUS.value
            self._backends.answered(name)
            raise
        except StoppedError:
            trial.error = "stopped"
            raise
        except (asyncio.CancelledError, ConnectionError):
            trial.error = "cancelled"
            raise
        except Refusal as refusal:
            trial.error = refusal.kind
            raise
        except Exception:
            trial.error = "internal_error"
            raise
        finally:
            if trial.answer is not None:
                self.usage = trial.answer.usage
            await finished(self._ledger.tried(trial.attempt(self._clock())))

    async def _ask(self, trial: Trial, content_type: str) -> Reply:
        """An answer whose head is as it should be."""
        job, model = self._job, trial.model
        limits = self._backends.limits(model.backend).timeouts
        self._patience.listen(limits.first_byte, Word.FIRST_BYTE_TIMEOUT)
        body = sent(job.payload, model.upstream_model)
        reply = await self._backends.ask(model.backend, body, stream=job.stream, traceparent=job.traceparent)
        trial.status = reply.status
        try:
            await self._check(reply, content_type)
        except BaseException:
            reply.close()
            raise
        return reply

    async def _check(self, reply: Reply, content_type: str) -> None:
        if refused_itself(reply):
            body = from_backend(reply.status, await reply.error(), self._job.decision_id)
            raise _PassedOnError(reply.status, body, reply.retry_after)
        check_head(reply, content_type)

    async def _read(self, trial: Trial, reply: Reply) -> bytes:
        if trial.first_byte is not None:
            silence = self._backends.limits(trial.model.backend).timeouts.silence
            self._patience.listen(silence, Word.SILENCE_TIMEOUT)
        data = await reply.read()
        if trial.first_byte is None:
            trial.first_byte = self._clock()
        return data

    async def _stream(self, trial: Trial) -> Outcome:
        reply = await self._ask(trial, _STREAM)
        answer = AnswerStream(trial.model.id, self._job.decision_id, _number_of_choices(self._job.payload))
        trial.answer = answer
        try:
            await self._pass_on(trial, reply, answer)
        except BaseException:
            reply.close()
            raise
        self._backends.let_go(reply)
        self._patience.rest()
        if answer.holding:
            await self._judge(answer)
        return Outcome(State.COMPLETED, answer.finish_reason, answer.usage)

    async def _pass_on(self, trial: Trial, reply: Reply, answer: AnswerStream) -> None:
        """Everything up to the end, but what is held back."""
        while not answer.done:
            try:
                data = await self._read_on(trial, reply, answer)
            except BackendError:
                if not answer.complete:
                    raise
                data = b""
            out = answer.feed(data)
            if not data or answer.done:
                answer.end()
            ended = (not data or answer.done) and answer.problem is None
            if ended and not answer.holding:
                out += DONE
            if out:
                self._patience.rest()
                await self._outlet.write(out)
            if answer.problem is not None:
                raise BackendError(Failure(answer.problem, reply.status))
            if ended:
                return

    async def _read_on(self, trial: Trial, reply: Reply, answer: AnswerStream) -> bytes:
        if not answer.complete_in_full:
            return await self._read(trial, reply)
        try:
            return await asyncio.wait_for(self._read(trial, reply), _LINGER_SECONDS)
        except asyncio.TimeoutError:
            return b""

    async def _judge(self, answer: AnswerStream) -> None:
        try:
            calls = answer.calls()
        except ToolCallError:
            raise BackendError(Failure(Word.UNCLEAR_CALL)) from None
        verdict = await self._gate.judge(calls, whole=False)
        if verdict.passed:
            out = answer.passed()
        else:
            out = answer.replaced(verdict.text, include_usage=self._job.include_usage)
        await self._outlet.write(out + DONE)

    async def _whole(self, trial: Trial) -> Outcome:
        reply = await self._ask(trial, _WHOLE)
        try:
            data = bytearray()
            while part := await self._read(trial, reply):
                data += part
                if len(data) > LARGEST_ANSWER:
                    raise BackendError(Failure(Word.TOO_LARGE, reply.status))
        finally:
            reply.close()
        self._patience.rest()
        answer = WholeAnswer(bytes(data), trial.model.id)
        self.usage = answer.usage
        if answer.calls:
            verdict = await self._gate.judge(answer.calls, whole=True)
            if not verdict.passed:
                answer.replace(verdict.text)
        await self._client.whole(200, answer.passed(), trial.model.id)
        return Outcome(State.COMPLETED, answer.finish_reason, answer.usage)

    async def _stopped(self, text: str) -> Outcome:
        answer = self._trial.answer if self._trial is not None else None
        outcome = Outcome(State.DENIED, "content_filter", self.usage)
        if not self._outlet.began:
            await self._refuse(RequestRefusal("policy_denied", text))
            return Outcome(State.DENIED, usage=self.usage)
        model = self._outlet.model
        maker = Maker(model, {}, self._job.decision_id) if answer is None else answer.maker()
        open_choices = [0] if answer is None else answer.open_choices
        parts = [
            maker.text(number, f"\n\n{text}") + maker.finish(number, "content_filter")
            for number in open_choices
        ]
        await self._outlet.write(b"".join(parts) + DONE)
        return outcome

    async def _refuse(self, refusal: Refusal, retry_after: int | None = None) -> None:
        kind = CODES[refusal.kind]
        if kind.retry_after and retry_after is None:
            retry_after = RETRY_AFTER
        await self._answer_error(kind.status, envelope(refusal, self._job.decision_id), retry_after)

    async def _answer_error(self, status: int, body: Mapping[str, Any], retry_after: int | None) -> None:
        if self._outlet.began:
            await self._outlet.write(event(body))
            return
        await self._client.whole(status, wire.error(body), self._outlet.model, retry_after=retry_after)


def _number_of_choices(payload: Mapping[str, Any]) -> int:
    number = payload.get("n")
    return number if isinstance(number, int) and number > 0 else 1
