"""Plans of routing kept: as long as rules and hints stay the same, only sizes and backends are looked at."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from marama_route.core.hints import Hints, Rules
from marama_route.core.registry import Resolved
from marama_route.core.routing import Plan, Routed
from sovereigncode.core.request import Request

_MOST: Final = 256


class Router:
    """For one configuration and one event loop; the plan that was not used for longest is dropped."""

    def __init__(self) -> None:
        self._plans: OrderedDict[Any, tuple[Rules, Plan]] = OrderedDict()

    def route(
        self,
        name: str | None,
        resolved: Resolved,
        hints: Hints,
        rules: Rules,
        call: Request,
        unavailable: frozenset[str],
    ) -> Routed:
        """The same as `routing.route`; `name` is what `resolved` was found by."""
        # Rules are the same object as long as both files have the same bytes.
        key = (
            *(id(rules), name, call, hints.task_type, hints.modalities, hints.jurisdiction, hints.must_be_in),
            *(hints.data_sensitivity, hints.requires_local, hints.requires_tools, hints.requires_json),
            hints.license_allowlist,
        )
        known = self._plans.get(key)
        if known is None:
            known = self._plans[key] = (rules, Plan(resolved, hints, rules, call))
            if len(self._plans) > _MOST:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return known[1].routed(hints, unavailable)
