"""The decision's object, its id, its hashes; the table of errors and the envelope."""

from __future__ import annotations

import json
import uuid

import pytest

from foundation.errors import Refusal
from marama_route.core.decision import (
    Attempt,
    Outcome,
    RouteDecision,
    State,
    first_outcome,
    new_id,
    request_hash,
)
from marama_route.core.errors import CODES, RequestRefusal, envelope, from_backend, invalid
from tests.unit.marama_route.asking import CHAT, MODEL, hints, named, registry, routed

# Section 5 of the contract: code -> status.
STATUSES = {
    "invalid_request": 400,
    "invalid_api_key": 401,
    "policy_denied": 403,
    "model_denied": 403,
    "tenant_mismatch": 403,
    "personal_details_found": 403,
    "credentials_found": 403,
    "approver_key_required": 403,
    "model_not_found": 404,
    "decision_not_found": 404,
    "approval_not_found": 404,
    "approval_decided": 409,
    "request_too_large": 413,
    "no_eligible_model": 422,
    "rate_limited": 429,
    "backend_failed": 502,
    "backend_timeout": 504,
    "not_ready": 503,
}
FIELDS = (
    "id object created expires tenant workspace capsule_id session_id requested_model dry_run request "
    "selected_model fallback_models rejected scores reasons policy request_hash config_hash attempts outcome "
    "approvals"
)


def decision() -> RouteDecision:
    found = routed(registry(MODEL, named("n"), named("us", residency=("US",))), CHAT)
    return RouteDecision(
        id=new_id(0, bytes(10)),
        created=1,
        expires=2,
        tenant="t",
        workspace="/shop",
        capsule_id="c",
        session_id=None,
        requested_model="lumynax/auto",
        dry_run=False,
        request=hints(CHAT),
        routed=found,
        request_hash=request_hash(b"{}"),
        config_hash="sha256:0",
        outcome=first_outcome(found, dry_run=False),
    )


def test_the_object_has_the_fields_of_the_contract() -> None:
    shown = decision().to_json()
    assert list(shown) == FIELDS.split()
    assert json.loads(json.dumps(shown)) == shown
    assert shown["object"] == "route.decision"
    assert (shown["selected_model"], shown["fallback_models"]) == ("m", ["n"])
    assert shown["rejected"] == [{"model": "us", "reason": "policy_denied", "detail": "region_not_resident"}]
    assert shown["scores"] == {"m": 5.5, "n": 5.5}
    assert list(shown["policy"]) == ["decision", "reasons", "obligations", "audit_tags"]
    assert shown["policy"]["decision"] == "allow_with_obligations"
    assert shown["outcome"] == {"state": "pending", "finish_reason": None, "usage": None}


def test_a_decision_ends_once() -> None:
    attempt = Attempt("m", "b", 200, None, 3, 9)
    ended = (
        decision()
        .tried(attempt)
        .with_approval("ap_1")
        .ended(Outcome(State.COMPLETED, "stop", {"prompt_tokens": 0}))
    )
    shown = ended.to_json()
    assert shown["attempts"] == [
        {
            "model": "m",
            "backend": "b",
            "status": 200,
            "error": None,
            "first_byte_ms": 3,
            "duration_ms": 9,
        }
    ]
    assert shown["outcome"] == {"state": "completed", "finish_reason": "stop", "usage": {"prompt_tokens": 0}}
    assert shown["approvals"] == ["ap_1"]
    with pytest.raises(ValueError, match="has ended"):
        ended.ended(Outcome(State.FAILED))


def test_what_a_decision_begins_with() -> None:
    found = decision().routed
    assert first_outcome(found, dry_run=True).state is State.DRY_RUN
    none = routed(registry(), CHAT)
    assert first_outcome(none, dry_run=False).state is State.DENIED
    assert first_outcome(none, dry_run=True).state is State.DENIED
    assert none.to_json()["policy"] is None


def test_an_id_is_a_uuid_of_version_7() -> None:
    # The example of RFC 9562, A.6.
    moment = 0x017F22E279B0
    random = ((0xCC3 << 62) | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert new_id(moment, random) == "rd_017f22e279b07cc398c4dc0c0c07398f"
    for filling in (0, 0xFF):
        number = uuid.UUID(new_id(moment, bytes([filling]) * 10).removeprefix("rd_"))
        assert (number.version, number.variant) == (7, uuid.RFC_4122)
        assert number.int >> 80 == moment
    assert new_id(1, bytes([255]) * 10) < new_id(2, bytes(10))
    for wrong in ((-1, bytes(10)), (1 << 48, bytes(10)), (0, bytes(9))):
        with pytest.raises(ValueError, match="an id is made"):
            new_id(*wrong)


def test_the_table_has_the_codes_and_statuses_of_the_contract() -> None:
    assert {code: kind.status for code, kind in CODES.items() if code != "internal_error"} == STATUSES
    again = {code for code, kind in CODES.items() if kind.retry_after}
    assert again == {"rate_limited", "backend_failed", "backend_timeout", "not_ready"}
    assert {int(kind.exit) for kind in CODES.values()} <= {1, 2, 5, 6}
    assert {code for code, kind in CODES.items() if kind.status in (401, 403, 422)} == {
        code for code, kind in CODES.items() if kind.exit == 6 and kind.status not in (409, 429)
    }


def test_the_envelope() -> None:
    assert envelope(invalid("messages", "messages must be a list"), "rd_1") == {
        "error": {
            "message": "messages must be a list; correct it and send the request again",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "invalid_request",
            "decision_id": "rd_1",
        }
    }
    shown = envelope(Refusal("not_ready", "the store cannot be used", next_step=""))
    assert shown["error"]["message"] == "the store cannot be used"
    assert (shown["error"]["param"], shown["error"]["decision_id"]) == (None, None)
    with pytest.raises(KeyError):
        envelope(RequestRefusal("made_up", "x"))


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            {"error": {"message": "no", "type": "t", "param": "p", "code": "c"}},
            ("no", "t", "p", "c"),
        ),
        ({"error": "no"}, ("no", "invalid_request_error", None, None)),
        ({"message": "no", "code": 400}, ("no", "invalid_request_error", None, None)),
        (None, ("the backend refused the request with status 422", "invalid_request_error", None, None)),
        ([], ("the backend refused the request with status 422", "invalid_request_error", None, None)),
        ({"error": {"message": None, "param": "None"}}, (
            "the backend refused the request with status 422", "invalid_request_error", "None", None,
        )),
    ],
)  # fmt: skip
def test_a_backends_own_error(body: object, shown: tuple[str | None, ...]) -> None:
    error = from_backend(422, body, "rd_1")["error"]
    assert (error["message"], error["type"], error["param"], error["code"]) == shown
    assert error["decision_id"] == "rd_1"


@pytest.mark.parametrize("status", [200, 302, 399, 408, 429, 500, 503])
def test_other_statuses_are_not_passed_on(status: int) -> None:
    with pytest.raises(ValueError, match="not passed on"):
        from_backend(status, None)
