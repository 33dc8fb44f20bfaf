"""A request read as what it needs; what is wrong is named by its field, and no text is kept or repeated."""

from __future__ import annotations

from typing import Any

import pytest

from marama_route.core.errors import RequestRefusal
from marama_route.core.headers import Headers, require_tenant
from marama_route.core.headers import read as read_headers
from marama_route.core.request import Asked, read
from marama_route.core.sizes import estimated_tokens
from marama_route.core.wishes import TaskType, Wishes
from sovereigncode.core.words import Sensitivity
from tests.unit.marama_route.asking import CHAT, hints

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
SOUND = {"type": "input_audio", "input_audio": {"data": "A" * 100_000, "format": "wav"}}


def test_a_plain_chat() -> None:
    assert read(CHAT) == Asked(model="lumynax/auto", given=Wishes(), needed_tokens=9)


def test_what_follows_from_the_payload() -> None:
    asked = read(
        {
            **CHAT,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, IMAGE, SOUND]}],
            "tools": [{"type": "function"}],
            "response_format": {"type": "json_schema", "json_schema": {}},
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 32_000,
        }
    )
    assert asked.modalities == {"text", "image", "audio"}
    assert (asked.tools, asked.json, asked.stream, asked.include_usage) == (True, True, True, True)
    assert 34_000 < asked.needed_tokens < 34_100


def test_fields_that_are_not_known_do_not_matter() -> None:
    assert read(
        {**CHAT, "reasoning_effort": "high", "modalities": ["text"], "metadata": {"user": "x"}}
    ) == read(CHAT)


@pytest.mark.parametrize("hint", [{"route": {}}, {"routing": {}}, {"metadata": {"marama_route": {}}}])
def test_hints_are_read_in_three_places(hint: dict[str, Any]) -> None:
    said = {
        "task_type": "code",
        "data_sensitivity": "iwi",
        "max_fallbacks": 0,
        "requires_tools": False,
        "modalities": None,
    }
    ((name, inner),) = hint.items()
    place = {name: said} if inner == {} else {name: {"marama_route": said}}
    assert read({**CHAT, **place}).given == Wishes(
        task_type=TaskType.CODE, data_sensitivity=Sensitivity.IWI, max_fallbacks=0, requires_tools=False
    )


def test_what_is_given_counts_before_what_follows() -> None:
    payload = {**CHAT, "model": "lumynax/code", "tools": [{}], "max_tokens": 9000}
    assert hints(payload).to_json() == {
        "task_type": "code",
        "modalities": ["text"],
        "jurisdiction": "NZ",
        "data_sensitivity": "internal",
        "min_context_tokens": 9009,
        "requires_local": False,
        "requires_tools": True,
        "requires_json": False,
        "license_allowlist": None,
        "max_fallbacks": 3,
    }
    given = {"task_type": "general", "requires_tools": False, "min_context_tokens": 0, "max_fallbacks": 0}
    found = hints({**payload, "route": given}).to_json()
    assert {name: found[name] for name in given} == given
    assert hints({**CHAT, "model": "lumynax/local", "route": {"requires_local": False}}).requires_local


def test_a_routing_request() -> None:
    asked = read({"prompt": "hello", "requires_json": True}, routing=True)
    assert (asked.model, asked.given.requires_json, asked.needed_tokens) == (None, True, 2)
    assert read({"prompt": "x", "model": "m"}, routing=True).model == "m"
    assert read(CHAT, routing=True) == read(CHAT)


