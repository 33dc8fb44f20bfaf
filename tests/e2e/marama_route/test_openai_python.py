"""OpenAI's own client, plain and asynchronous, against the gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.e2e.marama_route.sites import CODER, DENIED, GENERAL, HEADER, SECOND, Site
from tests.stand_in.model_backend import (
    Hang,
    ModelBackend,
    Reset,
    call,
    chunk,
    completion,
    error,
    finish,
    stream,
    usage,
    whole,
)
from tests.support.clients.driven import Call, driven

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    },
}
PLACES = ['{"place": "Ōtautahi"}', '{"place": "Whāngārei"}', '{"place": "Te Whanganui-a-Tara"}']


@pytest.fixture(scope="module")
def _client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    home: Path = tmp_path_factory.mktemp("openai")
    with driven("with_openai.py", "chat.txt", home) as call_:
        yield call_


@pytest.fixture(params=[False, True], ids=["plain", "asynchronous"])
def client(request: pytest.FixtureRequest, site: Site, _client: Call) -> Call:
    """The client, with the gateway's address and key, about the workspace `shop`."""

    def asked(what: str, **given: Any) -> dict[str, Any]:
        options = {
            "base_url": site.gateway.base_url,
            "key": site.gateway.key,
            "headers": {HEADER: "shop"},
            **given.pop("options", {}),
        }
        more = {name: given.pop(name) for name in ("route", "x_own") if name in given}
        given |= {"extra_body": more} if more else {}
        return _client(what=what, asynchronous=request.param, **{"with": given}, **options)

    return asked


@pytest.fixture
def strict(_client: Call) -> Call:
    """What OpenAI's own types, read strictly, find wrong."""
    return lambda kind, value: _client(what="strict", kind=kind, value=value)


def test_models_are_listed_and_found(site: Site, client: Call) -> None:
    names = [model["id"] for model in client("models")["models"]]
    assert {"lumynax/auto", "lumynax/code", CODER, GENERAL, SECOND} <= set(names)
    found = client("model", model=CODER)["model"]
    assert (found["object"], found["context_length"], found["supports_tools"]) == ("model", 131072, True)
    missing = client("model", model="nonsense")
    assert (missing["error"], missing["code"]) == ("NotFoundError", "model_not_found")
    assert site.received == 0


def test_a_chat_is_answered_by_the_selected_model(site: Site, client: Call) -> None:
    site.first.answers = [whole(completion("Kia ora"))]
    found = client("chat", **site.chat(name="lumynax/code", temperature=0.25, seed=7, x_own={"a": None}))
    answer = found["answer"]
    assert answer["choices"][0]["message"]["content"] == "Kia ora"
    assert (answer["model"], answer["choices"][0]["finish_reason"]) == (CODER, "stop")
    assert answer["usage"]["total_tokens"] == 4
    assert found["request_id"]
    sent = site.first.requests[0].json()
    assert (sent["model"], sent["temperature"], sent["seed"], sent["x_own"]) == (
        *("upstream-model", 0.25, 7),
        {"a": None},
    )


def test_a_stream_comes_in_its_pieces(site: Site, client: Call) -> None:
    site.first.answers = [
        stream(chunk(role="assistant", content=""), chunk("Kia "), chunk("ora 👋"), finish(), usage(0, 2))
    ]
    chunks = client("stream", **site.chat(stream_options={"include_usage": True}))["chunks"]
    texts = [one["choices"][0]["delta"]["content"] for one in chunks if one["choices"]]
    assert texts == ["", "Kia ", "ora 👋", None]
    assert {one["model"] for one in chunks} == {GENERAL}
    assert [one["usage"] for one in chunks if one["usage"]] == [
        {
            "prompt_tokens": 0,
            "completion_tokens": 2,
            "total_tokens": 2,
            "completion_tokens_details": None,
            "prompt_tokens_details": None,
        }
    ]
    assert site.first.requests[0].json()["stream_options"] == {"include_usage": True}


def interleaved() -> list[Any]:
    """Three tool calls, their arguments in turns and in pieces of three characters."""
    pieces = [[text[at : at + 3] for at in range(0, len(text), 3)] for text in PLACES]
    events: list[Any] = [chunk(role="assistant", content=None)]
    events += [call(index, "", "weather", f"call_{index}") for index in range(3)]
    for turn in range(max(map(len, pieces))):
        events += [call(index, part[turn]) for index, part in enumerate(pieces) if turn < len(part)]
    return [*events, finish("tool_calls")]


