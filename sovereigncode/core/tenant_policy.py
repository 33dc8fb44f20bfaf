"""The tenant policy: the organisation's rules for a workspace. An unknown key makes it invalid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Mapping

from sovereigncode.core.capsule import NAME
from sovereigncode.core.shapes import Field, Flag, Many, Number, OneOf, Problem, Record
from sovereigncode.core.words import Finding, Level, ToolClass, ToolRule, words

VERSION: Final = 1
_NAMES: Final = Many(NAME)
_FINDINGS: Final = OneOf(words(Finding))
_A_YEAR: Final = 525_600
_A_DAY: Final = 86_400

SHAPE: Final = Record(
    {
        "version": Field(Number(VERSION, VERSION), needed=True),
        "tenant": Field(NAME, needed=True),
        "purposes": Field(
            Record({"allowed": Field(_NAMES), "denied": Field(_NAMES), "default": Field(NAME)})
        ),
        "residency": Field(_NAMES),
        "models": Field(Record({"allow": Field(_NAMES), "deny": Field(_NAMES), "licenses": Field(_NAMES)})),
        "personal_details": Field(
            Record(
                {
                    "max_level": Field(OneOf(words(Level))),
                    "detected": Field(_FINDINGS),
                    "credentials": Field(_FINDINGS),
                    "ignore": Field(_NAMES),
                }
            )
        ),
        "tools": Field(Record({name.value: Field(OneOf(words(ToolRule))) for name in ToolClass})),
        "approvals": Field(
            Record(
                {
                    "expires_minutes": Field(Number(1, _A_YEAR)),
                    "hold_seconds": Field(Number(0, _A_DAY)),
                }
            )
        ),
        "retention_days": Field(Number()),
        "export_allowed": Field(Flag()),
        "training_allowed": Field(Flag()),
    }
)

DEFAULT_TOOLS: Final[Mapping[ToolClass, ToolRule]] = {
    name: ToolRule.ALLOW if name in (ToolClass.READ, ToolClass.PLAN) else ToolRule.APPROVE
    for name in ToolClass
}


@dataclass(frozen=True)
class Findings:
    """What happens to personal details; `ignore` are globs and literals that are never one."""

    max_level: Level = Level.PSEUDONYMOUS
    detected: Finding = Finding.BLOCK
    credentials: Finding = Finding.BLOCK
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approvals:
    """How long an approval counts, and how long an answer waits for one."""

    expires_minutes: int = 60
    hold_seconds: int = 300


@dataclass(frozen=True)
class TenantPolicy:
    """A valid policy. None, for a list or a number: the policy does not limit it."""

    tenant: str
    allowed_purposes: frozenset[str] | None = None
    denied_purposes: frozenset[str] = frozenset()
    default_purpose: str | None = None
    residency: frozenset[str] | None = None
    allowed_models: tuple[str, ...] | None = None
    denied_models: tuple[str, ...] = ()
    licenses: frozenset[str] | None = None
    personal_details: Findings = Findings()
    tools: Mapping[ToolClass, ToolRule] = field(default_factory=lambda: DEFAULT_TOOLS)
    approvals: Approvals = Approvals()
    retention_days: int | None = None
    export_allowed: bool = False
    training_allowed: bool = False


def parse(value: Any) -> tuple[TenantPolicy | None, tuple[Problem, ...]]:
    """The policy of a document's value, or everything that is wrong with it."""
    problems = SHAPE.first_problems(value)
    if problems:
        return None, problems
    purposes, models = value.get("purposes", {}), value.get("models", {})
    details = value.get("personal_details", {})
    allow, deny = models.get("allow"), models.get("deny", [])
    days = value.get("retention_days")
    return (
        TenantPolicy(
            tenant=value["tenant"],
            allowed_purposes=_names(purposes.get("allowed")),
            denied_purposes=frozenset(purposes.get("denied", ())),
            default_purpose=purposes.get("default"),
            residency=_names(value.get("residency")),
            allowed_models=None if allow is None else tuple(allow),
            denied_models=tuple(deny),
            licenses=_names(models.get("licenses")),
            personal_details=Findings(
                max_level=Level(details.get("max_level", Findings.max_level)),
                detected=Finding(details.get("detected", Findings.detected)),
                credentials=Finding(details.get("credentials", Findings.credentials)),
                ignore=tuple(details.get("ignore", ())),
            ),
            tools={
                name: ToolRule(value.get("tools", {}).get(name.value, DEFAULT_TOOLS[name]))
                for name in ToolClass
            },
            approvals=Approvals(**{name: int(number) for name, number in value.get("approvals", {}).items()}),
            retention_days=None if days is None else int(days),
            export_allowed=value.get("export_allowed", False),
            training_allowed=value.get("training_allowed", False),
        ),
        (),
    )


def _names(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
