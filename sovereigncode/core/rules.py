"""The rules, as one table: each is judged for every request, so that all reasons are given.

A rule returns why it denies, or None. Facts about the model (region, name, licence) are needed for a model
call; for a tool call they are judged if they are given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable, Final, Iterable

from sovereigncode.core.combined import Combined
from sovereigncode.core.request import Request
from sovereigncode.core.words import MODEL_CALL, TRUSTED_TIER, Level, Sensitivity, ToolRule


@dataclass(frozen=True)
class Facts:
    """What the rules look at: what counts in the workspace, the request, and what the request is for."""

    rules: Combined
    request: Request
    purpose: str | None

    @property
    def calls_a_model(self) -> bool:
        """Whether the request is for a model call."""
        return self.request.action == MODEL_CALL

    @property
    def tool_rule(self) -> ToolRule | None:
        """What the rules say about the class of the tool call; None for a model call."""
        tool = self.request.tool
        return None if tool is None else self.rules.tools[tool]


@dataclass(frozen=True)
class Rule:
    """A deny rule: its code, when it denies and why it exists (for the documentation), and the test."""

    code: str
    when: str
    why: str
    denies: Callable[[Facts], str | None]


@dataclass(frozen=True)
class Duty:
    """An obligation: its code, when an allowed request has it and why, and the test itself."""

    code: str
    when: str
    why: str
    binds: Callable[[Facts], str | None]


def purpose_of(rules: Combined, request: Request) -> str | None:
    """The request's purpose, else the policy's default."""
    return request.purpose or rules.default_purpose


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether one of the patterns is the name; `*` is any text, everything else is itself."""
    return any(_pattern(glob).fullmatch(name) is not None for glob in globs)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, glob.split("*"))), re.DOTALL)


def _revoked(facts: Facts) -> str | None:
    return "the capsule was revoked" if facts.rules.revoked else None


def _purpose_denied(facts: Facts) -> str | None:
    if facts.purpose in facts.rules.denied_purposes:
        return f"the purpose {facts.purpose} is denied"
    return None


def _purpose_not_allowed(facts: Facts) -> str | None:
    if facts.purpose is None:
        return "the request names no purpose, and the policy has no default one"
    allowed = facts.rules.allowed_purposes
    if allowed is not None and facts.purpose not in allowed:
        return f"the purpose {facts.purpose} is not one of those that are allowed"
    return None


def _region(facts: Facts) -> str | None:
    region = facts.request.region
    if region is None:
        return "the region of the model is not known" if facts.calls_a_model else None
    if region not in facts.rules.regions:
        return f"the model runs in {region}, and the data must stay in {_listed(facts.rules.regions)}"
    return None


def _training(facts: Facts) -> str | None:
    if facts.request.trains_model and not facts.rules.training_allowed:
        return "a model would be trained with the data, which is not allowed"
    return None


def _export(facts: Facts) -> str | None:
    if facts.request.exports_data and not facts.rules.export_allowed:
        return "data would be exported, which is not allowed"
    return None


def _retention(facts: Facts) -> str | None:
    days = facts.request.requested_retention_days
    if days is not None and days > facts.rules.retention_days:
        return f"the data would be kept for {days} days, and {facts.rules.retention_days} are allowed"
    return None


def _data_class(facts: Facts) -> str | None:
    others = facts.request.data_classes - facts.rules.data_classes
    return f"the capsule does not cover data of the class {_listed(others)}" if others else None


def _level(facts: Facts) -> str | None:
    level = facts.request.personal_detail_level
    if level.rank > facts.rules.max_level.rank:
        return f"personal details are {level.value}, and {facts.rules.max_level.value} is the most allowed"
    return None


def _consent(facts: Facts) -> str | None:
    needed = facts.rules.consent_scopes
    if needed and not needed & facts.request.consent_scopes:
        return "the capsule lists consent scopes, and the request names none of them"
    return None


def _model(facts: Facts) -> str | None:
    request, rules = facts.request, facts.rules
    if rules.allowed_models is not None or rules.denied_models:
        if request.model_id is None:
            if facts.calls_a_model:
                return "the model is not known, and the policy lists models"
        elif matches(request.model_id, rules.denied_models):
            return f"the model {request.model_id} is denied"
        elif rules.allowed_models is not None and not matches(request.model_id, rules.allowed_models):
            return f"the model {request.model_id} is not one of those that are allowed"
    if rules.licenses is not None:
        if request.license is None:
            return "the licence of the model is not known" if facts.calls_a_model else None
        if request.license not in rules.licenses:
            return f"the licence {request.license} of the model is not one of those that are allowed"
    return None