def test_parallel_tool_calls_arrive_whole_and_in_order(site: Site, client: Call) -> None:
    site.first.answers = [stream(*interleaved())]
    given = site.chat("weather", tools=[WEATHER], parallel_tool_calls=True)
    answer = client("assembled", **given)["answer"]
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    calls = answer["choices"][0]["message"]["tool_calls"]
    assert [one["id"] for one in calls] == ["call_0", "call_1", "call_2"]
    assert [one["function"]["arguments"] for one in calls] == PLACES


def test_what_a_tool_said_goes_back(site: Site, client: Call) -> None:
    site.first.answers = [whole(completion("It rains."))]
    calls = [{"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": PLACES[0]}}]
    payload = site.chat(tools=[WEATHER])
    payload["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_0", "content": "rain"},
    ]
    assert client("chat", **payload)["answer"]["choices"][0]["message"]["content"] == "It rains."
    assert site.first.requests[0].json()["messages"] == payload["messages"]


def test_json_mode_chooses_a_model_that_can(site: Site, client: Call) -> None:
    site.first.answers = [whole(completion('{"a": 1}'))]
    schema = {"type": "json_schema", "json_schema": {"name": "one", "schema": {"type": "object"}}}
    answer = client("chat", **site.chat(name="lumynax/reasoning", response_format=schema))["answer"]
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"a": 1}
    assert site.second.requests == []
    assert site.first.requests[0].json()["response_format"] == schema
    pinned = client("chat", **site.chat(name=SECOND, response_format={"type": "json_object"}))
    assert (pinned["error"], pinned["code"]) == ("UnprocessableEntityError", "no_eligible_model")
    assert "json_required" in pinned["message"]


