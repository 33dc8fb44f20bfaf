"""The texts of new files: capsule and tenant policy."""

from __future__ import annotations

import json
import re
from typing import Final, Iterable, Mapping

from sovereigncode.commands.init.answers import Answers, purposes_of
from sovereigncode.core import tenant_policy
from sovereigncode.core.words import Finding, Level, ToolClass, ToolRule, words

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
# Readers of YAML 1.1 take these for booleans or nothing.
_AMBIGUOUS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_POLICY: Final = """\
# The tenant policy of this workspace: the rules of the organisation. Capsule and policy are combined to the
# stricter of the two. An unknown key makes this file invalid, and then everything is denied:
# `sovereigncode check` says where.
version: 1
tenant: {tenant}

# What a request may be for. One that names no purpose gets the default.
purposes:
  allowed: [{purposes}]
  denied: [model_training]
  default: {default}

# Where a model may run.
residency: [{jurisdiction}]

# Which models, by id and licence; * is any text. Without this, every model that the other rules allow.
# models: {{allow: ["lumynax/*"], deny: [], licenses: [apache-2.0, mit]}}

personal_details:
  max_level: {level}    # {levels}
  detected: {detected}           # personal details found in what would be sent: {findings}
  credentials: {credentials}        # keys and passwords found there: the same words
  # ignore: ["*@example.com"]  # globs or texts that are never a personal detail

# allow: passed on. client: passed on, because opencode itself asks its user. approve: a person approves it
# first (`sovereigncode approvals watch`). deny: never.
tools:
{tools}

approvals:
  expires_minutes: {expires}
  hold_seconds: {hold}         # how long an answer waits for a person; 0: not at all

# A yes needs both files; the smaller number counts.
retention_days: 30
export_allowed: false
training_allowed: false
"""


def capsule(answers: Answers) -> str:
    """A new capsule.json."""
    value = {
        "capsule_id": answers.capsule_id,
        "subject_id": answers.tenant,
        "jurisdiction": answers.jurisdiction,
        "sensitivity": answers.sensitivity,
        "allowed_purposes": list(answers.purposes) or None,
        "denied_purposes": ["model_training"],
        "resident_regions": [answers.jurisdiction],
        "data_classes": ["source_code"],
        "retention_days": 30,
        "export_allowed": False,
        "training_allowed": False,
        "personal_detail_level": Level.NONE.value,
        "consent_scopes": [],
        "revoked": False,
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def policy(answers: Answers, tools: Mapping[ToolClass, ToolRule]) -> str:
    """A new tenant-policy.yaml, with comments."""
    findings = tenant_policy.Findings()
    approvals = tenant_policy.Approvals()
    rules = {**tenant_policy.DEFAULT_TOOLS, **tools}
    return _POLICY.format(
        tenant=_name(answers.tenant),
        purposes=_names(purposes_of(answers)),
        default=_name(purposes_of(answers)[0]),
        jurisdiction=_name(answers.jurisdiction),
        level=findings.max_level.value,
        levels=" < ".join(words(Level)),
        detected=findings.detected.value,
        credentials=findings.credentials.value,
        findings=" | ".join(reversed(words(Finding))),
        tools="\n".join(f"  {name.value}: {rule.value}" for name, rule in rules.items()),
        expires=approvals.expires_minutes,
        hold=approvals.hold_seconds,
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(_name, names))


def _name(name: str) -> str:
    plain = _PLAIN.fullmatch(name) and name.lower() not in _AMBIGUOUS
    return name if plain else json.dumps(name)
