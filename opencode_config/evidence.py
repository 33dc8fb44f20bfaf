"""What opencode itself answered: values that the verdict judges."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, Mapping, Union

from foundation.errors import Refusal
from opencode_config.launcher import Folders, Launcher
from opencode_config.places import Environment


@dataclass(frozen=True, order=True)
class Version:
    """An opencode version; compares by its three numbers, prints as opencode printed it."""

    major: int
    minor: int
    patch: int
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or f"{self.major}.{self.minor}.{self.patch}"


# From here on, or from one of the four before, opencode takes the `#variant` off a model
# (docs/opencode-facts.md#versions-and-the-spelling-of-opencode-2).
VARIANTS_GO: Final = Version(1, 18, 28)
# What opencode prints instead of secrets from 1.18.33 on: in headers, under secret-looking names, and for
# addresses with a password or a secret-looking query in them
# (docs/opencode-facts.md#commands-and-their-output).
MASK: Final = "***"
_MASKED: Final = r"(?i)api.?key|secret|password|token$|authorization$|cookie$|credential|private.?key"


def masked_name(name: str) -> bool:
    """Whether opencode prints MASK for any text under a key of that name."""
    return re.search(_MASKED, name) is not None


# The newest opencode whose behaviour was measured for docs/opencode-facts.md and docs/layers.md.
NEWEST_AUDITED = Version(1, 18, 33)


@dataclass(frozen=True)
class Gated:
    """opencode does not offer the provider: `Provider not found`."""


Models = Union["tuple[str, ...]", Gated]


@dataclass(frozen=True)
class Answer:
    """One environment's answer: the resolved config without its keys, or why there is none.

    `models` is what `opencode models <provider>` listed, None if it was not asked or did not answer
    (then `models_failure` says why, if it was asked). `key` is the digest of the provider's key as opencode
    prints it (the same for every key from 1.18.33 on, which prints `***`), None if there is none.
    """

    config: Mapping[str, Any] | None = field(default=None, repr=False)
    failure: Refusal | None = None
    models: Models | None = None
    models_failure: Refusal | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Evidence:
    """Everything that one gathering brought back.

    `answers` has every environment; those that do not differ share one answer. `plugins` has those in which
    there are plugins, resolved with the plugins running.
    `on_path` is whether the shell finds this opencode; `also` are other ones on the PATH.
    `launcher` is what starts it, if that is another file; `folders` are those that opencode itself names,
    in the environments in which it does not see what the user's own config has.
    """

    version: Version
    executable: PurePath
    answers: Mapping[Environment, Answer]
    plugins: Mapping[Environment, Answer] = field(default_factory=dict)
    on_path: bool = True
    also: tuple[PurePath, ...] = ()
    launcher: Launcher | None = None
    folders: Mapping[Environment, Folders] = field(default_factory=dict)


def answer_of(config: Mapping[str, Any], provider: str) -> Answer:
    """The part of a resolved config that is judged, without the key; everything else is dropped."""
    kept = {
        name: config[name]
        for name in (
            "model",
            "small_model",
            "enabled_providers",
            "disabled_providers",
            "default_agent",
            "plugin",
        )
        if name in config
    }
    for name in ("agent", "command"):
        entries = config.get(name)
        if isinstance(entries, dict):
            kept[name] = {
                key: {word: entry[word] for word in ("model", "mode", "disable", "hidden") if word in entry}
                for key, entry in entries.items()
                if isinstance(entry, dict)
            }
    providers = config.get("provider")
    own = providers.get(provider) if isinstance(providers, dict) else None
    key = None
    if isinstance(own, dict):
        if isinstance(own.get("options"), dict):
            key = own["options"].pop("apiKey", None)
        kept["provider"] = {provider: own}
    import hashlib

    digest = (
        hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest() if isinstance(key, str) else None
    )
    return Answer(kept, key=digest)
