"""Who asks: the key's holder, and how many requests its tenant has left this minute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Final, Mapping

from marama_route.core import keys
from marama_route.core.config import Config, Tenant
from marama_route.core.errors import RequestRefusal
from marama_route.core.keys import Role

_MINUTE: Final = 60.0


@dataclass(frozen=True)
class Caller:
    """Whose key was presented. `actor` names the key in records."""

    tenant: Tenant
    role: Role
    actor: str


class Allowance:
    """Requests that a tenant has left: as many at once as in a minute, and evenly more as time passes."""

    def __init__(self, a_minute: int, now: float) -> None:
        self.a_minute = a_minute
        self._left = float(a_minute)
        self._at = now

    def take(self, now: float) -> int | None:
        """Count a request; None if it may go on, else in how many seconds there is room for one."""
        self._left = min(
            float(self.a_minute), self._left + max(0.0, now - self._at) * self.a_minute / _MINUTE
        )
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return None
        if not self.a_minute:
            return int(_MINUTE)
        return max(1, math.ceil((1 - self._left) * _MINUTE / self.a_minute))


class Callers:
    """The keys of a configuration; requests are counted here, in this process."""

    def __init__(
        self, config: Config, clock: Callable[[], float], before: Mapping[str, Allowance] | None = None
    ) -> None:
        """`clock`: seconds that never go back. `before`: what is left of an earlier configuration."""
        self._keys = config.keys
        self._clock = clock
        self._tenants = {tenant.id: tenant for tenant in config.tenants}
        self.allowances: Mapping[str, Allowance] = {
            tenant.id: _kept(tenant, before or {}) or Allowance(tenant.requests_per_minute, clock())
            for tenant in config.tenants
        }

    def known(self, authorization: str | None) -> Caller:
        """The holder of the key in this header. RequestRefusal invalid_api_key, the same for every cause."""
        holder = keys.find(keys.presented(authorization), self._keys)
        if holder is None:
            raise RequestRefusal(
                "invalid_api_key",
                "there is no valid key in the header Authorization",
                next_step="send `Authorization: Bearer` and a key of this gateway",
            )
        return Caller(self._tenants[holder.tenant], holder.role, holder.actor)

    def count(self, caller: Caller) -> None:
        """RequestRefusal rate_limited if the tenant has sent as many as it may."""
        seconds = self.allowances[caller.tenant.id].take(self._clock())
        if seconds is not None:
            raise RequestRefusal(
                "rate_limited",
                f"this tenant may send {caller.tenant.requests_per_minute} requests a minute",
                next_step=f"send it again in {seconds} seconds",
                retry_after=seconds,
            )


def _kept(tenant: Tenant, before: Mapping[str, Allowance]) -> Allowance | None:
    known = before.get(tenant.id)
    return known if known is not None and known.a_minute == tenant.requests_per_minute else None


def require_approver(caller: Caller) -> None:
    """RequestRefusal approver_key_required for a key that only asks models."""
    if caller.role is not Role.APPROVER:
        raise RequestRefusal(
            "approver_key_required",
            "this needs a key with the role approver",
            next_step="use an approver key of this tenant",
        )
