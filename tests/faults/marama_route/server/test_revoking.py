"""A capsule that is revoked while an answer runs ends the answer, and no other model is asked."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.stand_in.model_backend import Hang, ModelBackend, chunk, stream
from tests.support.gateway import CAPSULE, Gateway, chat, model, running


def revoke(gateway: Gateway) -> None:
    path = gateway.workspaces["shop"] / ".sovereigncode" / "capsule.json"
    path.write_text(json.dumps({**CAPSULE, "revoked": True}), encoding="utf-8")


@pytest.fixture
def backend() -> Iterator[ModelBackend]:
    with ModelBackend() as made:
        yield made


@pytest.fixture
def gateway(tmp_path: Path, backend: ModelBackend) -> Iterator[Gateway]:
    models = [model(), model("lumynax/second", quality_rank=9)]
    with running(tmp_path, backends={"b": {"base_url": backend.base_url}}, models=models) as it:
        yield it


@contextmanager
def posted(gateway: Gateway, **fields: Any) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(chat("hi", **fields)), headers)
    with closing(connection), connection.getresponse() as response:
        yield response


def test_a_running_stream_ends_with_the_reason(gateway: Gateway, backend: ModelBackend) -> None:
    backend.answers = [stream(chunk("One "), Hang())]
    with posted(gateway, stream=True) as response:
        assert b"One " in response.readline()
        revoke(gateway)
        rest = response.read().decode()
        identity = response.headers["x-marama-decision-id"]
    assert "capsule_revoked" in rest
    assert '"finish_reason":"content_filter"' in rest
    assert rest.endswith("data: [DONE]\n\n")
    outcome = gateway.ended_decision(identity)["outcome"]
    assert (outcome["state"], outcome["finish_reason"]) == ("denied", "content_filter")
    assert len(backend.requests) == 1


@pytest.mark.parametrize("streaming", [False, True])
def test_before_the_first_byte_it_is_a_denial(
    gateway: Gateway, backend: ModelBackend, streaming: bool
) -> None:
    backend.answers = [[Hang()]]

    def later() -> None:
        backend.wait()
        revoke(gateway)

    waiting = threading.Thread(target=later)
    waiting.start()
    with posted(gateway, stream=streaming) as response:
        error = json.loads(response.read())["error"]
    waiting.join()
    assert (response.status, error["code"]) == (403, "policy_denied")
    assert "capsule_revoked" in error["message"]
    assert gateway.ended_decision(error["decision_id"])["outcome"]["state"] == "denied"
    assert len(backend.requests) == 1
