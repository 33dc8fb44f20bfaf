"""The live half of `verify --live`: whether the service takes the stored key and the model answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.secrets import Secret
from foundation.terminal.terminal import Terminal
from gonkagate_setup import credential
from gonkagate_setup.choice import Choice
from gonkagate_setup.errors import code_of, status_of
from gonkagate_setup.gateway import Gateway
from gonkagate_setup.report import Report
from gonkagate_setup.store import Store


def ask(
    report: Report, choice: Choice, store: Store, host: Host, terminal: Terminal, seconds: float
) -> Report:
    """The report with the service's own answer added; if the service fails, the report becomes a failed one.

    Nothing is asked if opencode does not use the provider: that has to be fixed first.
    """
    live: dict[str, Any] = {"models": None, "listed": None, "completion": None}
    if "durable" not in report.proved:
        return replace(report, details={**report.details, "live": live})
    step = "models"
    try:
        gateway = Gateway(report.profile, _stored_key(store, host, terminal), host.environ, seconds)
        with terminal.progress(f"asking {report.profile.display_name} for its models") as progress:
            live["listed"] = choice.model.upstream_id in gateway.models()
            live["models"], step = "ok", "completion"
            progress(f"asking {choice.model.display_name} for a short answer")
            gateway.complete(choice.model.upstream_id)
            live["completion"] = "ok"
    except Refusal as error:
        live[step] = code_of(error)
        return replace(
            report,
            status="failed",
            exit_status=status_of(error),
            message=error.message,
            holds=report.message,
            error=error,
            error_code=code_of(error),
            next_step=error.next_step,
            details={**report.details, "live": live},
        )
    unlisted = "" if live["listed"] else f" (although its list does not include {choice.model.upstream_id})"
    return replace(
        report,
        message=f"{report.message}, and {report.profile.display_name} accepts the stored key{unlisted}",
        details={**report.details, "live": live},
    )


def _stored_key(store: Store, host: Host, terminal: Terminal) -> Secret:
    stored = credential.read_stored(store, host)
    if stored is None or stored.secret is None:
        raise Refusal(
            "secret_source_unavailable",
            "No usable key is stored, so the service cannot be asked",
            where=Where(str(store.key)),
            next_step="run: gonkagate-setup",
        )
    terminal.guard(stored.secret)
    return stored.secret