CARD = "4111 1111 1111 1111"
# What is wrong, what is sent, and what the library's user gets: its exception, the status and the code.
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, int, str]]] = {
    "no messages": ({"with": {"messages": []}}, ("BadRequestError", 400, "invalid_request")),
    "another's key": (
        {"options": {"key": "mr_" + "A" * 43}},
        ("AuthenticationError", 401, "invalid_api_key"),
    ),
    "a revoked capsule": (
        {"options": {"headers": {HEADER: "closed"}}},
        ("PermissionDeniedError", 403, "policy_denied"),
    ),
    "no capsule": (
        {"options": {"headers": {HEADER: "unknown"}}},
        ("PermissionDeniedError", 403, "policy_denied"),
    ),
    "a denied model": ({"with": {"model": DENIED}}, ("PermissionDeniedError", 403, "model_denied")),
    "another tenant": (
        {"options": {"headers": {HEADER: "shop", "X-AbteeX-Tenant": "quota"}}},
        ("PermissionDeniedError", 403, "tenant_mismatch"),
    ),
    "a payment card": (
        {"with": {"messages": [{"role": "user", "content": f"my card is {CARD}"}]}},
        ("PermissionDeniedError", 403, "personal_details_found"),
    ),
    "a token": (
        {
            "with": {
                "messages": [{"role": "user", "content": "use ghp_" + "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xYz0AbCdE"}]
            }
        },
        ("PermissionDeniedError", 403, "credentials_found"),
    ),
    "an unknown model": ({"with": {"model": "nonsense"}}, ("NotFoundError", 404, "model_not_found")),
    "too much": (
        {"with": {"messages": [{"role": "user", "content": "a" * (17 * 1024 * 1024)}]}},
        ("APIStatusError", 413, "request_too_large"),
    ),
    "no eligible model": (
        {"with": {"max_tokens": 100_000_000}},
        ("UnprocessableEntityError", 422, "no_eligible_model"),
    ),
    "no record": (
        {"options": {"headers": {HEADER: "broken"}}},
        ("InternalServerError", 503, "not_ready"),
    ),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("what", REFUSED)
def test_each_refusal_is_the_exception_of_its_status(
    site: Site, client: Call, what: str, streamed: bool
) -> None:
    changed, expected = REFUSED[what]
    given = {**site.chat(), **changed.get("with", {}), "options": changed.get("options", {})}
    found = client("stream" if streamed else "chat", **given)
    assert (found["error"], found["status_code"], found["code"]) == expected
    assert list(found["body"]) == ["message", "type", "param", "code", "decision_id"]
    assert found["request_id"]
    assert site.received == 0
    assert CARD not in json.dumps(found)
    assert site.gateway.word not in json.dumps(found)


def test_more_requests_than_a_tenant_has(site: Site, client: Call) -> None:
    options = {"options": {"key": site.quota, "headers": {}}}
    found = [client("chat", **site.chat(), **options) for _ in range(3)][-1]
    assert (found["error"], found["status_code"], found["code"]) == ("RateLimitError", 429, "rate_limited")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_backends_own_refusal_is_passed_on_after_one_request(site: Site, client: Call, status: int) -> None:
    site.first.answers = [error(status, "not like this", type="their_type", code="their_code", param="p")]
    found = client("chat", **site.chat())
    assert found["status_code"] == status
    assert found["body"] | {"decision_id": None} == {
        "message": "not like this",
        "type": "their_type",
        "param": "p",
        "code": "their_code",
        "decision_id": None,
    }
    assert site.received == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_failing_backends_are_all_tried_once_each(site: Site, client: Call, status: int) -> None:
    for backend in site.backends:
        backend.answers = [error(status, headers=[("retry-after", "7")])]
    hints, _ = site.trial()
    found = client("chat", **site.chat(route=hints))
    assert (found["error"], found["status_code"], found["code"]) == (
        "InternalServerError",
        502,
        "backend_failed",
    )
    assert [len(backend.requests) for backend in site.backends] == [1, 1, 1]


def test_a_backend_that_stays_silent_is_a_timeout(site: Site, client: Call) -> None:
    site.first.answers = [[Hang()]]
    found = client("chat", **site.chat(name=site.trial()[1]))
    assert (found["error"], found["status_code"], found["code"]) == (
        "InternalServerError",
        504,
        "backend_timeout",
    )
    assert len(site.first.requests) == 1


def test_the_client_tries_again_when_it_is_told_to(site: Site, client: Call) -> None:
    site.first.answers = [error(503, headers=[("retry-after", "1")]), whole(completion("At last"))]
    found = client("chat", **site.chat(name=site.trial()[1]), options={"retries": 1})
    assert found["answer"]["choices"][0]["message"]["content"] == "At last"
    assert len(site.first.requests) == 2


@pytest.mark.parametrize("cut", ["reset", "end"])
def test_a_stream_that_is_cut_is_an_error_after_its_text(site: Site, client: Call, cut: str) -> None:
    parts = [chunk("Half an ans"), Reset()] if cut == "reset" else [chunk("Half an ans")]
    site.first.answers = [stream(*parts, done=False)]
    found = client("stream", **site.chat(name=site.trial()[1]))
    assert found["error"] == "APIError"
    assert found["body"]["code"] == "backend_failed"
    assert [one["choices"][0]["delta"]["content"] for one in found["chunks"]] == ["Half an ans"]
    assert all(one["choices"][0]["finish_reason"] is None for one in found["chunks"])
    assert len(site.first.requests) == 1


def test_recorded_answers_are_what_openais_types_say(site: Site, strict: Call) -> None:
    def recorded(backend: ModelBackend, answer: Any, **fields: Any) -> Any:
        backend.answers = [answer]
        return site.ask(site.chat(**fields))

    site.gateway.chat()
    whole_ones = [
        recorded(site.first, whole(completion("Hi"))).json,
        recorded(site.first, whole(completion("Hi", usage=None))).json,
        recorded(
            site.first,
            whole(completion(None, "tool_calls", tool_calls=[_call("weather", PLACES[0])])),
            tools=[WEATHER],
        ).json,
        recorded(
            site.first,
            whole(completion("So", "tool_calls", tool_calls=[_call("bash", '{"command": "git push"}')])),
        ).json,
    ]
    for one in whole_ones:
        assert strict("answer", one)["problems"] == []
    for answer in (
        recorded(site.first, stream(chunk("Hi"), finish(), usage(1, 1)), stream=True),
        recorded(site.first, stream(*interleaved()), stream=True, tools=[WEATHER]),
        recorded(
            site.first,
            stream(chunk("So"), call(0, '{"command": "git push"}', "bash", "c"), finish("tool_calls")),
            stream=True,
        ),
    ):
        assert answer.events[-1] == "[DONE]"
        for event in answer.events[:-1]:
            assert strict("chunk", event)["problems"] == [], event
    for entry in site.gateway.ask("GET", "/v1/models").json["data"]:
        assert strict("model", entry)["problems"] == []


def _call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "call_0", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_the_validator_finds_what_is_wrong(strict: Call) -> None:
    good = completion("Hi")
    assert strict("answer", good)["problems"] == []
    good["choices"][0]["finish_reason"] = "route_only"
    assert strict("answer", good)["problems"] != []
    assert strict("answer", {**completion("Hi"), "created": "1"})["problems"] != []
