"""A request is forwarded only after its decision and its audit record are on disk, and only where it may."""

from __future__ import annotations

import http.client
import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Iterator

import pytest

from foundation.secrets import Secret
from marama_route.core import keys
from tests.stand_in.model_backend import Hang, ModelBackend, Received, completion, whole
from tests.support.gateway import CAPSULE, POLICY, Gateway, Workspace, chat, model, new_key, running


@pytest.fixture
def two(tmp_path: Path, backend: ModelBackend) -> Iterator[Gateway]:
    """A gateway with two tenants, each with its workspace; the second tenant's key is `other`."""
    workspaces = {
        "shop": Workspace(),
        "bank": Workspace({**CAPSULE, "capsule_id": "bank"}, {**POLICY, "tenant": "other"}),
    }
    made = Gateway(
        tmp_path,
        backends={"b": {"base_url": backend.base_url}},
        models=[model()],
        workspaces=workspaces,
    )
    made.other, canary = new_key()  # type: ignore[attr-defined]
    made.canaries.append(canary)
    hashed = keys.hash_of(Secret(made.other))  # type: ignore[attr-defined]
    made.config["tenants"].append(
        {
            "id": "other",
            "purpose": "software_engineering",
            "keys": [{"hash": hashed}],
            "requests_per_minute": 8,
        }
    )
    with made.running():
        yield made


def database(gateway: Gateway) -> Path:
    return gateway.home / ".local" / "share" / "marama-route" / "gateway.sqlite3"


def test_both_records_are_on_disk_when_the_backend_hears_of_it(tmp_path: Path) -> None:
    seen: list[tuple[list[str], list[str]]] = []

    def answer(request: Received) -> Any:
        del request
        with closing(sqlite3.connect(f"file:{database(it)}?mode=ro", uri=True)) as store:
            states = [state for (state,) in store.execute("SELECT state FROM decisions")]
        seen.append((states, [one["kind"] for one in it.audited() if one["decision_id"]]))
        return whole(completion())

    with (
        ModelBackend(answerer=answer) as own,
        running(tmp_path, backends={"b": {"base_url": own.base_url}}, models=[model()]) as it,
    ):
        assert it.chat("hi").status == 200
    assert seen == [(["pending"], ["route"])]


def test_a_store_that_is_held_by_somebody_else_forwards_nothing(
    gateway: Gateway, backend: ModelBackend
) -> None:
    before = len(backend.requests)
    with closing(sqlite3.connect(database(gateway))) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        answer = gateway.chat("hi")
        assert (answer.status, answer.error["code"]) == (503, "not_ready")
        assert int(answer.headers["retry-after"]) > 0
        assert gateway.ask("GET", "/readyz", key=None).status == 503
        holder.rollback()
    assert len(backend.requests) == before
    assert gateway.ask("GET", "/readyz", key=None).status == 200
    assert gateway.chat("hi").status == 200


def test_an_audit_chain_that_cannot_be_written_forwards_nothing(
    gateway: Gateway, backend: ModelBackend
) -> None:
    audit = gateway.workspaces["shop"] / ".sovereigncode" / "audit"
    before = len(backend.requests)
    kept = audit.rename(audit.with_name("kept"))
    audit.write_text("this is a file")
    try:
        for stream in (False, True):
            answer = gateway.chat("hi", stream=stream)
            assert (answer.status, answer.error["code"]) == (503, "not_ready")
        denied = gateway.ask("POST", "/v1/policy/evaluate", {"action": "read"})
        assert denied.status == 503
    finally:
        audit.unlink()
        kept.rename(audit)
    assert len(backend.requests) == before
    answer = gateway.chat("hi")
    assert answer.status == 200
    assert gateway.ask("GET", "/v1/audit/verify").json["holds"] is True


def test_a_chain_that_was_changed_forwards_nothing(tmp_path: Path, backend: ModelBackend) -> None:
    with running(tmp_path, backends={"b": {"base_url": backend.base_url}}, models=[model()]) as it:
        it.recorded(it.chat("hi").headers["x-marama-decision-id"])
        before = len(backend.requests)
        (path,) = (it.workspaces["shop"] / ".sovereigncode" / "audit").glob("*.jsonl")
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-1]))
        answer = it.chat("hi")
        assert (answer.status, answer.error["code"]) == (503, "not_ready")
        assert it.ask("GET", "/v1/audit/verify").json["holds"] is False
        assert len(backend.requests) == before


