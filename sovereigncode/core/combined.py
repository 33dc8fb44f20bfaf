"""Capsule and tenant policy combined: at every point the stricter of the two.

Without a policy the capsule decides, with the defaults for tools, approvals and what is found in a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from sovereigncode.core.capsule import Capsule
from sovereigncode.core.tenant_policy import DEFAULT_TOOLS, Approvals, Findings, TenantPolicy
from sovereigncode.core.words import Level, Sensitivity, ToolClass, ToolRule


@dataclass(frozen=True)
class Combined:
    """What counts in a workspace. None, for a set: anything.

    `tenant` is None without a policy; `names_regions`: the policy itself lists regions.
    """

    tenant: str | None
    capsule_id: str
    jurisdiction: str
    sensitivity: Sensitivity
    revoked: bool
    allowed_purposes: frozenset[str] | None
    denied_purposes: frozenset[str]
    default_purpose: str | None
    regions: frozenset[str]
    names_regions: bool
    data_classes: frozenset[str]
    allowed_models: tuple[str, ...] | None
    denied_models: tuple[str, ...]
    licenses: frozenset[str] | None
    max_level: Level
    consent_scopes: frozenset[str]
    retention_days: int
    export_allowed: bool
    training_allowed: bool
    personal_details: Findings
    tools: Mapping[ToolClass, ToolRule]
    approvals: Approvals


def combine(capsule: Capsule, policy: TenantPolicy | None) -> Combined:
    """The stricter of both: lists of what is allowed intersect, lists of what is denied join.

    The smaller number and the lower level count; what needs a yes needs it from both, and a policy that
    does not say it has not said it.
    """
    rules = policy or TenantPolicy(tenant="")
    silent = policy is None
    days = capsule.retention_days
    regions = capsule.resident_regions
    levels = (capsule.personal_detail_level, rules.personal_details.max_level)
    return Combined(
        tenant=None if silent else rules.tenant,
        capsule_id=capsule.capsule_id,
        jurisdiction=capsule.jurisdiction,
        sensitivity=capsule.sensitivity,
        revoked=capsule.revoked,
        allowed_purposes=_both(capsule.allowed_purposes, rules.allowed_purposes),
        denied_purposes=capsule.denied_purposes | rules.denied_purposes,
        default_purpose=rules.default_purpose,
        regions=regions if rules.residency is None else regions & rules.residency,
        names_regions=rules.residency is not None,
        data_classes=capsule.data_classes,
        allowed_models=rules.allowed_models,
        denied_models=rules.denied_models,
        licenses=rules.licenses,
        max_level=min(levels, key=lambda level: level.rank),
        consent_scopes=capsule.consent_scopes,
        retention_days=days if rules.retention_days is None else min(days, rules.retention_days),
        export_allowed=capsule.export_allowed and (silent or rules.export_allowed),
        training_allowed=capsule.training_allowed and (silent or rules.training_allowed),
        personal_details=rules.personal_details,
        tools=DEFAULT_TOOLS if silent else rules.tools,
        approvals=rules.approvals,
    )


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
