"""The settings: what counts, what is refused, and next steps in the syntax of the shell."""

from __future__ import annotations

import pytest

from foundation.errors import Refusal
from overlord.settings import Settings, is_loopback, provider_of

FIRST, SECOND = "MMI_OVERLORD_LLM_API_KEY", "SAKANA_API_KEY"
URL = "MMI_OVERLORD_LLM_BASE_URL"


def refused(settings: Settings, name: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        getattr(settings, name)()
    return caught.value


@pytest.mark.parametrize(
    ("environ", "key", "source"),
    [
        ({FIRST: "one", SECOND: "two"}, "one", FIRST),
        ({FIRST: "  ", SECOND: "two"}, "two", SECOND),
        ({SECOND: " \ttwo\n"}, "two", SECOND),
    ],
)
def test_the_key(environ: dict[str, str], key: str, source: str) -> None:
    settings = Settings(environ)
    assert settings.key().reveal() == key
    assert settings.key_source == source
    assert "one" not in repr(settings)


@pytest.mark.parametrize("key", ["a b", "a\tb", "k\x00", "k\x7f", "kéy", "k\udcff", "\u00a0k\u200b"])
def test_a_key_that_cannot_be_sent_is_refused_and_still_guarded(key: str) -> None:
    settings = Settings({FIRST: key, SECOND: "two"})
    refusal = refused(settings, "key")
    assert refusal.kind == "key_invalid"
    assert str(refusal.where) == FIRST
    assert [secret.reveal() for secret in settings.secrets] == [key.strip(), "two"]


@pytest.mark.parametrize(
    ("shell", "step"),
    [
        ("posix", "export SAKANA_API_KEY=...   (make one at console.sakana.ai)"),
        ("git-bash", "export SAKANA_API_KEY=...   (make one at console.sakana.ai)"),
        ("pwsh", "$env:SAKANA_API_KEY = '...'   (make one at console.sakana.ai)"),
        ("cmd", "set SAKANA_API_KEY=...   (make one at console.sakana.ai)"),
    ],
)
def test_without_a_key(shell: str, step: str) -> None:
    settings = Settings({FIRST: " "}, shell)
    assert settings.key_source is None
    assert settings.secrets == ()
    refusal = refused(settings, "key")
    assert refusal.kind == "key_missing"
    assert refusal.message == f"no key: neither {FIRST} nor {SECOND} is set"
    assert refusal.next_step == step


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "https://api.sakana.ai/v1"),
        ("https://example.com/v1/", "https://example.com/v1"),
        (" https://example.com ", "https://example.com"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1/v1", "http://localhost:1/v1"),
        ("http://LOCALHOST/v1", "http://LOCALHOST/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
    ],
)
def test_a_base_url(text: str, url: str) -> None:
    assert Settings({URL: text}).base_url() == url


@pytest.mark.parametrize(
    "text",
    [
        "example.com/v1",
        "ftp://example.com",
        "https://",
        "https:///v1",
        "https://user@example.com/v1",
        "https://user:word@example.com/v1",
        "https://example.com/v1?a=b",
        "https://example.com/v1?",
        "https://example.com/v1#a",
        "http://example.com/v1",
        "http://localhost.example.com",
        "http://10.0.0.1/v1",
        "https://example.com:port/v1",
        "https://example.com:99999/v1",
        "https://exa mple.com",
        "https://[::1/v1",
        "https://ex\u00e4mple.com",
        "https:\\\\example.com",
        "http://127.0.0.1@example.com/v1",
        "//example.com/v1",
    ],
)
def test_a_base_url_that_is_refused(text: str) -> None:
    refusal = refused(Settings({URL: text}, "pwsh"), "base_url")
    assert refusal.kind == "base_url_invalid"
    assert refusal.next_step.startswith("$env:MMI_OVERLORD_LLM_BASE_URL = 'https://HOST/v1'")
    assert len(text) < 9 or text not in f"{refusal.message}{refusal.next_step}"


def test_a_key_in_a_base_url_or_a_model_is_refused() -> None:
    environ = {FIRST: "sk-4711-secret", URL: "https://example.com/sk-4711-secret"}
    assert refused(Settings(environ), "base_url").kind == "base_url_invalid"
    for variable in ("MMI_OVERLORD_LLM_MODEL", "MMI_OVERLORD_LLM_ULTRA_MODEL"):
        refusal = refused(Settings({FIRST: "sk-4711-secret", variable: "my-sk-4711-secret"}), "models")
        assert (refusal.kind, str(refusal.where)) == ("model_missing", variable)


def test_models() -> None:
    assert Settings({}).models() == ("fugu", "fugu-ultra")
    assert Settings({"MMI_OVERLORD_LLM_MODEL": " a "}).models() == ("a", "fugu-ultra")
    assert Settings({"MMI_OVERLORD_LLM_MODEL": " ", "MMI_OVERLORD_LLM_ULTRA_MODEL": "b"}).models() == (
        "fugu",
        "b",
    )
    assert Settings({}).model is Settings({}).ultra_model is None


@pytest.mark.parametrize(
    ("text", "timeout", "lease"),
    [
        ("", 90_000, 900_000),
        ("0", 90_000, 900_000),
        ("-1", 90_000, 900_000),
        ("+5000", 90_000, 900_000),
        ("5e3", 90_000, 900_000),
        ("5000.0", 90_000, 900_000),
        ("\u0665000", 90_000, 900_000),
        ("1", 5_000, 60_000),
        (" 70000 ", 70_000, 70_000),
        ("0070000", 70_000, 70_000),
        ("600001", 600_000, 600_001),
        ("9" * 5000, 600_000, 86_400_000),
    ],
)
def test_milliseconds(text: str, timeout: int, lease: int) -> None:
    settings = Settings({"MMI_OVERLORD_LLM_TIMEOUT_MS": text, "MMI_OVERLORD_LEASE_MS": text})
    assert (settings.timeout_ms, settings.lease_ms) == (timeout, lease)
    assert settings.timeout == timeout / 1000


def test_providers_and_loopback() -> None:
    assert provider_of("https://api.sakana.ai/v1") == provider_of("https://API.SAKANA.AI:443/v1") == "sakana"
    assert provider_of("https://api.sakana.ai.example.com/v1") == "openai-compatible"
    assert [
        is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "example.com", "")
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
