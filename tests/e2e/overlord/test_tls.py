"""TLS and proxies: whose certificate is taken, and which way a request goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.stand_in import Authority
from tests.stand_in.chat import ChatStandIn, ConnectProxy, chat_stand_in
from tests.support.canary import new_canary
from tests.support.overlord_home import OverlordHome

SAKANA = "api.sakana.ai:443"


@pytest.fixture
def secured(chat_authority: Authority) -> Iterator[ChatStandIn]:
    with chat_stand_in(authority=chat_authority, key=new_canary().key) as service:
        yield service


@pytest.fixture
def home(secured: ChatStandIn, tmp_path: Path) -> Iterator[OverlordHome]:
    """A home with a key, and no base URL: Sakana's own."""
    made = OverlordHome(
        tmp_path / "overlord", {"SAKANA_API_KEY": secured.key, "MMI_OVERLORD_LLM_TIMEOUT_MS": "5000"}
    )
    yield made
    assert made.leaks() == []


def trusting(authority: Authority, variable: str = "NODE_EXTRA_CA_CERTS") -> dict[str, Any]:
    return {variable: str(authority.certificate)}


@pytest.mark.parametrize("variable", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])
def test_a_named_authority_is_trusted(
    home: OverlordHome, secured: ChatStandIn, chat_authority: Authority, variable: str
) -> None:
    environ = {"MMI_OVERLORD_LLM_BASE_URL": secured.base_url, **trusting(chat_authority, variable)}
    assert home.json("start", **environ)["status"] == "success"
    assert home.json("send", "all", "Where?", **environ)["status"] == "success"
    assert len(secured.chats) == 6


def test_another_authority_is_not_trusted(home: OverlordHome, secured: ChatStandIn) -> None:
    started = home.json("start", MMI_OVERLORD_LLM_BASE_URL=secured.base_url)
    assert (started["exitStatus"], started["errorCode"]) == (6, "certificate_untrusted")
    assert "NODE_EXTRA_CA_CERTS" in started["message"] + str(started.get("nextStep"))
    assert (secured.requests, home.runs()) == ([], [])


@pytest.mark.parametrize("wrong", ["expired", "for another host"])
def test_a_certificate_that_is_not_good_for_it(home: OverlordHome, tmp_path: Path, wrong: str) -> None:
    host = "other.example" if wrong == "for another host" else "localhost"
    authority = Authority(tmp_path, host, expired=wrong == "expired")
    with chat_stand_in(authority=authority) as service:
        environ = {"MMI_OVERLORD_LLM_BASE_URL": service.base_url, **trusting(authority)}
        assert home.json("start", **environ)["errorCode"] == "certificate_untrusted"
        assert service.requests == []


def test_sakana_is_reached_by_its_name_through_the_proxy(
    home: OverlordHome, secured: ChatStandIn, chat_authority: Authority
) -> None:
    with ConnectProxy({SAKANA: secured.port}, credentials="ada:lovelace") as proxy:
        environ = {"HTTPS_PROXY": proxy.url, **trusting(chat_authority)}
        started = home.json("start", **environ)
        assert started["status"] == "success", started
        assert (started["run"]["provider"], started["run"]["baseUrl"]) == (
            "sakana",
            "https://api.sakana.ai/v1",
        )
        assert {(one.asked, one.status) for one in proxy.asked} == {(f"CONNECT {SAKANA}", 200)}
        assert {request.headers["host"] for request in secured.requests} == {"api.sakana.ai"}
        assert len(proxy.asked) == 4
        proxy.misbehave(403)
        assert home.json("start", "--new", **environ)["errorCode"] == "unreachable"
        proxy.misbehave("close")
        assert home.json("start", "--new", **environ)["errorCode"] in ("unreachable", "connection_dropped")
        proxy.misbehave("hang")
        assert home.json("start", "--new", **environ)["errorCode"] == "timeout"


def test_a_loopback_address_is_never_proxied(
    home: OverlordHome, secured: ChatStandIn, chat_authority: Authority, chat_service: ChatStandIn
) -> None:
    with ConnectProxy({}) as proxy:
        environ = {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, **trusting(chat_authority)}
        started = home.json("start", MMI_OVERLORD_LLM_BASE_URL=secured.base_url, **environ)
        assert started["status"] == "success", started
        plain = home.json(
            "start", "--new", MMI_OVERLORD_LLM_BASE_URL=chat_service.base_url,
            MMI_OVERLORD_LLM_API_KEY=chat_service.key, **environ,
        )  # fmt: skip
        assert plain["status"] == "success", plain
        assert proxy.asked == []


def test_a_handshake_that_hangs_is_bounded(
    home: OverlordHome, secured: ChatStandIn, chat_authority: Authority
) -> None:
    environ = {"MMI_OVERLORD_LLM_BASE_URL": secured.base_url, **trusting(chat_authority)}
    secured.on_connect("hang")
    assert home.json("start", **environ)["errorCode"] == "timeout"
    home.json("start", **environ)
    secured.on_connect("hang")
    sent = home.json("send", "all", "Where?", **environ)
    assert (sent["exitStatus"], sent["errorCode"]) == (7, "partial")
    reasons = sorted(str(one["failureReason"]) for one in sent["messageResult"]["servantResults"])
    assert reasons == ["None", "None", "timeout"]


def test_a_handshake_that_ends_is_tried_again(
    home: OverlordHome, secured: ChatStandIn, chat_authority: Authority
) -> None:
    environ = {"MMI_OVERLORD_LLM_BASE_URL": secured.base_url, **trusting(chat_authority)}
    home.json("start", "--normal", "1", **environ)
    for how in ("close", "reset"):
        secured.on_connect("close" if how == "close" else "reset")
        sent = home.json("send", "normal-1", "Where?", **environ)
        assert sent["status"] == "success", sent
        assert sent["messageResult"]["servantResults"][0]["attempts"] == 2
