"""`doctor`: the settings in effect; with --live, whether the service lists the models. Starts nothing."""

from __future__ import annotations

from foundation.errors import Refusal
from overlord.command_line import Arguments
from overlord.commands.context import Context
from overlord.commands.preflight import listed_models, missing
from overlord.core.json_values import Json
from overlord.errors import code_of
from overlord.report import Report


def run(arguments: Arguments, context: Context) -> Report:
    """Show the settings."""
    normal_model, ultra_model = context.settings.models()
    settings: Json = {
        "baseUrl": context.settings.base_url(),
        "model": normal_model,
        "ultraModel": ultra_model,
        "timeoutMs": context.settings.timeout_ms,
        "leaseMs": context.settings.lease_ms,
        "keySource": context.settings.key_source,
        "stateDir": str(context.home),
        "worktree": str(context.worktree),
        "shell": context.shell,
    }
    lines = [f"{name:<11} {_shown(value)}" for name, value in settings.items()]
    details: Json = {"settings": settings}
    error = None
    if arguments.has("--live"):
        error, details["live"] = _live(context, settings["baseUrl"], normal_model, ultra_model)
        lines.append(f"{'models':<11} {details['live']['models']}")
        lines += [
            f"  {name}: {'listed' if there else 'not listed'}"
            for name, there in details["live"]["listed"].items()
        ]
    if error is not None:
        lines.append(f"Next: {error.next_step}")
    message = "The settings in effect." if error is None else f"{error.message}."
    return Report("doctor", message, "\n".join(lines), error=error, details=details)


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)


def _live(
    context: Context, base_url: str, normal_model: str, ultra_model: str
) -> tuple[Refusal | None, Json]:
    try:
        listed = listed_models(context, context.client(base_url, context.key()))
    except Refusal as refusal:
        return refusal, {"models": code_of(refusal), "listed": {}}
    there = {model: model in listed for model in (normal_model, ultra_model)}
    error = missing(context, listed, normal_model, ultra_model)
    return error, {"models": "ok" if error is None else code_of(error), "listed": there}
