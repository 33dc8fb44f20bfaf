"""What is wrong with the keys, the backends' keys and the workspaces that a configuration names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Sequence

from foundation.errors import Where
from foundation.host import Host
from foundation.protection import for_host
from marama_route import places
from marama_route.backends.failures import BackendError
from marama_route.backends.keys import KeyOf
from marama_route.core.config import Backend, Config
from sovereigncode import workspace
from sovereigncode.workspace import Fault, Workspace


def read(config: Config, host: Host) -> tuple[Workspace, ...]:
    """The workspaces, in the order of the configuration, read once."""
    roots = [Path(os.path.realpath(places.expanded(path, host))) for path in config.workspaces]
    return tuple(workspace.read(root) for root in roots)


def keys(config: Config, where: Where) -> Iterator[Fault]:
    """A gateway without a key answers nobody."""
    if not config.keys:
        yield Fault(
            "key_missing", "no tenant has a key, so nobody can ask", where, "run `marama-route key create`"
        )


def backend_keys(config: Config, host: Host) -> Iterator[Fault]:
    """Keys that are missing, that cannot be keys, or that others can read."""
    for backend in config.backends.values():
        yield from _backend_key(backend, host)


def _backend_key(backend: Backend, host: Host) -> Iterator[Fault]:
    named = f"the key of the backend {backend.name}"
    if backend.api_key_env is not None:
        where, set_it = Where(backend.api_key_env), "set this variable where the gateway is started"
        if not host.environ.get(backend.api_key_env, "").strip():
            yield Fault("backend_key_missing", f"{named} is not in this variable", where, set_it)
            return
    elif backend.api_key_file is not None:
        path = places.expanded(backend.api_key_file, host)
        where, set_it = Where(str(path)), "store the key in this file, in one line"
        if not os.path.lexists(path):
            yield Fault("backend_key_missing", f"the file with {named} does not exist", where, set_it)
            return
        status = for_host(host).inspect(Path(os.path.realpath(path)))
        if not status.ok:
            yield Fault(
                "backend_key_unusable",
                f"{named} is not protected: {status.detail}",
                where,
                "make the file readable by you only",
            )
    else:
        return
    try:
        KeyOf(backend, host).read()
    except BackendError:
        yield Fault("backend_key_unusable", f"{named} cannot be read, or is not a key", where, set_it)


def workspaces(config: Config, found: Sequence[Workspace], where: Where) -> Iterator[Fault]:
    """Folders that are missing or invalid, of an unknown tenant, or with the capsule of another one."""
    tenants = {tenant.id for tenant in config.tenants}
    seen: dict[tuple[str, str], Path] = {}
    for one in found:
        if not one.root.is_dir():
            yield Fault(
                "workspace_missing",
                "this workspace is not a folder",
                Where(str(one.root)),
                "correct `workspaces` in the configuration, or make the folder",
            )
            continue
        yield from one.faults
        if one.policy is not None and one.policy.tenant not in tenants:
            yield Fault(
                "tenant_unknown",
                "this workspace's policy belongs to a tenant that the configuration does not have",
                Where(str(one.folder / workspace.POLICY)),
                f"correct the tenant there, or add it to {where.name}",
            )
        yield from _repeated(one, tenants, seen)


def _repeated(one: Workspace, tenants: set[str], seen: dict[tuple[str, str], Path]) -> Iterator[Fault]:
    """A capsule's id must name one workspace of a tenant; without a policy it is one of every tenant."""
    if one.capsule is None:
        return
    owners = sorted(tenants) if one.policy is None else [one.policy.tenant]
    others = {seen.setdefault((owner, one.capsule.capsule_id), one.root) for owner in owners} - {one.root}
    for other in sorted(others):
        yield Fault(
            "capsule_ambiguous",
            f"this capsule has the same id as that of {other}, so neither can be chosen",
            Where(str(one.folder / workspace.CAPSULE)),
            "give one of them another capsule_id",
        )