@pytest.mark.parametrize(
    ("payload", "param"),
    [
        ([], None),
        (None, None),
        ({**CHAT, "messages": []}, "messages"),
        ({"model": "m"}, "messages"),
        ({**CHAT, "messages": {}}, "messages"),
        ({**CHAT, "messages": ["hi"]}, "messages[0]"),
        ({**CHAT, "messages": [{"role": "robot"}]}, "messages[0].role"),
        ({**CHAT, "messages": [{"role": ["user"]}]}, "messages[0].role"),
        ({**CHAT, "messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({**CHAT, "messages": [{"role": "user", "content": [{"type": []}]}]}, "messages[0].content[0]"),
        ({"messages": CHAT["messages"]}, "model"),
        ({**CHAT, "model": ""}, "model"),
        ({**CHAT, "model": 1}, "model"),
        ({**CHAT, "model": "a\nb"}, "model"),
        ({**CHAT, "model": "m" * 300}, "model"),
        ({**CHAT, "tools": {}}, "tools"),
        ({**CHAT, "tools": ["f"]}, "tools[0]"),
        ({**CHAT, "stream": "yes"}, "stream"),
        ({**CHAT, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({**CHAT, "response_format": "json"}, "response_format"),
        ({**CHAT, "max_tokens": -1}, "max_tokens"),
        ({**CHAT, "max_tokens": True}, "max_tokens"),
        ({**CHAT, "max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({**CHAT, "route": "fallback"}, "route"),
        ({**CHAT, "route": {"requires_loacl": True}}, "route"),
        ({**CHAT, "routing": {"data_sensitivity": "secret"}}, "routing.data_sensitivity"),
        ({**CHAT, "metadata": {"marama_route": {"task_type": 1}}}, "metadata.marama_route.task_type"),
        (
            {**CHAT, "route": {"jurisdiction": "NZ"}, "routing": {"jurisdiction": "AU"}},
            "routing.jurisdiction",
        ),
    ],
)
def test_what_is_wrong_is_named(payload: Any, param: str | None) -> None:
    with pytest.raises(RequestRefusal) as caught:
        read(payload)
    assert (caught.value.kind, caught.value.param) == ("invalid_request", param)


@pytest.mark.parametrize(
    "payload", [{"prompt": " "}, {"prompt": 1}, {}, {"prompt": "x", "requires_loacl": True}]
)
def test_a_wrong_routing_request(payload: Any) -> None:
    with pytest.raises(RequestRefusal):
        read(payload, routing=True)


def test_no_text_of_a_request_is_kept_or_repeated() -> None:
    secret = "whakapapa-7731"
    assert secret not in repr(read({**CHAT, "messages": [{"role": "user", "content": secret}]}))
    for broken in (
        {**CHAT, "model": f"{secret}\n"},
        {**CHAT, "messages": [{"role": secret}]},
        {**CHAT, "messages": [{"role": "user", "content": [{"kind": secret}]}]},
        {**CHAT, "route": {secret: 1}},
        {**CHAT, "route": {"task_type": secret}},
        {**CHAT, "stream": secret},
    ):
        with pytest.raises(RequestRefusal) as caught:
            read(broken)
        assert secret not in f"{caught.value.message} {caught.value.param}"


def test_tokens_are_estimated_at_any_depth_and_in_any_script() -> None:
    assert estimated_tokens(["a" * 400]) == 100
    assert estimated_tokens(["日本" * 200]) == 300
    assert estimated_tokens([IMAGE, SOUND]) == 2000
    deep: Any = "x" * 4
    for _ in range(100_000):
        deep = [deep]
    assert estimated_tokens([deep]) == 1
    assert estimated_tokens(["\ud800", None, 1, True]) == 3


def test_headers() -> None:
    pairs = [
        ("X-AbteeX-Tenant", "acme"),
        ("x-abteex-workspace-capsule", " shop "),
        ("X-ABTEEX-PURPOSE", ""),
        ("X-Session-Id", "ses_1"),
        ("X-AbteeX-Route-Sensitivity", "iwi"),
        ("Cookie", "a=b"),
        ("X-AbteeX-Tenant", "acme"),
    ]
    assert read_headers(pairs) == Headers(
        tenant="acme", capsule_id="shop", session_id="ses_1", sensitivity=Sensitivity.IWI
    )


@pytest.mark.parametrize(
    "pairs",
    [
        [("X-AbteeX-Route-Sensitivity", "secret")],
        [("X-AbteeX-Tenant", "a"), ("x-abteex-tenant", "b")],
        [("X-AbteeX-Workspace-Capsule", "../shop")],
        [("X-Session-Id", "a\x00b")],
        [("X-AbteeX-Purpose", "p" * 2000)],
    ],
)
def test_a_wrong_header(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(RequestRefusal) as caught:
        read_headers(pairs)
    assert (caught.value.kind, caught.value.param) == ("invalid_request", pairs[0][0].lower())


def test_the_tenant_must_be_the_keys() -> None:
    require_tenant(Headers(), "acme")
    require_tenant(Headers(tenant="acme"), "acme")
    with pytest.raises(RequestRefusal, match="not the tenant") as caught:
        require_tenant(Headers(tenant="other"), "acme")
    assert caught.value.kind == "tenant_mismatch"
