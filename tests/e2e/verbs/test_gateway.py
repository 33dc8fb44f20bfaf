"""The service asked with a key: every status, every way in which it can fail, and where the key goes."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest

from foundation.errors import Refusal
from foundation.secrets import Secret
from gonkagate_setup.catalog import GONKAGATE, Profile
from gonkagate_setup.errors import code_of
from gonkagate_setup.gateway import Gateway
from tests.stand_in import HOST, MODELS, Authority, Fault, StandIn
from tests.support.canary import Canary, new_canary

COMPLETIONS = "/v1/chat/completions"
KIMI = MODELS[0]


@pytest.fixture
def canary(stand_in: StandIn) -> Canary:
    canary = new_canary()
    stand_in.accept(canary.key)
    return canary


def gateway(
    stand_in: StandIn,
    canary: Canary,
    seconds: float = 20,
    profile: Profile = GONKAGATE,
    environ: Mapping[str, str] | None = None,
) -> Gateway:
    return Gateway(profile, Secret(canary.key), {**stand_in.environment, **(environ or {})}, seconds)


def refused(call: Any, code: str, canary: Canary, *says: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call()
    error = caught.value
    assert code_of(error) == code, error.message
    said = f"{error.message} {error.next_step} {error.where}"
    assert canary.encodings_in(said.encode()) == []
    assert "provider-says" not in said
    for part in says:
        assert part in said, said
    assert error.__suppress_context__ or error.__context__ is None
    return error


def test_the_models_and_a_word(stand_in: StandIn, canary: Canary) -> None:
    asked = gateway(stand_in, canary)
    assert asked.models() == MODELS
    asked.complete(KIMI)
    first, second = stand_in.requests
    assert (first.method, first.path, first.host, first.key) == ("GET", "/v1/models", HOST, canary.key)
    assert (second.method, second.path, second.key) == ("POST", COMPLETIONS, canary.key)
    assert (second.json["model"], second.json["stream"]) == (KIMI, True)
    assert second.json["max_tokens"] <= 16
    assert first.headers["user-agent"].startswith("gonkagate-setup/")
    assert {(tunnel.host, tunnel.status) for tunnel in stand_in.tunnels} == {(HOST, 200)}


@pytest.mark.parametrize(
    ("status", "says", "code", "hint"),
    [
        (401, "invalid_api_key", "live_key_refused", "gonkagate.com"),
        (403, "account_deactivated", "live_account_refused", "account"),
        (429, "insufficient_quota", "live_quota_exhausted", "top"),
        (429, "rate_limit_exceeded", "live_rate_limited", "wait"),
        (429, "transfer_agent_capacity_reached", "live_rate_limited", "wait"),
        (503, "provider-says", "live_service_unavailable", "nothing about the key"),
        (500, "provider-says", "live_unexpected_answer", "HTTP 500"),
        (418, "provider-says", "live_unexpected_answer", "HTTP 418"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", COMPLETIONS])
def test_each_status_has_its_own_answer(
    stand_in: StandIn, canary: Canary, status: int, says: str, code: str, hint: str, path: str
) -> None:
    stand_in.misbehave(Fault(status=status, code=says, path=path))
    asked = gateway(stand_in, canary)
    call = asked.models if path == "/v1/models" else lambda: asked.complete(KIMI)
    refused(call, code, canary, hint)


def test_a_key_that_is_not_accepted(stand_in: StandIn, canary: Canary) -> None:
    stand_in.deactivate(canary.key)
    refused(gateway(stand_in, canary).models, "live_account_refused", canary)
    other = new_canary()
    refused(gateway(stand_in, other).models, "live_key_refused", other)


def test_a_model_that_is_not_offered(stand_in: StandIn, canary: Canary) -> None:
    refused(lambda: gateway(stand_in, canary).complete("moonshotai/none"), "live_model_refused", canary)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>provider-says</html>",
        b'"provider-says"',
        b'{"data": "provider-says"}',
        b"[" * 100_000,
        pytest.param(b"[" + b'"x",' * 1_200_000 + b'""]', id="larger than the bound"),
    ],
)
def test_an_answer_that_is_no_list_of_models(stand_in: StandIn, canary: Canary, body: bytes) -> None:
    stand_in.misbehave(Fault(body=body))
    refused(gateway(stand_in, canary).models, "live_unexpected_answer", canary)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "live_unexpected_answer"),
        (b"provider-says\n\n", "live_unexpected_answer"),
        (b"data: provider-says\n\n", "live_unexpected_answer"),
        (b'data: {"error": {"message": "provider-says"}}\n\n', "live_unexpected_answer"),
        (b"data: [DONE]\n\n", "live_unexpected_answer"),
        (b'data: {"choices": [{"delta": {}}]}\n\n', "live_connection_dropped"),
        pytest.param(b"data: " + b"x" * 300_000, "live_unexpected_answer", id="a line without end"),
    ],
)
def test_a_completion_that_is_none(stand_in: StandIn, canary: Canary, body: bytes, code: str) -> None:
    stand_in.misbehave(Fault(body=body))
    refused(lambda: gateway(stand_in, canary).complete(KIMI), code, canary)


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_dropped_connection(stand_in: StandIn, canary: Canary, chunks: int) -> None:
    stand_in.misbehave(Fault(drop_after=chunks))
    refused(lambda: gateway(stand_in, canary).complete(KIMI), "live_connection_dropped", canary)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(delay=30),
        pytest.param(Fault(body=b" " * 1000, pause=0.1), id="a drip"),
    ],
)
def test_a_slow_answer_is_not_waited_for(stand_in: StandIn, canary: Canary, fault: Fault) -> None:
    stand_in.misbehave(fault)
    refused(gateway(stand_in, canary, seconds=0.5).models, "live_timeout", canary, "0.5 s")


def test_the_time_counts_over_both_questions(stand_in: StandIn, canary: Canary) -> None:
    stand_in.misbehave(Fault(delay=3, path="/v1/models"))
    stand_in.misbehave(Fault(delay=3, path=COMPLETIONS))
    asked = gateway(stand_in, canary, seconds=5.5)
    asked.models()
    refused(lambda: asked.complete(KIMI), "live_timeout", canary)


@pytest.mark.parametrize(
    ("status", "location", "says"),
    [
        (302, "https://evil.example/v1/models", "evil.example"),
        (307, "https://api.gonkagate.com/v1/elsewhere", HOST),
        (308, "http://[provider-says", HOST),
        (301, "https://provider-says_\x7f/", HOST),
    ],
)
def test_a_redirect_is_not_followed(
    stand_in: StandIn, canary: Canary, status: int, location: str, says: str
) -> None:
    stand_in.misbehave(Fault(status=status, location=location))
    refused(gateway(stand_in, canary).models, "live_redirected", canary, says)
    assert len(stand_in.requests) == 1
    assert {tunnel.host for tunnel in stand_in.tunnels} == {HOST}


def test_a_certificate_of_nobody_known(
    stand_in: StandIn, canary: Canary, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"), HOST)
    trusted = {name: str(other.certificate) for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")}
    refused(gateway(stand_in, canary, environ=trusted).models, "live_certificate_untrusted", canary, HOST)
    assert stand_in.requests == []


def test_a_certificate_for_another_host(canary: Canary, tmp_path_factory: pytest.TempPathFactory) -> None:
    with StandIn(Authority(tmp_path_factory.mktemp("wrong"), "example.org")) as wrong:
        refused(gateway(wrong, canary).models, "live_certificate_untrusted", canary, HOST)
        assert wrong.requests == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_each_variable_for_certificates_is_enough(stand_in: StandIn, canary: Canary, name: str) -> None:
    other = "NODE_EXTRA_CA_CERTS" if name == "SSL_CERT_FILE" else "SSL_CERT_FILE"
    assert gateway(stand_in, canary, environ={other: ""}).models() == MODELS


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_a_file_of_certificates_that_is_none(
    stand_in: StandIn, canary: Canary, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "empty.pem"
    for content in (None, "nothing"):
        if content is not None:
            path.write_text(content)
        call = gateway(stand_in, canary, environ={name: str(path)}).models
        error = refused(call, "live_certificate_untrusted", canary)
        assert str(error.where) == name


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_no_network(stand_in: StandIn, canary: Canary) -> None:
    dead = f"http://127.0.0.1:{closed_port()}"
    refused(
        gateway(stand_in, canary, environ={"HTTPS_PROXY": dead}).models, "live_unreachable", canary, "refused"
    )
    nowhere = replace(GONKAGATE, base_url="https://gonkagate.invalid/v1")
    refused(
        gateway(stand_in, canary, profile=nowhere, environ={"HTTPS_PROXY": ""}).models,
        "live_unreachable",
        canary,
        "resolved",
    )


def test_a_proxy_that_refuses(stand_in: StandIn, canary: Canary) -> None:
    elsewhere = replace(GONKAGATE, base_url="https://example.org/v1")
    refused(gateway(stand_in, canary, profile=elsewhere).models, "live_unreachable", canary, "HTTP 502")


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://x:port", "http://"])
def test_a_proxy_of_another_kind(stand_in: StandIn, canary: Canary, value: str) -> None:
    error = refused(
        gateway(stand_in, canary, environ={"HTTPS_PROXY": value}).models, "live_proxy_unusable", canary
    )
    assert str(error.where) == "HTTPS_PROXY"


def test_lower_case_comes_first(stand_in: StandIn, canary: Canary) -> None:
    asked = gateway(
        stand_in, canary, environ={"HTTPS_PROXY": "socks5://x:1", "https_proxy": stand_in.address}
    )
    assert asked.models() == MODELS


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[tuple[int, Path, list[bytes]]]:
    """A TLS server on loopback that is no proxy: its port, its certificate, what it received."""
    authority = Authority(tmp_path, "localhost")
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with authority.context.wrap_socket(plain, server_side=True) as connection:
                    received.append(connection.recv(65536))
                    body = json.dumps({"data": [{"id": "direct"}]}).encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            except (OSError, ssl.SSLError):
                plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1]), authority.certificate, received
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("exceptions", ["localhost", "*", "example.org,localhost", ".localhost,localhost"])
def test_no_proxy_is_kept(
    stand_in: StandIn, canary: Canary, direct: tuple[int, Path, list[bytes]], exceptions: str
) -> None:
    port, certificate, received = direct
    profile = replace(GONKAGATE, base_url=f"https://localhost:{port}/v1")
    environ = {"NO_PROXY": exceptions, "SSL_CERT_FILE": str(certificate)}
    assert gateway(stand_in, canary, profile=profile, environ=environ).models() == ("direct",)
    assert received[0].startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert stand_in.tunnels == []


def test_the_proxys_password_reaches_the_proxy_and_no_message(canary: Canary) -> None:
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener.accept()[0] as connection:
            received.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 407 provider-says\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    proxy = f"http://me:pass%40word@127.0.0.1:{listener.getsockname()[1]}"
    asked = Gateway(GONKAGATE, Secret(canary.key), {"HTTPS_PROXY": proxy}, 20)
    error = refused(asked.models, "live_unreachable", canary, "HTTP 407")
    thread.join()
    listener.close()
    assert b"Proxy-Authorization: Basic bWU6cGFzc0B3b3Jk" in received[0]
    assert b"Bearer" not in received[0]
    assert "word" not in error.message
