"""Generated documents: mostly near what is allowed, because random ones are nearly always denied."""

from __future__ import annotations

import random
from typing import Any, Callable

from tests.property.sovereigncode.cedar import CLASSES, LEVELS

Case = dict[str, Any]
PURPOSES = ["software_engineering", "code_review", "model_training", "support"]
REGIONS = ["NZ", "AU", "US", "NO"]
LICENSES = ["apache-2.0", "mit", "proprietary"]
MODELS = ["lumynax/coder", "lumynax/a[b]", "acme/x", "lumynax", "a.c"]
GLOBS = ["lumynax/*", "*", "acme/*", "lumynax/a[b]", "*/x", "a.c", "a?c"]
SENSITIVITIES = ["public", "internal", "restricted", "personal", "health", "iwi", "taonga"]
SCOPES = ["research", "care"]
DATA = ["source_code", "logs", "health_records"]


def some(chance: random.Random, values: list[str]) -> list[str]:
    return [value for value in values if chance.random() < 0.5]


def allowed(chance: random.Random) -> Case:
    """Documents that allow the request, with as much in them as can be."""
    tool = chance.choice(["model_call", "model_call", *CLASSES, "delete_file"])
    public = chance.random() < 0.3
    return {
        "capsule": {
            "capsule_id": "c",
            "subject_id": "s",
            "jurisdiction": "NZ",
            "sensitivity": "public" if public else chance.choice(SENSITIVITIES),
            "allowed_purposes": ["software_engineering", "code_review"],
            "resident_regions": ["NZ", "AU"],
            "data_classes": DATA,
            "personal_detail_level": "sensitive_identifiable",
            "training_allowed": chance.random() < 0.7,
            "export_allowed": True,
            "retention_days": 30,
        },
        "policy": {
            "version": 1,
            "tenant": "t",
            "purposes": {"allowed": ["software_engineering"], "default": "software_engineering"},
            "models": {"allow": ["lumynax/*", "acme/x"], "licenses": ["apache-2.0", "mit"]},
            "personal_details": {"max_level": "identifiable"},
            "tools": dict.fromkeys(CLASSES, "client"),
            "training_allowed": True,
            "export_allowed": True,
        },
        "request": {
            "action": tool,
            "purpose": "software_engineering",
            "region": "NZ",
            "model_id": "lumynax/coder",
            "sovereignty_tier": chance.choice([2, 3]),
            "license": "mit",
            "data_classes": ["source_code"],
            "exports_data": chance.random() < 0.5,
            "personal_detail_level": chance.choice(LEVELS[:4]),
        },
    }


def flips(chance: random.Random) -> list[Callable[[Case], None]]:
    """Ways to change one fact."""

    def put(document: str, value: Any, *path: str) -> Callable[[Case], None]:
        def change(case: Case) -> None:
            here = case[document]
            if here is None:
                return
            for name in path[:-1]:
                here = here.setdefault(name, {})
            here[path[-1]] = value

        return change

    def drop(document: str, *path: str) -> Callable[[Case], None]:
        def change(case: Case) -> None:
            here = case[document]
            for name in path[:-1]:
                here = (here or {}).get(name)
            (here or {}).pop(path[-1], None)

        return change

    def no_policy(case: Case) -> None:
        case["policy"] = None

    flag, days = chance.random() < 0.5, chance.choice([0, 1, 29, 30, 31, 365])
    tools = {name: chance.choice(["allow", "client", "approve", "deny"]) for name in some(chance, CLASSES)}
    return [
        no_policy,
        put("capsule", True, "revoked"),
        put("capsule", some(chance, PURPOSES), "denied_purposes"),
        put("capsule", chance.choice([None, some(chance, PURPOSES)]), "allowed_purposes"),
        put("capsule", some(chance, REGIONS), "resident_regions"),
        drop("capsule", "resident_regions"),
        put("capsule", some(chance, DATA), "data_classes"),
        drop("capsule", "data_classes"),
        put("capsule", days, "retention_days"),
        drop("capsule", "retention_days"),
        put("capsule", flag, "export_allowed"),
        put("capsule", flag, "training_allowed"),
        put("capsule", chance.choice(LEVELS), "personal_detail_level"),
        drop("capsule", "personal_detail_level"),
        put("capsule", some(chance, SCOPES), "consent_scopes"),
        put("capsule", chance.choice(SENSITIVITIES), "sensitivity"),
        put("policy", some(chance, PURPOSES), "purposes", "allowed"),
        put("policy", some(chance, PURPOSES), "purposes", "denied"),
        put("policy", chance.choice(PURPOSES), "purposes", "default"),
        drop("policy", "purposes"),
        put("policy", some(chance, REGIONS), "residency"),
        put("policy", some(chance, GLOBS), "models", "allow"),
        put("policy", some(chance, GLOBS), "models", "deny"),
        put("policy", some(chance, LICENSES), "models", "licenses"),
        drop("policy", "models"),
        drop("policy", "models", "allow"),
        drop("policy", "models", "licenses"),
        put("policy", chance.choice(LEVELS), "personal_details", "max_level"),
        drop("policy", "personal_details"),
        put("policy", tools, "tools"),
        put("policy", dict.fromkeys(CLASSES, chance.choice(["approve", "deny"])), "tools"),
        drop("policy", "tools"),
        put("policy", days, "retention_days"),
        put("policy", flag, "export_allowed"),
        drop("policy", "export_allowed"),
        put("policy", flag, "training_allowed"),
        drop("policy", "training_allowed"),
        put("request", chance.choice(PURPOSES), "purpose"),
        drop("request", "purpose"),
        put("request", chance.choice(REGIONS), "region"),
        drop("request", "region"),
        put("request", chance.choice(MODELS), "model_id"),
        drop("request", "model_id"),
        put("request", chance.choice(LICENSES), "license"),
        drop("request", "license"),
        put("request", chance.choice([0, 1, 2, 3]), "sovereignty_tier"),
        drop("request", "sovereignty_tier"),
        put("request", some(chance, DATA), "data_classes"),
        put("request", chance.choice(["model_call", *CLASSES, "other"]), "action"),
        put("request", True, "exports_data"),
        put("request", True, "trains_model"),
        put("request", flag, "human_approved"),
        put("request", chance.choice(LEVELS), "personal_detail_level"),
        put("request", chance.choice([None, "research", some(chance, SCOPES)]), "consent_scope"),
        put("request", days, "requested_retention_days"),
    ]


def case(number: int) -> Case:
    """The case with this number: an allowed one with nothing, or up to three facts, changed."""
    chance = random.Random(number)
    made = allowed(chance)
    for change in chance.sample(flips(chance), chance.choice([0, 1, 1, 1, 2, 2, 3])):
        change(made)
    return made
