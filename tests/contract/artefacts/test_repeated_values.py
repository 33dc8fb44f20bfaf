"""Values of GonkaGate that other programs repeat are those of the setup's catalog."""

from __future__ import annotations

import hashlib
from typing import Any

import yaml

from gonkagate_setup.catalog import GONKAGATE
from marama_route import places
from marama_route.commands.init import texts
from sovereigncode.content import check
from sovereigncode.content.verdicts import Verdicts


def configuration() -> Any:
    start = texts.Start("local", "NZ", (), (), (), "~/key")
    return yaml.safe_load(texts.configuration(start))


def test_the_gateway_looks_for_the_key_where_the_setup_stores_it() -> None:
    assert (*GONKAGATE.folder, GONKAGATE.key_file) == places.GONKAGATE_KEY


def test_the_gateway_asks_the_address_that_the_setup_writes() -> None:
    assert configuration()["backends"]["gonkagate"]["base_url"] == GONKAGATE.base_url


def test_the_gateway_offers_models_that_the_setup_offers() -> None:
    known = {model.upstream_id: model for model in GONKAGATE.models}
    found = configuration()["models"]
    assert found
    for one in found:
        model = known[one.get("upstream_model", one["id"])]
        if model.limit is None:
            assert str(one["context_tokens"]) in (model.note or "")
        else:
            assert one["context_tokens"] == model.limit.context
        assert one.get("supports_tools", False) is model.compatibility.get("tool_call", False)


def test_the_content_check_finds_a_key_of_this_shape() -> None:
    key = GONKAGATE.key_prefix + hashlib.sha256(b"a key of this test").hexdigest()
    payload = {"messages": [{"role": "user", "content": f"use {key} here"}]}
    assert check(payload, Verdicts(b"a key of this test")).findings.credentials
