"""The words of a policy, in their order."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Sensitivity(str, Enum):
    """How a workspace's data must be treated; the last four are as strict as `restricted` or stricter."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"
    PERSONAL = "personal"
    HEALTH = "health"
    IWI = "iwi"
    TAONGA = "taonga"

    @property
    def high(self) -> bool:
        """Everything from `restricted` up."""
        return self not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)


class Level(str, Enum):
    """How far a personal detail leads to a person, from nothing to the most."""

    NONE = "none"
    ANONYMOUS = "anonymous"
    PSEUDONYMOUS = "pseudonymous"
    IDENTIFIABLE = "identifiable"
    SENSITIVE_IDENTIFIABLE = "sensitive_identifiable"

    @property
    def rank(self) -> int:
        """0 for `none`."""
        return list(Level).index(self)


class ToolClass(str, Enum):
    """What a tool call does, from the least to the most."""

    READ = "read"
    PLAN = "plan"
    FILE_WRITE = "file_write"
    SHELL = "shell"
    NETWORK = "network"
    DELETE = "delete"
    COMMIT = "commit"
    PUBLISH = "publish"
    UNKNOWN = "unknown"


class ToolRule(str, Enum):
    """What happens to a tool call of a class; the last is the strictest."""

    ALLOW = "allow"
    CLIENT = "client"
    APPROVE = "approve"
    DENY = "deny"


class Finding(str, Enum):
    """What happens when a personal detail or a credential is found in what would be sent."""

    OFF = "off"
    WARN = "warn"
    BLOCK = "block"


def words(kind: type[Enum]) -> tuple[str, ...]:
    """The words themselves, in their order."""
    return tuple(str(one.value) for one in kind)


MODEL_CALL: Final = "model_call"
# The lowest tier that high sensitivity allows: a provider that is resident in the jurisdiction.
TRUSTED_TIER: Final = 2
