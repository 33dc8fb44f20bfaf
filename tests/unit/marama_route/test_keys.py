"""Keys: their form, the hash that is kept, and the holder that is found."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from foundation.secrets import Secret
from marama_route.core.keys import Holder, Key, Role, find, hash_of, made, presented

ONE, TWO, OTHER = (made(bytes([number]) * 32) for number in (1, 2, 3))
KNOWN = ((Key(hash_of(ONE)), "acme"), (Key(hash_of(TWO), Role.APPROVER), "local"))


def test_a_key_is_mr_and_43_characters() -> None:
    text = made(bytes(range(32))).reveal()
    assert text == "mr_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert re.fullmatch("mr_[A-Za-z0-9_-]{43}", made(b"\xff" * 32).reveal())
    assert "mr_" not in repr(made(bytes(32)))
    with pytest.raises(ValueError, match="32 bytes"):
        made(bytes(31))


def test_the_hash_is_of_the_whole_text() -> None:
    assert hash_of(ONE) == "sha256:" + hashlib.sha256(ONE.reveal().encode()).hexdigest()


def test_the_holder_of_a_key() -> None:
    assert find(ONE, KNOWN) == Holder("acme", Role.CLIENT)
    assert find(TWO, KNOWN) == Holder("local", Role.APPROVER)
    for nobody in (OTHER, None, Secret("")):
        assert find(nobody, KNOWN) is None
    assert find(None, [(Key(hash_of(Secret(""))), "acme")]) is None


def test_every_entry_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []

    def counting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("marama_route.core.keys.hmac.compare_digest", counting)
    for key in (ONE, TWO, OTHER, None):
        compared.clear()
        find(key, KNOWN)
        assert len(compared) == len(KNOWN)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_a_key_in_a_header(scheme: str) -> None:
    assert presented(scheme + ONE.reveal()) == ONE


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic {}",
        "{}",
        "Bearer {}x",
        "Bearer {} x",
        "Bearer mr_",
        "Bearer sk-1",
        "Bearer {}\n",
    ],
)
def test_a_header_without_a_key(header: str | None) -> None:
    assert presented(header if header is None else header.format(ONE.reveal())) is None
