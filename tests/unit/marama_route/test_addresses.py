"""Where the gateway listens, and which backends context may be sent to."""

from __future__ import annotations

import pytest

from marama_route.core.addresses import Listen, is_origin, listen, wrong_base_url, wrong_store


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1",
        "https://8.8.8.8/v1",
        "http://127.0.0.1:11434/v1",
        "http://127.9.9.9/v1",
        "http://localhost:1/v1",
        "http://[::1]:8080/v1",
        "http://10.0.0.1/v1",
        "http://172.16.0.1/v1",
        "http://172.31.255.255/v1",
        "http://192.168.1.1/v1",
        "http://[fd00::1]/v1",
        "http://[::ffff:10.0.0.1]/v1",
    ],
)
def test_a_backend_that_may_be_asked(url: str) -> None:
    assert wrong_base_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v1",
        "http://ollama:11434/v1",
        "http://8.8.8.8/v1",
        "http://172.32.0.1/v1",
        "http://172.15.0.1/v1",
        "http://169.254.169.254/v1",
        "http://0.0.0.0/v1",
        "http://100.64.0.1/v1",
        "http://127.1/v1",
        "http://2130706433/v1",
        "http://0x7f000001/v1",
        "http://0177.0.0.1/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
        "http://127.0.0.1@example.com/v1",
        "http://example.com\\@127.0.0.1/v1",
        "http://example.com#@127.0.0.1/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://[fe80::1]/v1",
        "http://127.0.0.1:99999/v1",
        "https://user:pw@example.com/v1",
        "https://example.com/v1?key=1",
        "https://example.com/v1#x",
        "https:///v1",
        "https://exa mple.com/v1",
        "ftp://127.0.0.1/v1",
        "127.0.0.1:11434",
        "https://exämple.com/v1",
    ],
)
def test_a_backend_that_must_not_be_asked(url: str) -> None:
    assert wrong_base_url(url) is not None


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8787", "127.0.0.1", 8787, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:65535", "::1", 65535, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),
        ("[::]:80", "::", 80, False),
        ("gateway.example:80", "gateway.example", 80, False),
    ],
)
def test_a_place_to_listen(text: str, host: str, port: int, loopback: bool) -> None:
    assert listen(text) == Listen(host, port)
    assert Listen(host, port).loopback is loopback


@pytest.mark.parametrize(
    "text", ["", ":80", "::1:80", "[127.0.0.1]:80", "h:65536", "h:", "h:-1", "h:\uff18", "a/b:1"]
)
def test_no_place_to_listen(text: str) -> None:
    assert listen(text) is None


@pytest.mark.parametrize(
    "text", ["sqlite", "postgresql://user@host/db", "postgres://host:5432/db?sslmode=require"]
)
def test_a_store(text: str) -> None:
    assert wrong_store(text) is None


@pytest.mark.parametrize(
    "text", ["", "mysql://h/d", "postgresql:///db", "postgresql://h/d?password=x", "sqlite.db"]
)
def test_no_store(text: str) -> None:
    assert wrong_store(text) is not None


@pytest.mark.parametrize("text", ["https://console.example", "http://127.0.0.1:3000", "https://[::1]:8443"])
def test_an_origin(text: str) -> None:
    assert is_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "https://*.example",
        "https://a.example/",
        "https://a.example:443",
        "HTTPS://a.example",
        "a.example",
    ],
)
def test_no_origin(text: str) -> None:
    assert not is_origin(text)
