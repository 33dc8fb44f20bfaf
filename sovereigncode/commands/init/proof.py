"""What the real opencode says: once everything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Mapping

from foundation.errors import Refusal
from foundation.host import Host
from opencode_config.evidence import Gated
from opencode_config.output import MASK
from opencode_config.places import Environment
from opencode_config.program.find import find
from opencode_config.program.opencode import Opencode, require_supported
from sovereigncode import gateway_provider as provider
from sovereigncode import permissions
from sovereigncode.commands.init.plan import Plan
from sovereigncode.core.words import ToolRule

_NOT_THERE: Final = "opencode_not_found"


@dataclass(frozen=True)
class Asked:
    """An opencode that can prove what it uses, and its version; None: there is none on this machine."""

    opencode: Opencode | None
    version: str | None = None
    why_not: str = ""

    @classmethod
    def on(cls, host: Host) -> Asked:
        """The opencode of this machine. Raises Refusal opencode_* for one that cannot prove anything."""
        try:
            executable = find(host)
        except Refusal as refusal:
            if refusal.kind != _NOT_THERE or refusal.where is not None:
                raise
            return cls(None, why_not=refusal.message)
        opencode = Opencode(executable, host.cwd.resolve(), host.hidden)
        version = opencode.version(host.environ)
        require_supported(version, executable)
        return cls(opencode, str(version))


def wrong(opencode: Opencode, host: Host, plan: Plan) -> list[str]:
    """What opencode does not use as it was written, as sentences without values. Raises Refusal."""
    environ = Environment.DURABLE.select(host.environ)
    found = missing(opencode.config(environ), plan)
    if found:
        return found
    models = opencode.models(environ, provider.ID)
    wanted = {f"{provider.ID}/{alias}" for alias in provider.ALIASES}
    offered = not isinstance(models, Gated) and wanted <= {*models}
    return [] if offered else [f"opencode does not offer the models of {provider.ID}"]


def missing(resolved: Mapping[str, Any], plan: Plan) -> list[str]:
    """The same of a resolved config alone."""
    entries = resolved.get("provider")
    own = entries.get(provider.ID) if isinstance(entries, dict) else None
    if not isinstance(own, dict):
        return [f"opencode does not know the provider {provider.ID}"]
    found = []
    for operation in provider.operations(plan.wanted):
        path = operation.path[2:]
        value: Any = own
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        # Secrets and headers are printed masked, and the key is filled in.
        hidden = value == MASK or path[-1] == "apiKey"
        if value is None or (not hidden and value != operation.value):
            found.append(f"another config changes provider.{provider.ID}.{'.'.join(path)}")
    for name in ("enabled_providers", "disabled_providers"):
        listed = resolved.get(name)
        if isinstance(listed, list) and (provider.ID in listed) is (name == "disabled_providers"):
            found.append(f"{name} keeps opencode from offering {provider.ID}")
    tools = permissions.tools(resolved.get("permission"), resolved.get("agent"))
    found += [
        f"the policy leaves {tool.value} to opencode, and opencode does not ask"
        for tool, rule in plan.tools.items()
        if rule is ToolRule.CLIENT and tools[tool] is not ToolRule.CLIENT
    ]
    return found
