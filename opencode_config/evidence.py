"""What opencode itself answered: values that the verdict judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Mapping, Union

from foundation.errors import Refusal
from opencode_config.launcher import Folders, Launcher
from opencode_config.places import Environment
from opencode_config.versions import Version


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
