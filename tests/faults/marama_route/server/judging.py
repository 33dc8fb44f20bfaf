"""What must be true of a site whose gateway was killed and started again; what is not, as texts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any, Iterator, Mapping, Sequence

from tests.faults.marama_route.server.site import Site


def judged(site: Site) -> list[str]:
    """Everything that is wrong now."""
    return [*site.bad, *_records(site), *_approvals(site), *_answers(site), *_going_on(site)]


def _records(site: Site) -> Iterator[str]:
    decisions, records = site.decisions(), site.audited()
    for name, chain in (("workspace", records), ("store", site.stored())):
        if (why := broken(chain)) is not None:
            yield f"the chain of the {name}: {why}"
    kept = {one["request_hash"]: one["id"] for one in decisions}
    routes = Counter((one["request_hash"], one["decision_id"]) for one in records if one["kind"] == "route")
    for digest in site.forwarded:
        if digest not in kept or routes[digest, kept[digest]] != 1:
            yield f"what was forwarded has the decision {kept.get(digest)} and not one record of it"


def _approvals(site: Site) -> Iterator[str]:
    for what, count in site.passes.items():
        if what.startswith("shell") and (count > 1 or what not in site.approved):
            yield f"{what} was passed {count} times, approved: {what in site.approved}"
    records = site.audited()
    used = Counter(one["approval_id"] for one in records if one["decision"] == "used")
    let = Counter(one["approval_id"] for one in _let(records) if one["approval_id"])
    for name, count in (used + let).items():
        if used[name] != 1 or let[name] > 1:
            yield f"{name} in {count} records: used {used[name]} times, passed {let[name]} times"


def _answers(site: Site) -> Iterator[str]:
    """What a client has in its hands is on disk."""
    records = site.audited()
    kept = {one["id"]: one["outcome"]["state"] for one in site.decisions()}
    routes = {one["decision_id"] for one in [*records, *site.stored()] if one["kind"] == "route"}
    passed = {
        one["decision_id"] for one in records if one["kind"] == "tool" and "passed" in one["audit_tags"]
    }
    for one in site.heard:
        if one.decision_id is not None and (one.decision_id not in kept or one.decision_id not in routes):
            yield f"a client has the decision {one.decision_id}, which is not on record"
        if one.status == 403 and kept.get(one.decision_id or "") != "denied":
            yield f"{one.decision_id} was denied, and is {kept.get(one.decision_id or '')}"
        if one.passed and one.decision_id not in passed:
            yield f"a client has a tool call of {one.decision_id} without a record"
    evaluated = sum(one["kind"] == "policy" for one in records)
    if evaluated < site.evaluated:
        yield f"{site.evaluated} questions were answered, {evaluated} are on record"


def _let(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tool calls that were passed on."""
    return [one for one in records if one["kind"] == "tool" and "passed" in one["audit_tags"]]


def _going_on(site: Site) -> Iterator[str]:
    verdict = site.gateway.ask("GET", "/v1/audit/verify").json
    if verdict["holds"] is not True:
        yield f"the gateway says {verdict}"
    got = site.chat("hello")
    if got.status != 200 or b"Hello" not in got.body:
        yield f"the next request: {got}"


def broken(chain: Sequence[Mapping[str, Any]]) -> str | None:
    """Where a chain does not hold, by its rules and nothing of ours."""
    before = None
    for number, record in enumerate(chain, start=1):
        rest = {name: value for name, value in record.items() if name != "hash"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if record["seq"] != number or record["prev"] != before:
            return f"record {number} does not follow"
        if record["hash"] != hashlib.sha256(text.encode()).hexdigest():
            return f"record {number} was changed"
        before = record["hash"]
    return None
