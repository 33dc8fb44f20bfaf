"""Every status of the contract, and the order of the checks: a backend hears of nothing that is refused."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.stand_in.model_backend import ModelBackend
from tests.support.asked import Answer
from tests.support.content_samples import private_key
from tests.support.gateway import Gateway, chat

MAIL = "write to jo@" + "acme-widgets.co.nz"
CHAT = "/v1/chat/completions"
REVOKED = {"X-AbteeX-Workspace-Capsule": "not-there"}


@pytest.fixture(autouse=True)
def _nothing_leaves(backend: ModelBackend, request: pytest.FixtureRequest) -> Any:
    before = len(backend.requests)
    yield
    if "heard" not in request.fixturenames:
        assert len(backend.requests) == before


@pytest.fixture
def heard() -> None:
    """This test lets a request reach the backend."""


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert (answer.status, answer.error["code"]) == (status, code), answer.body
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["content-type"] == "application/json"
    assert ("retry-after" in answer.headers) == (status in (429, 502, 503, 504))
    decided = answer.headers.get("x-marama-decision-id")
    assert answer.error["decision_id"] == decided
    return answer.error


def test_a_chat_is_answered(gateway: Gateway, heard: None) -> None:
    answer = gateway.chat("hi")
    assert answer.status == 200
    assert answer.json["model"] == "lumynax/coder"
    assert answer.headers["x-marama-model"] == "lumynax/coder"
    assert answer.headers["x-marama-policy"] == "allow_with_obligations"
    assert answer.headers["x-request-id"].startswith("req_")
    decision = gateway.decision_of(answer)
    assert decision["outcome"]["state"] == "completed"
    assert decision["requested_model"] == "lumynax/auto"
    assert decision["attempts"][0]["model"] == "lumynax/coder"
    found = gateway.recorded(decision["id"])
    kinds = [(one["kind"], one["decision"]) for one in found]
    assert kinds == [("route", "allow_with_obligations"), ("outcome", "completed")]


def test_a_stream_is_answered(gateway: Gateway, heard: None) -> None:
    answer = gateway.chat("hi", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.text, answer.events[-1]) == ("Hello", "[DONE]")
    assert gateway.decision_of(answer)["outcome"]["finish_reason"] == "stop"


@pytest.mark.parametrize("key", [None, "mr_" + "x" * 43, "sk-something"])
def test_401_before_anything_else_is_read(gateway: Gateway, key: str | None) -> None:
    error = refused(gateway.ask("POST", CHAT, b"\xff{", key=key, headers=REVOKED), 401, "invalid_api_key")
    assert error["decision_id"] is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b"null", None),
        (b'{"model": "lumynax/auto", "model": "x", "messages": [{"role": "user", "content": "x"}]}', None),
        (b'{"model": NaN}', None),
        (b"\xff\xfe", None),
        (b'{"model": "lumynax/auto", "messages": [{"role": "user", "content": "\xff"}]}', None),
        (b'{"a":' * 100_000, None),
        (b"[" * 100_000 + b"]" * 100_000, None),
        ({"messages": [{"role": "user", "content": "x"}]}, "model"),
        ({"model": "", "messages": [{"role": "user", "content": "x"}]}, "model"),
        ({"model": "lumynax/auto"}, "messages"),
        (chat("x", messages=[]), "messages"),
        (chat("x", messages="hi"), "messages"),
        (chat("x", messages=[{"role": "robot", "content": "x"}]), "messages[0].role"),
        (chat("x", messages=[{"role": "user", "content": 5}]), "messages[0].content"),
        (chat("x", stream="yes"), "stream"),
        (chat("x", max_tokens=-1), "max_tokens"),
        (chat("x", tools={"a": 1}), "tools"),
        (chat("x", route={"requires_local": "yes"}), "route.requires_local"),
    ],
)
def test_400_before_the_capsule_is_looked_at(gateway: Gateway, body: Any, param: str | None) -> None:
    error = refused(gateway.ask("POST", CHAT, body, headers=REVOKED), 400, "invalid_request")
    assert error["param"] == param


def test_malformed_json_cut_at_every_byte(gateway: Gateway) -> None:
    whole = json.dumps(chat("x é", tools=[{"type": "function"}], stream=True), ensure_ascii=False).encode()
    for end in range(len(whole)):
        refused(gateway.ask("POST", CHAT, whole[:end]), 400, "invalid_request")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-AbteeX-Route-Sensitivity", "secret"),
        ("X-AbteeX-Workspace-Capsule", "a capsule"),
        ("X-Session-Id", "x" * 2000),
    ],
)
def test_400_for_a_header(gateway: Gateway, name: str, value: str) -> None:
    error = refused(gateway.ask("POST", CHAT, chat("x"), headers={name: value}), 400, "invalid_request")
    assert error["param"] == name.lower()


def test_403_for_another_tenant_before_the_body(gateway: Gateway) -> None:
    answer = gateway.ask("POST", CHAT, b"{", headers={"X-AbteeX-Tenant": "other"})
    refused(answer, 403, "tenant_mismatch")


def test_403_without_a_capsule_before_content_and_model(gateway: Gateway) -> None:
    error = refused(gateway.ask("POST", CHAT, chat(MAIL, "no/such"), headers=REVOKED), 403, "policy_denied")
    assert "capsule_missing" in error["message"]
    decision = gateway.decision(error["decision_id"])
    assert decision["outcome"]["state"] == "denied"
    assert [one["code"] for one in decision["policy"]["reasons"]] == ["capsule_missing"]


def test_403_for_a_purpose_before_content(gateway: Gateway) -> None:
    headers = {"X-AbteeX-Consent-Scope": "x"}
    answer = gateway.ask("POST", CHAT, chat(MAIL, "acme/us"), headers=headers)
    error = refused(answer, 403, "policy_denied")
    assert "region_not_resident" in error["message"]


def test_403_for_content_before_the_model_and_without_its_values(gateway: Gateway) -> None:
    for name in ("lumynax/auto", "no/such", "acme/small"):
        error = refused(gateway.ask("POST", CHAT, chat(MAIL, name)), 403, "personal_details_found")
        assert "1 email_address" in error["message"]
        assert "acme-widgets" not in json.dumps(error)
    decision = gateway.decision(error["decision_id"])
    assert "acme-widgets" not in json.dumps(decision)
    kinds = [one["kind"] for one in gateway.recorded(decision["id"], "route")]
    assert kinds == ["content", "route"]


def test_403_for_credentials(gateway: Gateway) -> None:
    text = private_key(random.Random(1))
    refused(gateway.ask("POST", CHAT, chat(text)), 403, "credentials_found")


def test_403_for_a_model_that_the_policy_denies(gateway: Gateway) -> None:
    refused(gateway.ask("POST", CHAT, chat("x", "acme/never")), 403, "model_denied")


@pytest.mark.parametrize("name", ["no/such", "lumynax/coder2", "LUMYNAX/CODER", "upstream-model"])
def test_404_for_a_model(gateway: Gateway, name: str) -> None:
    assert refused(gateway.ask("POST", CHAT, chat("x", name)), 404, "model_not_found")["decision_id"] is None
    refused(gateway.ask("GET", f"/v1/models/{name}"), 404, "model_not_found")


@pytest.mark.parametrize("path", [CHAT, "/v1/route"])
def test_422_says_why_each_model_was_rejected(gateway: Gateway, path: str) -> None:
    answer = gateway.ask("POST", path, chat("x" * 100, "acme/small"))
    error = refused(answer, 422, "no_eligible_model")
    assert "acme/small: context_too_small" in error["message"]
    assert gateway.decision(error["decision_id"])["rejected"][0]["reason"] == "context_too_small"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/route/rd_" + "0" * 32),
        ("GET", "/v1/route/rd_'; DROP TABLE decisions; --"),
        ("GET", "/v1/approvals/ap_" + "0" * 32),
        ("GET", "/v1/approvals/..%2f..%2fcapsule"),
    ],
)
def test_404_for_what_is_not_there(gateway: Gateway, method: str, path: str) -> None:
    code = "decision_not_found" if "route" in path else "approval_not_found"
    refused(gateway.ask(method, path.replace(" ", "%20")), 404, code)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/console/", 404),
        ("POST", "/v1/models", 405),
        ("DELETE", "/v1/approvals/x", 405),
        ("OPTIONS", CHAT, 405),
        ("PATCH", CHAT, 405),
        ("HEAD", "/healthz", 405),
    ],
)
def test_paths_and_methods_that_do_not_exist(gateway: Gateway, method: str, path: str, status: int) -> None:
    answer = gateway.ask(method, path)
    assert answer.status == status
    assert answer.headers["x-request-id"].startswith("req_")
    if method != "HEAD":
        assert answer.error["code"] == "invalid_request"
    assert ("allow" in answer.headers) == (status == 405)


def test_approvals_are_decided_with_an_approver_key_only(gateway: Gateway) -> None:
    path = "/v1/approvals/ap_" + "0" * 32
    refused(gateway.ask("POST", path, {"decision": "approve"}), 403, "approver_key_required")
    refused(gateway.ask("POST", path, {"decision": "maybe"}, key=gateway.approver), 400, "invalid_request")
    refused(
        gateway.ask("POST", path, {"decision": "approve"}, key=gateway.approver), 404, "approval_not_found"
    )


def test_413_for_seventeen_mebibytes(gateway: Gateway) -> None:
    body = json.dumps(chat("x" * (17 << 20))).encode()
    refused(gateway.ask("POST", CHAT, body), 413, "request_too_large")


def test_ten_thousand_messages(gateway: Gateway, heard: None) -> None:
    messages = [{"role": "user", "content": f"line {number}"} for number in range(10_000)]
    assert gateway.ask("POST", CHAT, chat("x", messages=messages)).status == 200


def test_what_is_nested_deep_but_valid_is_answered_without_a_fault(gateway: Gateway, heard: None) -> None:
    inner: Any = "x"
    for _ in range(200):
        inner = {"a": [inner]}
    answer = gateway.ask("POST", CHAT, chat("x", extra=inner))
    assert answer.status in (200, 400)
    assert answer.status == 200 or answer.error["code"] == "invalid_request"


def test_models_are_those_that_the_policy_allows(gateway: Gateway) -> None:
    listed = gateway.ask("GET", "/v1/models").json
    names = [one["id"] for one in listed["data"]]
    assert listed["object"] == "list"
    assert {"lumynax/auto", "lumynax/coder", "acme/small"} <= set(names)
    assert {"acme/us", "acme/never"}.isdisjoint(names)
    assert gateway.ask("GET", "/v1/models/lumynax/coder").json == next(
        one for one in listed["data"] if one["id"] == "lumynax/coder"
    )
    assert gateway.ask("GET", "/v1/models/lumynax%2Fcoder").json["context_length"] == 131072
    refused(gateway.ask("GET", "/v1/models/acme/us"), 404, "model_not_found")


def test_route_decides_without_running_a_model(gateway: Gateway) -> None:
    answer = gateway.ask("POST", "/v1/route", {"prompt": f"hi {gateway.word}", "model": "lumynax/code"})
    assert answer.status == 200
    assert (answer.json["dry_run"], answer.json["outcome"]["state"]) == (True, "dry_run")
    assert answer.json["selected_model"] == "lumynax/coder"
    assert gateway.decision(answer.json["id"]) == answer.json
    assert gateway.word not in answer.body.decode()


def test_policy_evaluate(gateway: Gateway) -> None:
    request = {"action": "publish", "model_id": "acme/never", "purpose": "software_engineering"}
    answer = gateway.ask("POST", "/v1/policy/evaluate", request)
    assert answer.status == 200
    assert answer.json["decision"] == "deny"
    codes = {one["code"] for one in answer.json["reasons"]}
    assert codes == {"model_denied", "approval_required"}
    assert [one["kind"] for one in gateway.recorded(answer.json["id"], "policy")] == ["policy"]
    error = refused(gateway.ask("POST", "/v1/policy/evaluate", {"action": 5}), 400, "invalid_request")
    assert error["param"] == "action"


def test_audit(gateway: Gateway) -> None:
    records = gateway.ask("GET", "/v1/audit?limit=1000").json["data"]
    assert records == gateway.audited()[: len(records)]
    second = gateway.ask("GET", f"/v1/audit?after={records[0]['seq']}&limit=1").json["data"]
    assert [one["seq"] for one in second] == [records[1]["seq"]]
    assert gateway.ask("GET", "/v1/audit/verify").json["holds"] is True
    for query in ("after=-1", "after=x", "limit=1001", "after=" + "9" * 30):
        refused(gateway.ask("GET", f"/v1/audit?{query}"), 400, "invalid_request")


def test_health_needs_no_key_here(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/healthz", key=None).json == {"status": "ok"}
    assert gateway.ask("GET", "/readyz", key=None).json["status"] == "ready"
    numbers = gateway.ask("GET", "/metrics", key=None)
    assert b"marama_route_requests_total" in numbers.body
    for secret in (*gateway.word.split(), gateway.key, gateway.approver):
        assert secret.encode() not in numbers.body
    assert gateway.ask("GET", "/openapi.json", key=None).json["openapi"] == "3.1.0"


def test_a_backends_own_error_is_passed_on_in_the_envelope(
    gateway: Gateway, backend: ModelBackend, heard: None
) -> None:
    from tests.stand_in.model_backend import error

    backend.answers = [error(422, "the temperature is too high", code="bad_temperature")]
    try:
        answer = gateway.chat("hi")
        assert (answer.status, answer.error["code"]) == (422, "bad_temperature")
        backend.answers = [error(500)]
        failed = gateway.chat("hi", route={"max_fallbacks": 0})
        refused(failed, 502, "backend_failed")
        assert gateway.decision_of(failed)["outcome"]["state"] == "failed"
    finally:
        backend.answers = []
