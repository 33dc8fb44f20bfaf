"""models: aliases and models, where each runs, and whether its backend has it now."""

from __future__ import annotations

import argparse
from dataclasses import fields
from enum import Enum
from typing import Any, Mapping

from foundation.host import Host
from foundation.program import Report
from marama_route import config_file, places
from marama_route.commands import backends
from marama_route.commands.backends import Answer
from marama_route.core.errors import Exit
from marama_route.core.registry import Model
from marama_route.core.wishes import Wishes
from marama_route.ui.table import table

_HEADING = ("model", "backend", "available", "residency", "tier", "context", "tools")


def run(arguments: argparse.Namespace, host: Host) -> Report:
    """The table. Raises Refusal for a configuration that cannot be used."""
    config = config_file.load(places.config_file(host, arguments.config))
    answers = {} if arguments.offline else backends.ask(config, host)
    models = [_to_json(model, answers.get(model.backend)) for model in config.registry.models.values()]
    aliases: list[dict[str, Any]] = [
        {"name": name, "wishes": _wishes(wishes)} for name, wishes in config.registry.aliases.items()
    ]
    lines = [table(("alias", "chooses"), [(one["name"], _said(one["wishes"])) for one in aliases])]
    lines += ["", table(_HEADING, [_row(one) for one in models]) if models else "No model is configured."]
    ready = sum(one["available"] is True for one in models)
    message = (
        f"{len(models)} models" if arguments.offline else f"{ready} of {len(models)} models are available"
    )
    return Report("models", Exit.DONE, message, "\n".join(lines), {"models": models, "aliases": aliases})


def _to_json(model: Model, answer: Answer | None) -> dict[str, Any]:
    return {
        "id": model.id,
        "backend": model.backend,
        "upstream_model": model.upstream_model,
        "available": None if answer is None else answer.available(model),
        "why_not": None if answer is None else answer.why_not_available(model),
        "residency": list(model.residency),
        "sovereignty_tier": model.sovereignty_tier,
        "context_tokens": model.context_tokens,
        "supports_tools": model.supports_tools,
    }


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    available = "not asked" if one["available"] is None else "yes"
    return (
        one["id"],
        one["backend"],
        f"no: {one['why_not']}" if one["why_not"] else available,
        ", ".join(one["residency"]),
        str(one["sovereignty_tier"]),
        str(one["context_tokens"]),
        "yes" if one["supports_tools"] else "no",
    )


def _wishes(wishes: Wishes) -> dict[str, Any]:
    """What an alias wishes, without what it does not say."""
    said = {field.name: getattr(wishes, field.name) for field in fields(wishes)}
    return {name: _plain(value) for name, value in said.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return sorted(value) if isinstance(value, frozenset) else value


def _said(wishes: Mapping[str, Any]) -> str:
    return "; ".join(_wish(name.replace("_", " "), value) for name, value in wishes.items()) or "any model"


def _wish(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return f"{name} {', '.join(value) if isinstance(value, list) else value}"