def _trust(facts: Facts) -> str | None:
    tier = facts.request.sovereignty_tier
    if not facts.rules.sensitivity.high or (tier is not None and tier >= TRUSTED_TIER):
        return None
    known = "the sovereignty tier of the model is not known" if tier is None else f"the model has tier {tier}"
    return f"{known}, and {facts.rules.sensitivity.value} data needs tier {TRUSTED_TIER} or more"


def _tool_denied(facts: Facts) -> str | None:
    if facts.tool_rule is ToolRule.DENY and facts.request.tool is not None:
        return f"tool calls of the class {facts.request.tool.value} are denied"
    return None


def _approval(facts: Facts) -> str | None:
    if facts.tool_rule is ToolRule.APPROVE and not facts.request.human_approved and facts.request.tool:
        return f"a tool call of the class {facts.request.tool.value} needs a person's approval"
    return None


def _audit(facts: Facts) -> str | None:
    return None if _public(facts) else "record what was done"


def _retention_limit(facts: Facts) -> str | None:
    return None if _public(facts) else f"keep the data at most {facts.rules.retention_days} days"


def _review(facts: Facts) -> str | None:
    if facts.request.personal_detail_level.rank >= Level.IDENTIFIABLE.rank:
        return "a person must look at the answer, because a person can be recognised"
    return None


def _no_training(facts: Facts) -> str | None:
    return None if facts.rules.training_allowed else "do not train a model with the data"


def _resident_only(facts: Facts) -> str | None:
    if facts.rules.sensitivity.high or facts.rules.names_regions:
        return f"keep the data in {_listed(facts.rules.regions)}"
    return None


def _public(facts: Facts) -> bool:
    return facts.rules.sensitivity is Sensitivity.PUBLIC


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no region at all"


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "capsule_revoked",
        "`revoked` is true",
        "Consent that is withdrawn counts at once.",
        _revoked,
    ),
    Rule(
        "purpose_denied",
        "the purpose is in a list of denied purposes, the capsule's or the policy's",
        "Data given for one thing must not serve another.",
        _purpose_denied,
    ),
    Rule(
        "purpose_not_allowed",
        "there is a list of allowed purposes without it, or no purpose at all",
        "Without a purpose nobody can say what the data was used for.",
        _purpose_not_allowed,
    ),
    Rule(
        "region_not_resident",
        "the model runs outside the resident regions, or for a model call nobody says where",
        "Whoever runs the machine is under the law of its place.",
        _region,
    ),
    Rule(
        "training_not_allowed",
        "`trains_model`, and capsule and policy do not both allow it",
        "What a model has learnt cannot be taken back.",
        _training,
    ),
    Rule(
        "export_not_allowed",
        "`exports_data`, and capsule and policy do not both allow it",
        "What has left cannot be called back.",
        _export,
    ),
    Rule(
        "retention_exceeded",
        "the data would be kept longer than the smaller number of days",
        "What is not kept cannot be lost.",
        _retention,
    ),
    Rule(
        "data_class_not_allowed",
        "the request has data of a class that the capsule does not list",
        "The capsule was agreed for the kinds of data in it.",
        _data_class,
    ),
    Rule(
        "personal_detail_level_exceeded",
        "the request's level is above the lower of the capsule's and the policy's",
        "A person can be recognised from less than a name.",
        _level,
    ),
    Rule(
        "consent_scope_missing",
        "the capsule lists consent scopes and the request names none of them",
        "Consent is given for something; the request must say for what.",
        _consent,
    ),
    Rule(
        "model_denied",
        "the policy denies the model, or lists models or licences without it",
        "The organisation answers for the models that it uses.",
        _model,
    ),
    Rule(
        "model_not_trusted",
        "the sensitivity is restricted or higher, and the model's tier is below 2 or not known",
        "High sensitivity stays with this organisation or a provider in the jurisdiction.",
        _trust,
    ),
    Rule(
        "tool_denied",
        "the policy says `deny` for the class of the tool call",
        "Some things are never for an agent to do.",
        _tool_denied,
    ),
    Rule(
        "approval_required",
        "the policy says `approve` for the class, and no person has approved",
        "What changes or leaves the workspace is a person's decision.",
        _approval,
    ),
)

DUTIES: Final[tuple[Duty, ...]] = (
    Duty("audit", "the data is not public", "Later somebody will ask.", _audit),
    Duty(
        "retention_limit",
        "the data is not public",
        "The limit counts for whoever keeps an answer, too.",
        _retention_limit,
    ),
    Duty(
        "human_review",
        "the personal details are `identifiable` or `sensitive_identifiable`",
        "A wrong answer about a person harms that person.",
        _review,
    ),
    Duty(
        "no_training",
        "capsule and policy do not both allow training",
        "The rule binds the provider as well.",
        _no_training,
    ),
    Duty(
        "resident_only",
        "the sensitivity is restricted or higher, or the policy lists regions",
        "Copies, caches and logs have a place too.",
        _resident_only,
    ),
)
