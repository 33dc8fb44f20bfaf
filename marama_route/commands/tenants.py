"""Which tenant a command is about: the one that is named, else the only one."""

from __future__ import annotations

from foundation.errors import Refusal
from marama_route.core.config import Config, Tenant


def chosen(config: Config, named: str | None) -> Tenant:
    """The tenant. Raises Refusal tenant_unknown for a name that is none, and if several could be meant."""
    known = {tenant.id: tenant for tenant in config.tenants}
    if named is not None and named in known:
        return known[named]
    if named is None and len(known) == 1:
        return config.tenants[0]
    if not known:
        raise Refusal(
            "tenant_unknown",
            "the configuration has no tenant",
            next_step="add one to it, for example: tenants: [{id: local}]",
        )
    message = "there are several tenants" if named is None else "the configuration has no tenant of this name"
    raise Refusal("tenant_unknown", message, next_step=f"add --tenant with {' or '.join(known)}")
