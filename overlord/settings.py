"""The settings, from environment variables only. Each is checked when it is first needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Mapping
from urllib.parse import urlsplit

from foundation.errors import Refusal, Where
from foundation.secrets import Secret
from foundation.secrets.encoded import find_known
from overlord import host_shell

KEYS: Final = ("MMI_OVERLORD_LLM_API_KEY", "SAKANA_API_KEY")
BASE_URL: Final = "MMI_OVERLORD_LLM_BASE_URL"
MODEL: Final = "MMI_OVERLORD_LLM_MODEL"
ULTRA_MODEL: Final = "MMI_OVERLORD_LLM_ULTRA_MODEL"
TIMEOUT: Final = "MMI_OVERLORD_LLM_TIMEOUT_MS"
LEASE: Final = "MMI_OVERLORD_LEASE_MS"

DEFAULT_BASE_URL: Final = "https://api.sakana.ai/v1"
DEFAULT_MODEL: Final = "fugu"
DEFAULT_ULTRA_MODEL: Final = "fugu-ultra"
_DEFAULT_HOST: Final = "api.sakana.ai"
_TIMEOUTS: Final = (5_000, 600_000, 90_000)
_LEASES: Final = (60_000, 86_400_000, 900_000)
_LONGEST_NUMBER: Final = 12
_PRINTABLE: Final = re.compile(r"[!-~]+")
_NOT_IN_A_URL: Final = re.compile(r"[^!-~]")


@dataclass(frozen=True)
class Settings:
    """What the environment says; a variable that is blank is unset. Next steps are written for `shell`."""

    environ: Mapping[str, str] = field(repr=False)
    shell: str = "posix"

    def _named(self, variable: str) -> str | None:
        return self.environ.get(variable, "").strip() or None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every key that is set, usable or not: none of them may be shown."""
        return tuple(Secret(value) for name in KEYS if (value := self._named(name)))

    @property
    def key_source(self) -> str | None:
        """The variable that the key comes from, None without a key."""
        return next((name for name in KEYS if self._named(name)), None)

    def how_to_set(self, variable: str, what: str, value: str = "...") -> str:
        """The command that sets a variable, and what its value is."""
        return f"{host_shell.setting(self.shell, variable, value)}   ({what})"

    def how_to_set_key(self) -> str:
        """The command that sets the key."""
        return self.how_to_set(self.key_source or KEYS[1], "make one at console.sakana.ai")

    def key(self) -> Secret:
        """The key; Refusal key_missing, key_invalid."""
        source = self.key_source
        if source is None:
            raise Refusal(
                "key_missing",
                f"no key: neither {KEYS[0]} nor {KEYS[1]} is set",
                next_step=self.how_to_set_key(),
            )
        value = self._named(source) or ""
        if not _PRINTABLE.fullmatch(value):
            raise Refusal(
                "key_invalid",
                "the key in this variable has a blank, a control character or a non-ASCII character in it",
                where=Where(source),
                next_step=self.how_to_set(source, "copy the key again, without anything within it"),
            )
        return Secret(value)

    @property
    def names_base_url(self) -> bool:
        """Whether a base URL is set."""
        return self._named(BASE_URL) is not None

    def base_url(self) -> str:
        """The base URL, without a final slash; Refusal base_url_invalid."""
        text = self._named(BASE_URL)
        if text is None:
            return DEFAULT_BASE_URL
        wrong = _what_is_wrong(text)
        if wrong is None and find_known(text, self.secrets):
            wrong = "has the key in it"
        if wrong is not None:
            raise Refusal(
                "base_url_invalid",
                f"the base URL in this variable {wrong}",
                where=Where(BASE_URL),
                next_step=self.how_to_set(BASE_URL, "or http:// and a loopback address", "https://HOST/v1"),
            )
        return text[:-1] if text.endswith("/") else text

    @property
    def model(self) -> str | None:
        """The model of normal servants, None if it is not set."""
        return self._named(MODEL)

    @property
    def ultra_model(self) -> str | None:
        """The Ultra's model, None if it is not set."""
        return self._named(ULTRA_MODEL)

    def models(self) -> tuple[str, str]:
        """The models of normal servants and of the Ultra, set or by default; Refusal model_missing."""
        for variable in (MODEL, ULTRA_MODEL):
            if find_known(self._named(variable) or "", self.secrets):
                raise Refusal(
                    "model_missing",
                    "the model in this variable has the key in it",
                    where=Where(variable),
                    next_step=self.how_to_set(variable, "the name of a model"),
                )
        return self.model or DEFAULT_MODEL, self.ultra_model or DEFAULT_ULTRA_MODEL

    @property
    def timeout_ms(self) -> int:
        """How long one servant may take, in ms."""
        return _clamped(self._named(TIMEOUT), *_TIMEOUTS)

    @property
    def timeout(self) -> float:
        """How long one servant may take, in seconds."""
        return self.timeout_ms / 1000

    @property
    def lease_ms(self) -> int:
        """How long a useful text counts, in ms."""
        return _clamped(self._named(LEASE), *_LEASES)


def provider_of(base_url: str) -> str:
    """What the registry calls the service at a base URL."""
    return "sakana" if urlsplit(base_url).hostname == _DEFAULT_HOST else "openai-compatible"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, whatever a name server says."""
    if host.lower() == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _what_is_wrong(text: str) -> str | None:
    if _NOT_IN_A_URL.search(text) or "\\" in text:
        return "has a character that no URL has"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    checks = (
        (parts.scheme in ("https", "http") and bool(host), "is not of the form https://HOST/PATH"),
        ("@" not in parts.netloc, "has a user or a password in it"),
        ("?" not in text and "#" not in text, "has a query or a fragment"),
        (parts.scheme == "https" or is_loopback(host or ""), "is http, and not to a loopback address"),
    )
    return next((why for right, why in checks if not right), None)


def _clamped(text: str | None, least: int, most: int, default: int) -> int:
    if text is None or not (text.isascii() and text.isdecimal()) or not text.strip("0"):
        return default
    digits = text.lstrip("0")
    return most if len(digits) > _LONGEST_NUMBER else min(max(int(digits), least), most)
