"""What the user chose: the model, the scope, and whether opencode starts with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gonkagate_setup.catalog import Model


class Scope(str, Enum):
    """Where GonkaGate is switched on: in every folder, or in one project."""

    USER = "user"
    PROJECT = "project"


@dataclass(frozen=True)
class Choice:
    """What the user chose; `available_only`: opencode starts with the same model as before."""

    model: Model
    scope: Scope
    available_only: bool = False
