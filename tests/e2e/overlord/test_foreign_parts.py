"""What others made agrees with our stand-in for a chat service: OpenAI's own client, and llmock.

So a client that works with the stand-in does not work with our idea of the protocol alone.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

from tests.stand_in.chat import ABSENT, ChatStandIn, chat_stand_in, faults
from tests.support.second_service import CONTEXT_WINDOW, Call, SecondService, openai_client

MESSAGES = [
    {"role": "system", "content": "You are Fugu 1, in slot normal-1."},
    {"role": "user", "content": "Where is the lock?"},
]


Ask = Callable[..., "dict[str, Any]"]
Listed = Callable[..., "list[str]"]


@pytest.fixture(scope="module")
def client() -> Iterator[Call]:
    """OpenAI's own client in its own process."""
    with openai_client() as call:
        yield call


@pytest.fixture
def called(client: Call) -> Ask:
    """Asks a service with OpenAI's client, without retries."""

    def ask(service: ChatStandIn | SecondService, *, retries: int = 0, **more: Any) -> dict[str, Any]:
        call = {"base_url": service.base_url, "key": service.key, "timeout": 5, "retries": retries}
        return client({**call, "model": "fugu", "messages": MESSAGES, **more})

    return ask


@pytest.fixture
def models(client: Call) -> Listed:
    """Lists a service's models with OpenAI's client."""

    def ask(service: ChatStandIn | SecondService) -> list[str]:
        call = {"base_url": service.base_url, "key": service.key, "timeout": 5, "retries": 0}
        return list(client(call)["models"])

    return ask


def test_openais_client_takes_our_answer_and_sends_what_the_contract_says(
    called: Ask, chat_service: ChatStandIn
) -> None:
    answer = called(chat_service)
    assert answer["text"] == "normal-1, turn 1: you asked 'Where is the lock?'"
    assert (answer["id"], answer["request_id"]) == ("chatcmpl-000001", "req-000001")
    assert set(answer["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    request = chat_service.requests[0]
    assert (request.key, request.slot, request.prompt) == (chat_service.key, "normal-1", "Where is the lock?")
    assert chat_service.violations == []


def test_openais_client_lists_our_models(models: Listed, chat_service: ChatStandIn) -> None:
    assert models(chat_service) == ["fugu", "fugu-ultra"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "context_length_exceeded", "BadRequestError"),
        (401, "invalid_api_key", "AuthenticationError"),
        (403, "account_deactivated", "PermissionDeniedError"),
        (404, "model_not_found", "NotFoundError"),
        (429, "rate_limit_exceeded", "RateLimitError"),
        (503, None, "InternalServerError"),
    ],
)
def test_openais_client_reads_our_errors(
    called: Ask, chat_service: ChatStandIn, status: int, code: str | None, error: str
) -> None:
    chat_service.fail(status, code=code)
    answer = called(chat_service)
    assert answer == {"error": error, "code": code, "request_id": "req-000001", "status": status}


def test_openais_client_finds_the_same_faults(called: Ask) -> None:
    with chat_stand_in() as service:
        for reply, error in (
            (faults.DROPPED, "APIConnectionError"),
            (faults.CUT_BODY, "APIConnectionError"),
            (faults.CUT_CHUNKS, "APIConnectionError"),
            (faults.NOT_HTTP, "APIConnectionError"),
        ):
            service.reply(reply, times=1)
            assert called(service)["error"] == error
        service.hold(times=1)
        assert called(service, timeout=0.2)["error"] == "APITimeoutError"
        service.answer(content=None, usage=ABSENT, request_id=ABSENT, times=1)
        silent = called(service)
        assert (silent["text"], silent["usage"], silent["request_id"]) == (None, None, None)


@pytest.mark.parametrize("header", ["retry_after", "retry_after_ms"])
def test_openais_client_waits_as_long_as_our_header_says(
    called: Ask, chat_service: ChatStandIn, header: str
) -> None:
    waits: dict[str, Any] = {"retry_after": {"retry_after": "1"}, "retry_after_ms": {"retry_after_ms": "900"}}
    chat_service.fail(429, times=1, **waits[header])
    assert called(chat_service, retries=2)["text"]
    first, second = chat_service.requests
    assert first.ended is not None
    assert second.arrived - first.ended >= 0.9


def test_llmock_is_what_its_fixture_says(called: Ask, models: Listed, second_service: SecondService) -> None:
    assert {second_service.model, second_service.ultra_model} <= set(models(second_service))
    model = second_service.model
    answer = called(second_service, model=model)
    assert "Where is the lock?" in answer["text"]
    assert answer["usage"]["total_tokens"] > 0
    second_service.fail(429, retry_after=1)
    assert called(second_service, model=model)["error"] == "RateLimitError"
    second_service.fail(401)
    assert called(second_service, model=model)["code"] == "invalid_api_key"
    second_service.reply("As it was told.")
    assert called(second_service, model=model)["text"] == "As it was told."
    second_service.delay(5)
    assert called(second_service, model=model, timeout=0.2)["error"] == "APITimeoutError"
    long = [{"role": "user", "content": "word " * CONTEXT_WINDOW}]
    assert called(second_service, model=model, messages=long)["code"] == "context_length_exceeded"


def test_llmock_judges_its_client(called: Ask, second_service: SecondService) -> None:
    model = second_service.model
    second_service.fail(429, retry_after=1, times=1)
    called(second_service, model=model, retries=1)
    assert second_service.findings() == []
    second_service.fail(429, retry_after=1, times=1)
    for _ in range(2):
        called(second_service, model=model, messages=[*MESSAGES, *MESSAGES])
    assert "retry_after_ignored" in second_service.findings()
    assert second_service.chats()[0]["messages"] == MESSAGES
