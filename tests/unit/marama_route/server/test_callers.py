"""Who asks: keys, roles, and how many requests are left."""

from __future__ import annotations

import hashlib

import pytest

from marama_route.core.config import Config, read
from marama_route.core.errors import RequestRefusal
from marama_route.deciding.callers import Callers, require_approver

CLIENT = "mr_" + "c" * 43
APPROVER = "mr_" + "a" * 43


def configured(a_minute: int = 2, tenant: str = "acme") -> Config:
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in (CLIENT, APPROVER)]
    text = f"""
version: 1
tenants:
  - id: {tenant}
    requests_per_minute: {a_minute}
    keys: [{{hash: "sha256:{hashes[0]}"}}, {{hash: "sha256:{hashes[1]}", role: approver}}]
"""
    config, mistakes = read(text.encode(), "config.yaml")
    assert config is not None, mistakes
    return config


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def code(callers: Callers, text: str | None) -> str:
    with pytest.raises(RequestRefusal) as caught:
        callers.known(text)
    assert caught.value.message == "there is no valid key in the header Authorization"
    return caught.value.kind


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        f"Basic {CLIENT}",
        CLIENT,
        f"Bearer {CLIENT}x",
        f"Bearer {CLIENT[:-1]}",
        "Bearer mr_",
    ],
)
def test_everything_but_a_known_key_is_refused_in_the_same_words(header: str | None) -> None:
    assert code(Callers(configured(), Clock()), header) == "invalid_api_key"


def test_a_key_has_its_tenant_its_role_and_a_name_that_is_not_the_key() -> None:
    callers = Callers(configured(), Clock())
    client, approver = callers.known(f"Bearer {CLIENT}"), callers.known(f"bearer {APPROVER}")
    assert (client.tenant.id, approver.tenant.id) == ("acme", "acme")
    assert client.actor == "key:" + hashlib.sha256(CLIENT.encode()).hexdigest()[:12]
    require_approver(approver)
    with pytest.raises(RequestRefusal) as caught:
        require_approver(client)
    assert caught.value.kind == "approver_key_required"


def test_so_many_requests_at_once_and_then_evenly_more() -> None:
    clock = Clock()
    callers = Callers(configured(2), clock)
    caller = callers.known(f"Bearer {CLIENT}")
    callers.count(caller)
    callers.count(caller)
    with pytest.raises(RequestRefusal) as caught:
        callers.count(caller)
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limited", 30)
    clock.now += 29.9
    with pytest.raises(RequestRefusal) as caught:
        callers.count(caller)
    assert caught.value.retry_after == 1
    clock.now += 0.2
    callers.count(caller)


def test_none_a_minute_is_none() -> None:
    callers = Callers(configured(0), Clock())
    with pytest.raises(RequestRefusal) as caught:
        callers.count(callers.known(f"Bearer {CLIENT}"))
    assert caught.value.retry_after == 60


def test_a_configuration_that_is_read_again_does_not_forget_what_was_sent() -> None:
    clock = Clock()
    before = Callers(configured(1), clock)
    before.count(before.known(f"Bearer {CLIENT}"))
    again = Callers(configured(1), clock, before.allowances)
    with pytest.raises(RequestRefusal):
        again.count(again.known(f"Bearer {CLIENT}"))
    more = Callers(configured(3), clock, before.allowances)
    more.count(more.known(f"Bearer {CLIENT}"))
