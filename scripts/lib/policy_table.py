"""The tables of rules in docs/sovereigncode.md, with examples of each outcome; write_docs.py writes them.

Each row is a test (tests/unit/sovereigncode/core/test_rules.py): what the page says is decided is decided.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any, Final, Mapping

from scripts.lib.cache import ROOT
from scripts.lib.command_tables import commands, filled, statuses
from sovereigncode import command_line
from sovereigncode.core import capsule, request, tenant_policy
from sovereigncode.core.combined import combine
from sovereigncode.core.decision import UNUSABLE, Decision, decide
from sovereigncode.core.rules import DUTIES, RULES
from sovereigncode.errors import CODES, Exit

PAGE: Final = ROOT / "docs" / "sovereigncode.md"
_MEANINGS: Final = {
    Exit.DONE: "done, or allowed",
    Exit.FAULT: "a fault of this program",
    Exit.USAGE: "a wrong command line, or an answer that nobody could give",
    Exit.FILE: "a file is invalid or cannot be written; nothing was changed",
    Exit.DENIED: "denied, declined, not approved, not proved, or the chain of records does not hold",
    Exit.HANGUP: "the terminal was closed",
    Exit.INTERRUPTED: "cancelled with Ctrl-C",
    Exit.TERMINATED: "ended by SIGTERM",
}

# What every example starts from: it is allowed, and has no obligation at all.
BASE: Final[Mapping[str, Any]] = {
    "capsule": {
        "capsule_id": "shop",
        "subject_id": "acme",
        "jurisdiction": "NZ",
        "sensitivity": "public",
        "training_allowed": True,
    },
    "policy": {"version": 1, "tenant": "acme", "training_allowed": True},
    "request": {
        "action": "model_call",
        "purpose": "code_review",
        "region": "NZ",
        "model_id": "lumynax/coder",
    },
}


@dataclass(frozen=True)
class Example:
    """Two requests that differ in little: `one` has the outcome that the row is about, `other` has not.

    Each is what differs from BASE: a document's name and a key, joined by a dot, and the value (None: none).
    """

    one: Mapping[str, Any]
    other: Mapping[str, Any]


EXAMPLES: Final[Mapping[str, Example]] = {
    "capsule_revoked": Example({"capsule.revoked": True}, {"capsule.revoked": False}),
    "purpose_denied": Example(
        {"policy.purposes": {"denied": ["code_review"]}}, {"policy.purposes": {"denied": ["training"]}}
    ),
    "purpose_not_allowed": Example(
        {"capsule.allowed_purposes": ["support"]}, {"capsule.allowed_purposes": ["code_review"]}
    ),
    "region_not_resident": Example({"request.region": "AU"}, {"request.region": "NZ"}),
    "training_not_allowed": Example(
        {"request.trains_model": True, "policy.training_allowed": None}, {"request.trains_model": True}
    ),
    "export_not_allowed": Example(
        {"request.exports_data": True, "capsule.export_allowed": True},
        {"request.exports_data": True, "capsule.export_allowed": True, "policy.export_allowed": True},
    ),
    "retention_exceeded": Example(
        {"request.requested_retention_days": 8, "policy.retention_days": 7},
        {"request.requested_retention_days": 7, "policy.retention_days": 7},
    ),
    "data_class_not_allowed": Example(
        {"request.data_classes": ["source_code", "logs"]}, {"request.data_classes": ["source_code"]}
    ),
    "personal_detail_level_exceeded": Example(
        {"request.personal_detail_level": "anonymous"},
        {"request.personal_detail_level": "anonymous", "capsule.personal_detail_level": "pseudonymous"},
    ),
    "consent_scope_missing": Example(
        {"capsule.consent_scopes": ["research"]},
        {"capsule.consent_scopes": ["research"], "request.consent_scope": "research"},
    ),
    "model_denied": Example(
        {"policy.models": {"deny": ["lumynax/*"]}}, {"policy.models": {"deny": ["acme/*"]}}
    ),
    "model_not_trusted": Example(
        {"capsule.sensitivity": "restricted", "request.sovereignty_tier": 1},
        {"capsule.sensitivity": "restricted", "request.sovereignty_tier": 2},
    ),
    "tool_denied": Example(
        {"request.action": "publish", "policy.tools": {"publish": "deny"}},
        {"request.action": "publish", "policy.tools": {"publish": "client"}},
    ),
    "approval_required": Example(
        {"request.action": "shell"}, {"request.action": "shell", "request.human_approved": True}
    ),
    "audit": Example({"capsule.sensitivity": "internal"}, {"capsule.sensitivity": "public"}),
    "retention_limit": Example({"capsule.sensitivity": "internal"}, {"capsule.sensitivity": "public"}),
    "human_review": Example(
        {
            "capsule.personal_detail_level": "identifiable",
            "policy.personal_details": {"max_level": "identifiable"},
            "request.personal_detail_level": "identifiable",
        },
        {
            "capsule.personal_detail_level": "identifiable",
            "request.personal_detail_level": "pseudonymous",
        },
    ),
    "no_training": Example({"capsule.training_allowed": False}, {"capsule.training_allowed": True}),
    "resident_only": Example({"policy.residency": ["NZ"]}, {"policy.residency": None}),
}


def documents(changes: Mapping[str, Any]) -> dict[str, Any]:
    """BASE with these changes."""
    made = copy.deepcopy(dict(BASE))
    for place, value in changes.items():
        document, key = place.split(".")
        if value is None:
            made[document].pop(key, None)
        else:
            made[document][key] = value
    return made


def decided(changes: Mapping[str, Any]) -> Decision:
    """What is decided for BASE with these changes."""
    made = documents(changes)
    stated, _ = capsule.parse(made["capsule"])
    rules, _ = tenant_policy.parse(made["policy"])
    asked, _ = request.parse(made["request"])
    if stated is None or rules is None or asked is None:
        raise ValueError(f"not valid: {changes}")
    return decide(combine(stated, rules), asked)


def page(text: str) -> str:
    """The page with its tables as the program has them."""
    tables = {
        "rules": _rules(),
        "obligations": _obligations(),
        "commands": commands(command_line.COMMAND_LINE.parsers()),
        "statuses": statuses(CODES, _MEANINGS),
    }
    return filled(text, tables)


def _rules() -> str:
    lines = ["| code | denied if | why | denied, for example | and the nearest that is allowed |"]
    lines.append("| --- | --- | --- | --- | --- |")
    lines += [
        f"| `{code}` | {when} | nothing is allowed by accident | | |" for code, when in UNUSABLE.items()
    ]
    lines += [
        f"| `{rule.code}` | {rule.when} | {_small(rule.why)} | {_shown(EXAMPLES[rule.code].one)}"
        f" | {_shown(EXAMPLES[rule.code].other)}: `{decided(EXAMPLES[rule.code].other).decision}` |"
        for rule in RULES
    ]
    return "\n".join(lines)


def _obligations() -> str:
    lines = ["| code | an allowed request has it if | why | for example | and the nearest without it |"]
    lines.append("| --- | --- | --- | --- | --- |")
    lines += [
        f"| `{duty.code}` | {duty.when} | {_small(duty.why)} | {_shown(EXAMPLES[duty.code].one)}: "
        f"`{decided(EXAMPLES[duty.code].one).decision}`"
        f" | {_shown(EXAMPLES[duty.code].other)}: `{decided(EXAMPLES[duty.code].other).decision}` |"
        for duty in DUTIES
    ]
    return "\n".join(lines)


def _shown(changes: Mapping[str, Any]) -> str:
    shown = []
    for place, value in changes.items():
        document, key = place.split(".")
        text = f"{document} without `{key}`" if value is None else f"{document} `{key}: {json.dumps(value)}`"
        shown.append(text)
    return ", ".join(shown)


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].removesuffix(".")
