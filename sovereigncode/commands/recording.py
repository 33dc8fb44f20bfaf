"""A decision put on record: on disk before an allowance is reported."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import fields

import rfc8785

from foundation.errors import Refusal
from foundation.host import Host
from sovereigncode.approvals.approval import new_id
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import Entry
from sovereigncode.core.combined import Combined
from sovereigncode.core.decision import Decision
from sovereigncode.core.request import Request
from sovereigncode.core.rules import purpose_of
from sovereigncode.workspace import Workspace


def record(workspace: Workspace, request: Request, decided: Decision, host: Host) -> str | None:
    """The decision's id once it is recorded; None for a denial that cannot be recorded.

    Raises Refusal if what is allowed cannot be recorded: then it is not allowed.
    """
    decision_id = f"pd_{new_id(host.now(), secrets.token_bytes(10)).removeprefix('ap_')}"
    rules = workspace.rules
    purpose = purpose_of(rules, request) if isinstance(rules, Combined) else request.purpose
    entry = Entry(
        kind="policy",
        decision=decided.decision,
        tenant=workspace.tenant,
        capsule_id=None if workspace.capsule is None else workspace.capsule.capsule_id,
        actor=request.actor,
        purpose=purpose,
        action=request.action,
        model=request.model_id,
        reasons=decided.reasons,
        obligations=decided.obligations,
        audit_tags=decided.audit_tags,
        decision_id=decision_id,
        request_hash=digest(request),
    )
    try:
        AuditLog(workspace.root, host).append([entry])
    except Refusal:
        if decided.allowed:
            raise
        return None
    return decision_id


def digest(request: Request) -> str:
    """SHA-256, as lower-case hex, of the request as canonical JSON."""
    value = {}
    for field in fields(request):
        inner = getattr(request, field.name)
        value[field.name] = sorted(inner) if isinstance(inner, frozenset) else inner
    value["personal_detail_level"] = request.personal_detail_level.value
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
