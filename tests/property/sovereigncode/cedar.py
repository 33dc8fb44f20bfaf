"""The second evaluator: Cedar, asked with the documents and not with what our code made of them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Mapping

import cedarpy

RULES = (Path(__file__).parent / "rules.cedar").read_text(encoding="utf-8")
LEVELS = ["none", "anonymous", "pseudonymous", "identifiable", "sensitive_identifiable"]
CLASSES = ["read", "plan", "file_write", "shell", "network", "delete", "commit", "publish", "unknown"]
WHO = {"principal": {"type": "Agent", "id": "a"}, "resource": {"type": "Workspace", "id": "w"}}
Documents = Mapping[str, Any]


class Oracle:
    """Cedar with these policies."""

    def __init__(self, rules: str = RULES) -> None:
        self._rules = cedarpy.PolicySet.from_str(rules)
        self._entities = cedarpy.Entities.from_json_str("[]")

    def decide(self, documents: Documents) -> tuple[set[str], set[str]]:
        """The codes of the reasons, and those of the obligations if there is no reason."""
        context = _context(documents)
        reasons = self._fired("decide", context)
        return reasons, set() if reasons else self._fired("oblige", context)

    def _fired(self, action: str, context: Mapping[str, Any]) -> set[str]:
        request = {**WHO, "action": {"type": "Action", "id": action}, "context": context}
        result = cedarpy.is_authorized(request, self._rules, self._entities)
        # A policy that cannot be evaluated is left out by Cedar, and would hide a disagreement.
        assert result.diagnostics.errors == []
        fired = set(result.diagnostics.id_annotations_by_reason.values())
        return set() if result.allowed else fired


def without(rule: str) -> str:
    """The policies without one of them."""
    found = re.subn(rf'@id\("{rule}"\)\n.*?\n?\}};\n', "", RULES, flags=re.DOTALL)
    assert found[1] == 1, rule
    return found[0]


def _context(documents: Documents) -> dict[str, Any]:
    policy = documents["policy"]
    return {
        "capsule": _capsule(documents["capsule"]),
        "policy": _policy(policy or {}),
        "has_file": policy is not None,
        "request": _request(documents["request"], policy or {}),
    }


def _capsule(capsule: Documents) -> dict[str, Any]:
    context = {
        "revoked": capsule.get("revoked", False),
        "sensitivity": capsule["sensitivity"],
        "denied_purposes": capsule.get("denied_purposes", []),
        "resident_regions": capsule.get("resident_regions", [capsule["jurisdiction"]]),
        "data_classes": capsule.get("data_classes", ["source_code"]),
        "retention_days": capsule.get("retention_days", 30),
        "export_allowed": capsule.get("export_allowed", False),
        "training_allowed": capsule.get("training_allowed", False),
        "level": LEVELS.index(capsule.get("personal_detail_level", "none")),
        "consent_scopes": capsule.get("consent_scopes", []),
    }
    if capsule.get("allowed_purposes") is not None:
        context["allowed_purposes"] = capsule["allowed_purposes"]
    return context


def _policy(policy: Documents) -> dict[str, Any]:
    purposes, models, tools = (policy.get(name, {}) for name in ("purposes", "models", "tools"))
    found = {
        "allowed_purposes": purposes.get("allowed"),
        "denied_purposes": purposes.get("denied"),
        "default_purpose": purposes.get("default"),
        "residency": policy.get("residency"),
        "licenses": models.get("licenses"),
        "training_allowed": policy.get("training_allowed"),
        "export_allowed": policy.get("export_allowed"),
        "retention_days": policy.get("retention_days"),
        "lists_models": True if "allow" in models or models.get("deny") else None,
        "named_tools": list(tools) or None,
        "denied_tools": [name for name, rule in tools.items() if rule == "deny"] or None,
        "approved_tools": [name for name, rule in tools.items() if rule == "approve"] or None,
    }
    level = policy.get("personal_details", {}).get("max_level")
    return {
        **{name: value for name, value in found.items() if value is not None},
        **({} if level is None else {"level": LEVELS.index(level)}),
    }


def _request(request: Documents, policy: Documents) -> dict[str, Any]:
    models = policy.get("models", {})
    model = request.get("model_id")
    scopes = request.get("consent_scope") or []
    optional = ("purpose", "region", "model_id", "license", "sovereignty_tier", "requested_retention_days")
    return {
        **{name: request[name] for name in optional if request.get(name) is not None},
        "action": request["action"],
        "class": request["action"] if request["action"] in CLASSES else "unknown",
        "data_classes": request.get("data_classes", []),
        "exports_data": request.get("exports_data", False),
        "trains_model": request.get("trains_model", False),
        "human_approved": request.get("human_approved", False),
        "level": LEVELS.index(request.get("personal_detail_level", "none")),
        "consent_scopes": [scopes] if isinstance(scopes, str) else scopes,
        "denied_by_name": model is not None and _any(model, models.get("deny", [])),
        "allowed_by_name": model is not None and ("allow" not in models or _any(model, models["allow"])),
    }


def _any(model: str, globs: list[str]) -> bool:
    # Only * means something in a pattern.
    return any(fnmatchcase(model, re.sub(r"[\[?]", "[\\g<0>]", glob)) for glob in globs)
