"""LiteLLM as a client of the gateway: what its user gets, and how often the backend is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.e2e.marama_route.sites import CODER, HEADER, Site
from tests.stand_in.model_backend import Reset, call, chunk, completion, error, finish, stream, usage, whole
from tests.support.clients.driven import Call, driven

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
PLACE = '{"place": "Ōtautahi"}'


@pytest.fixture(scope="module")
def _client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    home: Path = tmp_path_factory.mktemp("litellm")
    with driven("with_litellm.py", "clients.txt", home) as asked:
        yield asked


@pytest.fixture
def client(site: Site, _client: Call) -> Call:
    """LiteLLM with the gateway's address and key, about the workspace `shop`."""

    def asked(given: dict[str, Any], **more: Any) -> dict[str, Any]:
        options = {"base_url": site.gateway.base_url, "key": site.gateway.key, "headers": {HEADER: "shop"}}
        return _client(**{"with": given}, **{**options, **more})

    return asked


@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "asynchronous"])
def test_a_chat_and_a_stream(site: Site, client: Call, asynchronous: bool) -> None:
    site.first.answers = [whole(completion("Kia ora"))]
    answer = client(site.chat(name="lumynax/code"), asynchronous=asynchronous)["answer"]
    assert answer["choices"][0]["message"]["content"] == "Kia ora"
    assert answer["model"] == CODER
    assert answer["usage"]["total_tokens"] == 4
    site.first.answers = [stream(chunk("Kia "), chunk("ora"), finish(), usage(5, 2))]
    given = site.chat(stream=True, stream_options={"include_usage": True})
    chunks = client(given, asynchronous=asynchronous)["chunks"]
    texts = [one["choices"][0]["delta"].get("content") for one in chunks if one["choices"]]
    assert "".join(filter(None, texts)) == "Kia ora"
    # LiteLLM puts the name that was asked for into its chunks.
    assert {one["model"] for one in chunks} == {"lumynax/auto"}
    assert [one["choices"][0]["finish_reason"] for one in chunks if one["choices"]].count("stop") == 1


def test_a_tool_call_arrives_whole(site: Site, client: Call) -> None:
    site.first.answers = [
        stream(
            chunk(role="assistant", content=None),
            *[call(0, "", "weather", "call_0"), call(0, PLACE[:7]), call(0, PLACE[7:])],
            finish("tool_calls"),
        )
    ]
    chunks = client(site.chat(stream=True, tools=[WEATHER]))["chunks"]
    deltas = [one["choices"][0]["delta"] for one in chunks if one["choices"]]
    calls = [one for delta in deltas for one in delta.get("tool_calls") or []]
    assert "".join(one["function"]["arguments"] or "" for one in calls) == PLACE
    assert [one["function"]["name"] for one in calls if one["function"]["name"]] == ["weather"]


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, int, str]]] = {
    "no messages": ({"messages": []}, {}, ("BadRequestError", 400, "at least one message")),
    "no key": ({}, {"key": "mr_" + "A" * 43}, ("AuthenticationError", 401, "key")),
    "a revoked capsule": (
        {},
        {"headers": {HEADER: "closed"}},
        ("APIError", 403, "capsule_revoked"),
    ),
    "an unknown model": ({"model": "nonsense"}, {}, ("NotFoundError", 404, "no model and no alias")),
    "no eligible model": (
        {"max_tokens": 100_000_000},
        {},
        ("BadRequestError", 422, "context_too_small"),
    ),
    "no record": ({}, {"headers": {HEADER: "broken"}}, ("ServiceUnavailableError", 503, "record")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_is_its_exception_with_our_words(site: Site, client: Call, what: str) -> None:
    changed, options, expected = REFUSED[what]
    found = client({**site.chat(), **changed}, **options)
    kind, status, words = expected
    assert (found["error"], found["status_code"]) == (kind, status), found
    assert words in found["message"]
    assert site.gateway.word not in found["message"]
    assert site.received == 0


def test_a_backends_own_refusal_is_not_an_answer(site: Site, client: Call) -> None:
    # LiteLLM's own proxy made an answer 200 of this one, after two requests.
    site.first.answers = [error(422, "not like this")]
    found = client(site.chat(), retries=2)
    assert found["status_code"] == 422
    assert "not like this" in found["message"]
    assert site.received == 1


def test_failing_backends_are_asked_once_each(site: Site, client: Call) -> None:
    for backend in site.backends:
        backend.answers = [error(500)]
    hints, _ = site.trial()
    found = client(site.chat(extra_body={"route": hints}))
    assert found["status_code"] == 502, found
    assert "trial" in found["message"]
    assert site.received == 3


def test_a_stream_that_is_cut_is_an_error(site: Site, client: Call) -> None:
    site.first.answers = [stream(chunk("Half an ans"), Reset())]
    found = client(site.chat(name=site.trial()[1], stream=True))
    assert "chunks" not in found
    assert len(site.first.requests) == 1
