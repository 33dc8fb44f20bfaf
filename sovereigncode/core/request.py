"""What somebody wants to do: the request that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sovereigncode.core.capsule import NAME
from sovereigncode.core.shapes import Field, Flag, Many, Number, OneOf, Or, Problem, Record
from sovereigncode.core.words import MODEL_CALL, Level, ToolClass, words

HIGHEST_TIER: Final = 3
_MAYBE: Final = Or(NAME)

SHAPE: Final = Record(
    {
        "actor": Field(_MAYBE),
        "purpose": Field(_MAYBE),
        "action": Field(NAME, needed=True),
        "region": Field(_MAYBE),
        "model_id": Field(_MAYBE),
        "sovereignty_tier": Field(Or(Number(0, HIGHEST_TIER))),
        "license": Field(_MAYBE),
        "data_classes": Field(Or(Many(NAME))),
        "tool_name": Field(_MAYBE),
        "exports_data": Field(Or(Flag())),
        "trains_model": Field(Or(Flag())),
        "human_approved": Field(Or(Flag())),
        "personal_detail_level": Field(Or(OneOf(words(Level)))),
        "consent_scope": Field(Or(NAME, Many(NAME))),
        "requested_retention_days": Field(Or(Number())),
    }
)


@dataclass(frozen=True)
class Request:
    """One request; None is what nobody said.

    `action` is `model_call` or a tool class; any other word counts as the class `unknown`. `consent_scopes`
    are those that the request names. `sovereignty_tier`, `region`, `license` are the model's.
    """

    action: str
    actor: str = "unknown"
    purpose: str | None = None
    region: str | None = None
    model_id: str | None = None
    sovereignty_tier: int | None = None
    license: str | None = None
    data_classes: frozenset[str] = frozenset()
    tool_name: str | None = None
    exports_data: bool = False
    trains_model: bool = False
    human_approved: bool = False
    personal_detail_level: Level = Level.NONE
    consent_scopes: frozenset[str] = frozenset()
    requested_retention_days: int | None = None

    @property
    def tool(self) -> ToolClass | None:
        """The class of the tool call, None for a model call."""
        if self.action == MODEL_CALL:
            return None
        return ToolClass(self.action) if self.action in set(ToolClass) else ToolClass.UNKNOWN


def parse(value: Any) -> tuple[Request | None, tuple[Problem, ...]]:
    """The request of a JSON value, or everything that is wrong with it; an empty text is a missing one."""
    if isinstance(value, dict):
        value = {name: inner for name, inner in value.items() if inner is not None and inner != ""}
    problems = SHAPE.first_problems(value)
    if problems:
        return None, problems
    scopes = value.get("consent_scope", ())
    days, tier = value.get("requested_retention_days"), value.get("sovereignty_tier")
    return (
        Request(
            action=value["action"],
            actor=value.get("actor", Request.actor),
            purpose=value.get("purpose"),
            region=value.get("region"),
            model_id=value.get("model_id"),
            sovereignty_tier=None if tier is None else int(tier),
            license=value.get("license"),
            data_classes=frozenset(value.get("data_classes", ())),
            tool_name=value.get("tool_name"),
            exports_data=value.get("exports_data", False),
            trains_model=value.get("trains_model", False),
            human_approved=value.get("human_approved", False),
            personal_detail_level=Level(value.get("personal_detail_level", Level.NONE)),
            consent_scopes=frozenset([scopes] if isinstance(scopes, str) else scopes),
            requested_retention_days=None if days is None else int(days),
        ),
        (),
    )
