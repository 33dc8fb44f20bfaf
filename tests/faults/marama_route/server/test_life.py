"""How the gateway begins, reads its configuration again, and ends: every decision has an outcome."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.model_backend import Hang, ModelBackend, Reset, Until, chunk, finish, stream
from tests.support.gateway import Gateway, Workspace, chat, model, running

_BOUND = 60.0


def logged(gateway: Gateway, event: str) -> dict[str, Any]:
    end = time.monotonic() + _BOUND
    while True:
        found = [one for one in gateway.logged if one["event"] == event]
        if found:
            return found[-1]
        assert time.monotonic() < end, gateway.said
        time.sleep(0.05)


def opened(gateway: Gateway, **fields: Any) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=_BOUND)
    body = json.dumps(chat(f"hi {gateway.word}", stream=True, **fields))
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {gateway.key}"})
    return connection, connection.getresponse()


def test_a_stream_that_is_open_is_finished_after_sigterm(tmp_path: Path) -> None:
    go = threading.Event()
    with ModelBackend() as backend:
        backend.answers = [stream(chunk("first"), Until(go), chunk("last"), finish())]
        it = Gateway(tmp_path, backends={"b": {"base_url": backend.base_url}}, models=[model()])
        it.start()
        try:
            connection, answer = opened(it)
            assert b"first" in answer.read1(65536)
            it.signal(signal.SIGTERM)
            end = time.monotonic() + _BOUND
            while True:
                try:
                    it.ask("GET", "/healthz", key=None, seconds=5)
                except OSError:
                    break
                assert time.monotonic() < end
                time.sleep(0.05)
            go.set()
            rest = answer.read()
            assert b"last" in rest
            assert rest.endswith(b"data: [DONE]\n\n")
            connection.close()
        finally:
            go.set()
            it.stop()
    ends = [one["decision"] for one in it.audited() if one["kind"] == "outcome"]
    assert ends == ["completed"]
    assert it.leaks() == []


def test_every_outcome_is_on_record_when_it_has_ended(tmp_path: Path) -> None:
    def ask() -> None:
        answers.extend(it.chat("hi", stream=number % 2 == 0).status for number in range(12))

    answers: list[int] = []
    with ModelBackend() as backend:
        options: dict[str, Any] = {"backends": {"b": {"base_url": backend.base_url}}, "models": [model()]}
        with running(tmp_path, **options) as it:
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for one in threads:
                one.start()
            for one in threads:
                one.join(_BOUND)
    assert answers == [200] * 96
    kinds = [(one["decision_id"], one["kind"]) for one in it.audited() if one["decision_id"]]
    assert len(kinds) == len(set(kinds)) == 192
    with it.running():
        ids = {name for name, _ in kinds}
        assert {it.decision(name)["outcome"]["state"] for name in sorted(ids)[:10]} == {"completed"}
        assert it.ask("GET", "/v1/audit/verify").json["holds"] is True


def test_a_gateway_that_was_killed_leaves_no_decision_pending(tmp_path: Path) -> None:
    with ModelBackend() as backend:
        backend.answers = [[Hang()]]
        it = Gateway(tmp_path, backends={"b": {"base_url": backend.base_url}}, models=[model()])
        it.start()
        connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=_BOUND)
        body = json.dumps(chat(f"hi {it.word}"))
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {it.key}"})
        backend.wait(1)
        (name,) = {one["decision_id"] for one in it.audited() if one["kind"] == "route"}
        it.signal(signal.SIGKILL)
        with pytest.raises(AssertionError):
            it.stop()
        connection.close()
        with it.running():
            assert it.decision(name)["outcome"]["state"] == "failed"
            assert it.ask("GET", "/v1/audit/verify").json["holds"] is True


def test_sighup_reads_the_configuration_again(tmp_path: Path) -> None:
    with ModelBackend() as backend:
        options: dict[str, Any] = {"backends": {"b": {"base_url": backend.base_url}}, "models": [model()]}
        with running(tmp_path, **options) as it:
            whole = json.loads(json.dumps(it.config))
            assert it.ask("GET", "/v1/models/acme/new").status == 404
            it.config["models"] = [model(), model("acme/new")]
            it.write_config()
            it.signal(signal.SIGHUP)
            read = logged(it, "configuration_read")
            assert it.ask("GET", "/v1/models/acme/new").status == 200
            hashes = [one["request_hash"] for one in it.audited() if one["kind"] == "config"]
            assert len(hashes) == 2
            assert hashes[-1] == read["config_hash"]

            it.config_file.write_text(json.dumps({**whole, "modles": []}))
            it.signal(signal.SIGHUP)
            assert logged(it, "configuration_refused")["code"] == "config_invalid"
            assert it.ask("GET", "/v1/models/acme/new").status == 200

            it.config_file.write_text(json.dumps({**whole, "tenants": [{"id": "local", "keys": []}]}))
            it.signal(signal.SIGHUP)
            end = time.monotonic() + _BOUND
            while logged(it, "configuration_refused")["code"] != "key_missing":
                assert time.monotonic() < end
                time.sleep(0.05)
            assert it.ask("GET", "/v1/models").status == 200


def test_a_key_that_is_taken_out_does_not_work_after_sighup(tmp_path: Path) -> None:
    with ModelBackend() as backend:
        options: dict[str, Any] = {"backends": {"b": {"base_url": backend.base_url}}, "models": [model()]}
        with running(tmp_path, **options) as it:
            it.config["tenants"][0]["keys"] = it.config["tenants"][0]["keys"][1:]
            it.write_config()
            it.signal(signal.SIGHUP)
            logged(it, "configuration_read")
            assert it.ask("GET", "/v1/models").status == 401
            assert it.ask("GET", "/v1/models", key=it.approver).status == 200


def test_one_bad_folder_does_not_stop_the_others(tmp_path: Path) -> None:
    bad = {"gone": Workspace(None, None), "bad": Workspace({"capsule_id": "bad"}, None)}
    with ModelBackend() as backend:
        options: dict[str, Any] = {"backends": {"b": {"base_url": backend.base_url}}, "models": [model()]}
        with running(tmp_path, workspaces={**bad, "shop": Workspace()}, **options) as it:
            headers = {"X-AbteeX-Workspace-Capsule": "shop"}
            assert it.ask("POST", "/v1/chat/completions", chat("hi"), headers=headers).status == 200
            assert it.chat("hi").error["code"] == "policy_denied"
            assert "denies everything" in it.said


@pytest.mark.parametrize(
    ("change", "arguments", "code"),
    [
        ({"listen": "0.0.0.0:8787"}, [], "listen_refused"),
        ({}, ["--listen", "[::]:8787"], "listen_refused"),
        ({"tenants": [{"id": "local"}]}, [], "key_missing"),
        ({"modles": []}, [], "config_invalid"),
        ({}, ["--listen", "nowhere"], "usage_error"),
    ],
)
def test_it_does_not_begin(tmp_path: Path, change: dict[str, Any], arguments: list[str], code: str) -> None:
    it = Gateway(tmp_path, backends={"b": {"base_url": "http://127.0.0.1:9/v1"}}, models=[model()])
    it.config.update(change)
    it.write_config()
    done = subprocess.run(
        [sys.executable, "-m", "marama_route", "serve", "--json", *arguments],
        cwd=it.home,
        env=it.environment,
        capture_output=True,
        timeout=_BOUND,
        check=False,
    )
    assert json.loads(done.stdout)["error"]["code"] == code
    assert done.returncode in (2, 5)


def test_behind_tls_the_numbers_need_an_approver(tmp_path: Path) -> None:
    it = Gateway(tmp_path, backends={"b": {"base_url": "http://127.0.0.1:9/v1"}}, models=[model()])
    it.start("--behind-tls")
    try:
        assert it.ask("GET", "/metrics", key=None).error["code"] == "invalid_api_key"
        assert it.ask("GET", "/metrics").error["code"] == "approver_key_required"
        assert it.ask("GET", "/metrics", key=it.approver).status == 200
        assert it.ask("GET", "/healthz", key=None).status == 200
    finally:
        it.stop()


def test_other_origins_need_to_be_on_the_list(tmp_path: Path) -> None:
    listed = {"cors": ["https://console.example"]}
    with running(
        tmp_path, backends={"b": {"base_url": "http://127.0.0.1:9/v1"}}, models=[model()], **listed
    ) as it:
        asks = {"Origin": "https://console.example", "Access-Control-Request-Method": "POST"}
        answer = it.ask("OPTIONS", "/v1/chat/completions", key=None, headers=asks)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "https://console.example"
        assert "authorization" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        for origin in ("https://evil.example", "null", "https://console.example.evil"):
            other = it.ask("OPTIONS", "/v1/chat/completions", key=None, headers={"Origin": origin})
            assert other.status == 405
            assert (
                "access-control-allow-origin"
                not in it.ask("GET", "/v1/models", headers={"Origin": origin}).headers
            )


def test_a_backend_that_gets_another_address_gets_no_request_that_was_decided_before(tmp_path: Path) -> None:
    go = threading.Event()
    with ModelBackend([[Until(go), Reset()]]) as slow, ModelBackend() as before, ModelBackend() as other:
        options: dict[str, Any] = {
            "backends": {"a": {"base_url": slow.base_url}, "b": {"base_url": before.base_url}},
            "models": [model(backend="a"), model("lumynax/second", "b", quality_rank=9)],
        }
        with running(tmp_path, **options) as it:
            answers: list[int] = []
            asking = threading.Thread(target=lambda: answers.append(it.chat("hi").status))
            asking.start()
            slow.wait()
            it.config["backends"]["b"] = {"base_url": other.base_url}
            it.write_config()
            it.signal(signal.SIGHUP)
            logged(it, "configuration_read")
            go.set()
            asking.join()
            assert answers == [200]
            assert (len(before.requests), len(other.requests)) == (1, 0)
            assert it.chat("hi", name="lumynax/second").status == 200
            assert (len(before.requests), len(other.requests)) == (1, 1)
