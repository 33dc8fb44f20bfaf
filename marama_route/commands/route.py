"""route: which model a text would go to, with every reason; nothing is stored, and no model is asked."""

from __future__ import annotations

import argparse
import asyncio
import secrets
from pathlib import Path
from typing import IO, Any, Final

from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.program import Report, piped
from marama_route import config_file, places, wire
from marama_route.commands import tenants
from marama_route.core import hints, judged, request, routing
from marama_route.core.config import Config, Tenant
from marama_route.core.decision import State, request_hash
from marama_route.core.errors import Exit, RequestRefusal
from marama_route.core.headers import Headers
from marama_route.deciding import content
from marama_route.errors import KINDS
from marama_route.ui import decisions
from marama_route.workspaces.choosing import Chosen
from marama_route.workspaces.workspaces import Workspaces
from sovereigncode.content import Verdicts
from sovereigncode.content.ignored import NONE
from sovereigncode.core.combined import Combined

LIMIT: Final = 16 * 1024 * 1024
ACTOR: Final = "marama-route route"
_KEY_BYTES: Final = 32
_STDIN: Final = "standard input"


def run(arguments: argparse.Namespace, host: Host, stdin: IO[str] | None) -> Report:
    """Status 6 if no model may or can take it. Raises Refusal for what cannot be decided at all."""
    path = places.config_file(host, arguments.config)
    config = config_file.load(path)
    payload = {"prompt": _text(arguments.text, stdin)}
    if arguments.model is not None:
        payload["model"] = arguments.model
    workspaces = Workspaces.of(config.workspaces, host)
    capsule_id = _here(workspaces, host.cwd)
    tenant = _tenant(config, workspaces, capsule_id, arguments.tenant)
    chosen = workspaces.choose(tenant.id, capsule_id)
    decision, refusal = _decided(config, tenant, chosen, payload)
    place = "no workspace" if chosen.reading is None else str(chosen.reading.folder.root)
    lines = [f"  {'workspace':9} {place}", *decisions.routed(decision)]
    if refusal is None:
        message = f"{decision['selected_model']} would be asked"
        return Report("route", Exit.DONE, message, "\n".join(lines), decision)
    lines += ["", f"{refusal.kind}: {refusal.message}"]
    return Report("route", KINDS[refusal.kind][1], refusal.message, "\n".join(lines), decision, refusal)


def _decided(
    config: Config, tenant: Tenant, chosen: Chosen, payload: dict[str, str]
) -> tuple[dict[str, Any], RequestRefusal | None]:
    """As `/v1/route` shows it, without an id because it is not stored; and why it is a no, if it is one."""
    body = wire.dumps(payload)
    asked = request.read(payload, routing=True)
    resolved = config.registry.resolve(asked.model)
    headers, rules = Headers(), chosen.rules
    understood = hints.understood(asked, resolved.wishes, headers, rules)
    call = judged.request_of(headers, rules, ACTOR, tenant.purpose)
    routed = routing.route(resolved, understood, rules, call)
    found = content.NOTHING
    if isinstance(rules, Combined) and not routing.policy_denies(routed):
        ignored = NONE if chosen.reading is None else chosen.reading.ignored
        found = asyncio.run(
            content.judged(payload, len(body), rules, ignored, Verdicts(secrets.token_bytes(_KEY_BYTES)))
        )
    shown = content.applied(found, routed)
    state = State.DENIED if shown.selected is None else State.DRY_RUN
    decision = {
        "tenant": tenant.id,
        "workspace": None if chosen.reading is None else str(chosen.reading.folder.root),
        "capsule_id": None if chosen.reading is None else chosen.reading.capsule_id,
        "requested_model": asked.model,
        "dry_run": True,
        "request": understood.to_json(),
        **shown.to_json(),
        "request_hash": request_hash(body),
        "config_hash": config.hash,
        "outcome": {"state": state.value},
    }
    return decision, found.refusal() if found.blocked else routing.refusal(routed)


def _here(workspaces: Workspaces, cwd: Path) -> str | None:
    """The capsule of the configured workspace that the current folder is in; None: what HTTP would choose."""
    real = cwd.resolve()
    for place in (real, *real.parents):
        folder = workspaces.by_root.get(place)
        if folder is not None:
            return folder.read().capsule_id
    return None


def _tenant(config: Config, workspaces: Workspaces, capsule_id: str | None, named: str | None) -> Tenant:
    """The tenant that is named, else that of the workspace's policy, else the only one."""
    owner = next(
        (
            reading.tenant
            for reading in (folder.read() for folder in workspaces.folders)
            if capsule_id is not None and reading.capsule_id == capsule_id
        ),
        None,
    )
    known = {tenant.id for tenant in config.tenants}
    return tenants.chosen(config, named or (owner if owner in known else None))


def _text(named: str, stdin: IO[str] | None) -> str:
    if named != "-":
        return named
    data = piped(
        stdin,
        LIMIT,
        Refusal(
            "usage_error",
            "route reads the text from a pipe, but standard input is a terminal",
            next_step="give the text as an argument, or pipe it in",
        ),
        Refusal(
            "request_too_large",
            f"the text is larger than {LIMIT} bytes",
            where=Where(_STDIN),
            next_step="send less",
        ),
    )
    return data.decode("utf-8", "replace")
