"""Whether opencode itself asks its user before a tool runs: then the tenant policy may say `client`.

opencode takes the last matching entry of `permission`. A value is allow, ask, deny, or an object of patterns.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Final, Mapping

from opencode_config.jsonc.operations import Set
from sovereigncode.core.words import ToolClass, ToolRule
from sovereigncode.gateway_provider import ASK, PERMISSIONS

_CAREFUL: Final = (ASK, "deny")
_EVERY: Final = "*"
# The permission that opencode asks about before it does something of the class.
ASKED_FOR: Final[Mapping[ToolClass, str]] = {
    ToolClass.FILE_WRITE: "edit",
    ToolClass.SHELL: "bash",
    ToolClass.NETWORK: "webfetch",
    ToolClass.DELETE: "bash",
}


def additions(permission: Any, effective: Any) -> list[Set]:
    """The entries to add: only for a key that is missing, and never over a `deny`.

    `permission` is the project file's own value, `effective` what opencode makes of all its configs.
    """
    if permission is not None and not isinstance(permission, dict):
        return []
    own, all_ = permission or {}, effective if isinstance(effective, dict) else {}
    return [
        Set(("permission", name), ASK)
        for name in PERMISSIONS
        if name not in own
        and not _denies(own.get(_EVERY))
        and not _denies(all_.get(name))
        and not _denies(all_.get(_EVERY))
        and effective != "deny"
    ]


def merged(permission: Any, added: list[Set]) -> Any:
    """The value of `permission` with the additions."""
    new = {operation.path[-1]: operation.value for operation in added}
    return {**permission, **new} if isinstance(permission, dict) else new or permission


def tools(permission: Any, agents: Any) -> dict[ToolClass, ToolRule]:
    """The rule for each class: `client` where opencode asks (or refuses) whatever the agent, else `approve`.

    `permission` is what counts for all agents, `agents` the configured ones with their own.
    """
    each = agents.values() if isinstance(agents, dict) else ()
    own = [agent["permission"] for agent in each if isinstance(agent, dict) and "permission" in agent]
    return {
        tool: ToolRule.CLIENT
        if careful(permission, name) and all(_no_weaker(one, name) for one in own)
        else ToolRule.APPROVE
        for tool, name in ASKED_FOR.items()
    }


def careful(permission: Any, name: str) -> bool:
    """Whether opencode asks or refuses before everything that the permission `name` is about."""
    if isinstance(permission, str):
        return permission in _CAREFUL
    if not isinstance(permission, dict):
        return False
    matching = [key for key in permission if fnmatchcase(name, key)]
    if name in matching:
        # A later pattern that matches would win.
        matching = matching[matching.index(name) :]
    return bool(matching) and all(_asks(permission[key]) for key in matching)


def _no_weaker(permission: Any, name: str) -> bool:
    if isinstance(permission, dict) and not any(fnmatchcase(name, key) for key in permission):
        return True
    return careful(permission, name)


def _asks(value: Any) -> bool:
    if isinstance(value, dict):
        return _EVERY in value and all(one in _CAREFUL for one in value.values())
    return value in _CAREFUL


def _denies(value: Any) -> bool:
    return "deny" in value.values() if isinstance(value, dict) else value == "deny"
