"""The capsule: what a workspace's data is, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sovereigncode.core.shapes import Anything, Field, Flag, Many, Number, OneOf, Or, Problem, Record, Text
from sovereigncode.core.words import Level, Sensitivity, words

NAME: Final = Text()
IDENTIFIER: Final = Text(
    "1 to 128 letters, digits, dots, colons, underscores and hyphens", r"[A-Za-z0-9._:-]{1,128}", 128
)
_NAMES: Final = Many(NAME)

SHAPE: Final = Record(
    {
        "capsule_id": Field(IDENTIFIER, "The name of this capsule in headers and records.", needed=True),
        "subject_id": Field(NAME, "Whose data this is.", needed=True),
        "jurisdiction": Field(NAME, "The region whose law counts, for example NZ.", needed=True),
        "sensitivity": Field(OneOf(words(Sensitivity)), "From restricted up it is high.", needed=True),
        "allowed_purposes": Field(Or(_NAMES), "What a request may be for; null: anything not denied."),
        "denied_purposes": Field(_NAMES, "What no request may be for."),
        "resident_regions": Field(_NAMES, "Where a model may run; without it, the jurisdiction."),
        "data_classes": Field(_NAMES, "What kinds of data there are."),
        "retention_days": Field(Number(), "How long data may be kept; 0 means not at all."),
        "export_allowed": Field(Flag(), "Whether data may leave the resident regions on purpose."),
        "training_allowed": Field(Flag(), "Whether a model may be trained with the data."),
        "personal_detail_level": Field(OneOf(words(Level)), "The most that may be sent to a model."),
        "consent_scopes": Field(_NAMES, "If there are any, a request must name one of them."),
        "data_subject_rights": Field(_NAMES, "For people; no rule reads it."),
        "revoked": Field(Flag(), "True: nothing is allowed any more."),
        "schema_context": Field(Anything(), "For people; no rule reads it."),
        "consent_record": Field(Anything(), "For people; no rule reads it."),
        "metadata": Field(Anything(), "For people; no rule reads it."),
    },
    others=True,
)


@dataclass(frozen=True)
class Capsule:
    """A valid capsule; `allowed_purposes` None is any purpose that is not denied."""

    capsule_id: str
    subject_id: str
    jurisdiction: str
    sensitivity: Sensitivity
    allowed_purposes: frozenset[str] | None
    denied_purposes: frozenset[str]
    resident_regions: frozenset[str]
    data_classes: frozenset[str]
    retention_days: int
    export_allowed: bool
    training_allowed: bool
    personal_detail_level: Level
    consent_scopes: frozenset[str]
    revoked: bool


def schema() -> dict[str, Any]:
    """The JSON Schema of a capsule, as it ships with the package."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Data capsule of a workspace",
        "description": "Keys that are not described here are kept and ignored.",
        **SHAPE.schema(),
    }


def parse(value: Any) -> tuple[Capsule | None, tuple[Problem, ...]]:
    """The capsule of a JSON value, or everything that is wrong with it."""
    problems = SHAPE.first_problems(value)
    if problems:
        return None, problems
    allowed = value.get("allowed_purposes")
    return (
        Capsule(
            capsule_id=value["capsule_id"],
            subject_id=value["subject_id"],
            jurisdiction=value["jurisdiction"],
            sensitivity=Sensitivity(value["sensitivity"]),
            allowed_purposes=None if allowed is None else frozenset(allowed),
            denied_purposes=frozenset(value.get("denied_purposes", ())),
            resident_regions=frozenset(value.get("resident_regions", [value["jurisdiction"]])),
            data_classes=frozenset(value.get("data_classes", ["source_code"])),
            retention_days=int(value.get("retention_days", 30)),
            export_allowed=value.get("export_allowed", False),
            training_allowed=value.get("training_allowed", False),
            personal_detail_level=Level(value.get("personal_detail_level", Level.NONE)),
            consent_scopes=frozenset(value.get("consent_scopes", ())),
            revoked=value.get("revoked", False),
        ),
        (),
    )