def test_a_revocation_counts_at_once_and_so_does_a_broken_file(
    gateway: Gateway, backend: ModelBackend
) -> None:
    folder = gateway.workspaces["shop"] / ".sovereigncode"
    capsule, rules = folder / "capsule.json", folder / "tenant-policy.yaml"
    texts = {path: path.read_bytes() for path in (capsule, rules)}
    before = len(backend.requests)
    for path, text, code in (
        (capsule, json.dumps({**CAPSULE, "revoked": True}).encode(), "capsule_revoked"),
        (capsule, b"{", "capsule_invalid"),
        (capsule, None, "capsule_missing"),
        (rules, b"version: 1\ntenant: local\nresidencies: [NZ]\n", "policy_invalid"),
        (rules, b"version: 1\ntenant: other\n", "capsule_missing"),
    ):
        if text is None:
            path.unlink()
        else:
            path.write_bytes(text)
        try:
            answer = gateway.chat("hi")
            assert (answer.status, answer.error["code"]) == (403, "policy_denied"), code
            assert code in answer.error["message"]
            decision = gateway.decision(answer.error["decision_id"])
            assert decision["policy"]["reasons"][0]["code"] == code
        finally:
            path.write_bytes(texts[path])
    assert len(backend.requests) == before
    assert gateway.chat("hi").status == 200


def test_a_tenant_sees_nothing_of_another(two: Gateway, backend: ModelBackend) -> None:
    other: str = two.other  # type: ignore[attr-defined]
    mine = two.chat("hi")
    assert mine.status == 200
    name = mine.headers["x-marama-decision-id"]
    assert two.decision_of(mine)["capsule_id"] == "shop"
    assert two.ask("GET", f"/v1/route/{name}", key=other).error["code"] == "decision_not_found"
    assert (
        two.ask("GET", f"/v1/route/{'rd_' + '0' * 32}", key=other).body
        == two.ask("GET", f"/v1/route/{name}", key=other).body
    )
    before = len(backend.requests)
    records = two.ask("GET", "/v1/audit", key=other).json["data"]
    assert records
    assert all(one["tenant"] == "other" for one in records)
    capsule = {"X-AbteeX-Workspace-Capsule": "shop"}
    stolen = two.ask("POST", "/v1/chat/completions", chat("hi"), key=other, headers=capsule)
    assert stolen.error["code"] == "policy_denied"
    assert "capsule_missing" in stolen.error["message"]
    assert two.ask("GET", "/v1/approvals", key=other).json["data"] == []
    assert len(backend.requests) == before


def test_requests_a_minute(two: Gateway) -> None:
    other: str = two.other  # type: ignore[attr-defined]
    answers = [two.ask("GET", "/v1/models", key=other) for _ in range(9)]
    assert [one.status for one in answers] == [200] * 8 + [429]
    assert answers[-1].error["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert two.ask("GET", "/v1/models").status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_cancels_the_backend_and_is_on_record(
    gateway: Gateway, backend: ModelBackend, stream: bool
) -> None:
    before = len(backend.requests)
    backend.answers = [[Hang()]]
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    key = {"Authorization": f"Bearer {gateway.key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(chat("hi", stream=stream)), key)
    request = backend.wait(before + 1)
    newest = [one for one in gateway.audited() if one["kind"] == "route"][-1]["decision_id"]
    connection.close()
    assert request.gone.wait(10)
    backend.answers = []
    assert gateway.recorded(newest)[-1]["decision"] == "cancelled"
    assert gateway.ended_decision(newest)["outcome"]["state"] == "cancelled"


def test_a_client_that_goes_as_soon_as_it_has_its_answer_cancelled_nothing(gateway: Gateway) -> None:
    body = json.dumps(chat("hi")).encode()
    said = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    data = f"{said}Authorization: Bearer {gateway.key}\r\n\r\n".encode() + body
    for _ in range(20):
        with closing(socket.create_connection(("127.0.0.1", gateway.port), 30)) as connection:
            connection.sendall(data)
            found = b""
            while b'"usage"' not in found:
                found += connection.recv(65536)
            assert found
        newest = [one for one in gateway.audited() if one["kind"] == "route"][-1]["decision_id"]
        assert gateway.recorded(newest)[-1]["decision"] == "completed"


def test_the_log_says_how_a_chat_ended(gateway: Gateway) -> None:
    identity = gateway.chat("hi").headers["x-marama-decision-id"]
    gateway.ended_decision(identity)
    (line,) = (one for one in gateway.logged if one.get("decision_id") == identity)
    assert (line["outcome"], line["finish_reason"], line["attempts"]) == ("completed", "stop", 1)
    assert line["model"] == "lumynax/coder"
    assert line["prompt_tokens"] > 0


def test_a_header_for_traces_carries_no_text(gateway: Gateway, backend: ModelBackend) -> None:
    good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for sent, expected in ((good, good), ("the patient is Ada", None)):
        assert (
            gateway.ask("POST", "/v1/chat/completions", chat("hi"), headers={"traceparent": sent}).status
            == 200
        )
        assert backend.requests[-1].header("traceparent") == expected
