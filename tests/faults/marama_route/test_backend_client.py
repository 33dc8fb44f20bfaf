"""What a backend receives, with which key, over which way; and that the key does not come back."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Coroutine, TypeVar

import pytest

from marama_route.backends.client import Backends
from marama_route.core.config import Backend
from marama_route.core.errors import RequestRefusal
from marama_route.forwarding.ends import Job
from marama_route.forwarding.forward import forward
from tests.stand_in import Authority
from tests.stand_in.chat.proxy import ConnectProxy
from tests.stand_in.model_backend import ModelBackend, Reset, error, refusing_url
from tests.support.canary import new_canary
from tests.support.forwarding import (
    DECISION,
    PROMPT,
    Client,
    Gate,
    Ledger,
    Ran,
    backend,
    forwarded,
    host,
    job,
    model,
)

_Result = TypeVar("_Result")


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    return asyncio.run(asyncio.wait_for(work, 30))


@pytest.fixture
def key() -> str:
    return new_canary().key


@pytest.mark.parametrize("streaming", [True, False])
def test_a_backend_receives_these_headers_and_no_others(streaming: bool, key: str) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    plain = job(stream=streaming)
    traced = Job(plain.payload, plain.models, streaming, False, DECISION, trace)
    with ModelBackend() as one:
        machine = host({"KEY": key})
        run(forwarded(plain, backend("one", one.base_url)))
        run(forwarded(traced, backend("one", one.base_url, api_key_env="KEY"), machine=machine))
    first, second = one.requests
    expected = [
        ("Host", f"127.0.0.1:{one.port}"),
        ("Content-Type", "application/json"),
        ("Accept", "text/event-stream" if streaming else "application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", "marama-route"),
    ]
    length = [("Content-Length", str(len(first.body)))]
    assert sorted(first.headers) == sorted(expected + length)
    more = [("Authorization", f"Bearer {key}"), ("traceparent", trace)]
    assert sorted(second.headers) == sorted(expected + length + more)
    assert (first.method, first.target) == ("POST", "/v1/chat/completions")


def test_a_backend_receives_the_payload_with_its_own_name_of_the_model() -> None:
    payload: dict[str, Any] = {
        "temperature": 0.1,
        "tools": [],
        "seed": 2**70,
        "own": {"deep": [None, True, "Māori 😀"]},
    }
    hints: dict[str, Any] = {"route": {"task_type": "code"}, "metadata": {"marama_route": {}, "user": "u"}}
    with ModelBackend() as one:
        run(forwarded(job(usage=True, **payload, **hints), backend("one", one.base_url)))
    assert one.requests[0].json() == {
        "model": "qwen3-coder:30b",
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "metadata": {"user": "u"},
        **payload,
    }


def test_a_large_payload_arrives_whole() -> None:
    text = "é" * (7 * 1024 * 1024)
    with ModelBackend() as one:
        ran = run(forwarded(job(prompt=text), backend("one", one.base_url)))
    assert one.requests[0].json()["prompt"] == text
    assert ran.client.said == "Hello"


def test_cookies_are_not_kept() -> None:
    async def work(one: ModelBackend) -> None:
        # By a name: aiohttp keeps no cookies of an address in any case.
        named = backend("one", one.base_url.replace("127.0.0.1", "localhost"))
        async with Backends({"one": named}, host()) as backends:
            for _ in range(2):
                await forward(job(stream=False), backends, Gate(), Client(), Ledger())

    with ModelBackend([error(503, headers=[("set-cookie", "a=b; Path=/")])]) as one:
        run(work(one))
        assert [request.header("cookie") for request in one.requests] == [None, None]


# Keys.


async def _ask(backends: Backends, client: Client) -> Ledger:
    ledger = Ledger()
    await forward(job(stream=False), backends, Gate(), client, ledger)
    return ledger


def test_a_key_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / ".gonkagate" / "key"
    path.parent.mkdir()
    large = "x" * 20_000
    texts = ["first\n", "  second  ", "", "third", None, "sixth", "two words", "caf\u00e9", large, "last"]

    async def work(one: ModelBackend) -> list[str | None]:
        configured = backend("one", one.base_url, api_key_file="~/.gonkagate/key")
        words = []
        async with Backends({"one": configured}, host(home=tmp_path)) as backends:
            for number, text in enumerate(texts):
                path.unlink(missing_ok=True)
                if text is not None:
                    path.write_text(text, encoding="utf-8")
                    os.utime(path, ns=(number, number))
                ledger = await _ask(backends, Client())
                words.append(ledger.errors[0])
            assert backends.unavailable == frozenset()
        return words

    with ModelBackend() as one:
        words = run(work(one))
        sent = [request.header("authorization") for request in one.requests]
    no = "no_key"
    assert words == [None, None, no, None, no, None, no, no, no, None]
    assert sent == [f"Bearer {key}" for key in ("first", "second", "third", "sixth", "last")]


@pytest.mark.parametrize("value", [None, "", "  ", "two words", "line\nbreak", "caf\u00e9", "\x7f"])
def test_without_a_key_that_can_be_one_nothing_is_sent(value: str | None) -> None:
    environ = {} if value is None else {"KEY": value}
    with ModelBackend() as one:
        ran = run(forwarded(job(), backend("one", one.base_url, api_key_env="KEY"), machine=host(environ)))
        assert (one.requests, one.connections) == ([], 0)
    ((status, body, _, _),) = ran.client.wholes
    assert (status, ran.ledger.errors) == (502, ["no_key"])
    assert "its key cannot be read" in body["error"]["message"]


def test_a_backends_key_does_not_come_back_in_its_error(key: str) -> None:
    texts: dict[str, Any] = {
        "message": f"Incorrect API key provided: {key}.",
        "param": key,
        "code": key,
        "type": key,
    }
    with ModelBackend([error(401, **texts)]) as one:
        configured = backend("one", one.base_url, api_key_env="KEY")
        ran = run(forwarded(job(), configured, machine=host({"KEY": key})))
    ((status, body, _, _),) = ran.client.wholes
    assert status == 401
    assert key not in json.dumps(body)
    assert body["error"]["message"] == "Incorrect API key provided: ***."


def test_a_backend_that_is_no_longer_configured_gives_way() -> None:
    async def work(one: ModelBackend) -> Client:
        client = Client()
        async with Backends({"one": backend("one", one.base_url)}, host()) as backends:
            backends.configure({"two": backend("two", one.base_url)})
            await forward(job([model(), model("lumynax/second", "two")]), backends, Gate(), client, Ledger())
        return client

    with ModelBackend() as one:
        assert run(work(one)).begun == ["lumynax/second"]


# TLS and proxies.


def over_tls(configured: Backend, environ: dict[str, str]) -> Ran:
    return run(forwarded(job(), configured, machine=host(environ)))


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_a_certificate_of_the_users_authority_is_trusted(tmp_path: Path, variable: str) -> None:
    authority = Authority(tmp_path, "127.0.0.1")
    with ModelBackend(context=authority.context) as one:
        ran = over_tls(backend("one", one.base_url), {variable: str(authority.certificate)})
    assert ran.client.said == "Hello"


@pytest.mark.parametrize(
    ("names", "expired", "trusted"),
    [(("127.0.0.1",), False, False), (("other.example",), False, True), (("127.0.0.1",), True, True)],
    ids=["unknown authority", "another name", "expired"],
)
def test_a_certificate_that_is_not_right_ends_the_attempt(
    tmp_path: Path, names: tuple[str, ...], expired: bool, trusted: bool
) -> None:
    authority = Authority(tmp_path, *names, expired=expired)
    environ = {"SSL_CERT_FILE": str(authority.certificate)} if trusted else {}
    with ModelBackend(context=authority.context) as one:
        ran = over_tls(backend("one", one.base_url), environ)
        assert one.requests == []
    assert ran.ledger.errors == ["tls_failed"]
    assert ran.client.wholes[0][0] == 502


def test_a_backend_that_does_not_speak_tls_ends_the_attempt() -> None:
    with ModelBackend() as one:
        ran = over_tls(backend("one", one.base_url.replace("http:", "https:"), connect=1), {})
        assert one.requests == []
    # It waits for more of what it takes for a request, as many servers do.
    assert ran.ledger.errors == ["connect_timeout"]


def test_tls_goes_through_the_users_proxy_and_http_never_does(tmp_path: Path, key: str) -> None:
    authority = Authority(tmp_path, "models.example")
    with ModelBackend(context=authority.context) as one, ModelBackend() as plain:
        with ConnectProxy({"models.example:443": one.port}, "user:pass") as proxy:
            environ = {
                "HTTPS_PROXY": proxy.url,
                "HTTP_PROXY": proxy.url,
                "http_proxy": proxy.url,
                "ALL_PROXY": proxy.url,
                "SSL_CERT_FILE": str(authority.certificate),
                "KEY": key,
            }
            far = backend("one", "https://models.example/v1", api_key_env="KEY")
            assert over_tls(far, environ).client.said == "Hello"
            assert over_tls(backend("one", plain.base_url), environ).client.said == "Hello"
            assert [entry.asked for entry in proxy.asked] == ["CONNECT models.example:443"]
            assert proxy.mishaps == []
        (request,) = one.requests
        assert request.header("proxy-authorization") is None
        assert request.header("authorization") == f"Bearer {key}"


def test_loopback_and_exceptions_are_not_proxied(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "127.0.0.1", "models.example")
    environ = {"HTTPS_PROXY": refusing_url(), "SSL_CERT_FILE": str(authority.certificate)}
    with ModelBackend(context=authority.context) as one:
        assert over_tls(backend("one", one.base_url), environ).client.said == "Hello"
    far = backend("one", "https://models.example/v1", connect=2)
    assert over_tls(far, environ).ledger.errors == ["connection_failed"]


@pytest.mark.parametrize(
    "environ",
    [{"HTTPS_PROXY": "socks5://127.0.0.1:1"}, {"SSL_CERT_FILE": "/nonexistent"}],
    ids=["proxy", "certificates"],
)
def test_variables_that_cannot_be_used_are_refused_at_the_start(environ: dict[str, str]) -> None:
    configured = {"one": backend("one", "https://models.example/v1")}
    with pytest.raises(RequestRefusal) as caught:
        Backends(configured, host(environ))
    assert caught.value.kind == "not_ready"
    (name,) = environ
    assert name in caught.value.message


def test_the_environment_of_this_process_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, refusing_url())
    with ModelBackend() as one:
        assert over_tls(backend("one", one.base_url), {}).client.said == "Hello"


def test_what_the_library_says_is_not_passed_on() -> None:
    """An exception of aiohttp quotes addresses and headers; ours has a word, and no cause."""
    from marama_route.backends.failures import BackendError

    async def work(url: str) -> BackendError:
        async with Backends({"one": backend("one", url)}, host()) as backends:
            with pytest.raises(BackendError) as caught:
                await backends.ask("one", b"{}", stream=False)
        return caught.value

    with ModelBackend([[Reset()]]) as one:
        for url in (one.base_url, refusing_url(), "http://127.0.0.1:1/v1"):
            problem = run(work(url))
            assert str(problem) in ("cut_off", "connection_failed")
            assert problem.__suppress_context__
