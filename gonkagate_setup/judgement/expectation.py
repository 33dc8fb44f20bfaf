"""What is expected of a resolved config, and a deviation: one value that is not as expected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable

from gonkagate_setup.catalog import Profile
from gonkagate_setup.choice import Scope
from opencode_config.jsonc import same
from opencode_config.layers import Path
from opencode_config.places import INFERRED
from opencode_config.v2_spelling import plain_model


@dataclass(frozen=True)
class Expectation:
    """What plain `opencode` should use: a catalogue model of the profile, set in that scope.

    `available_only`: opencode only has to offer the model; it may start with any other one.
    """

    profile: Profile
    model_key: str
    scope: Scope
    available_only: bool = False

    @property
    def reference(self) -> str:
        """The model as opencode names it."""
        return self.profile.reference(self.model_key)


class DeviationKind(Enum):
    """How a value differs from the expected one: it is missing, wrong, or extra."""

    MISSING = "missing"
    WRONG = "wrong"
    EXTRA = "extra"


@dataclass(frozen=True)
class Deviation:
    """One value that is not as expected.

    For example, the agent "build" resolves to the model "a/b": `path` is ("agent", "build", "model"),
    `resolved` is "a/b" (MISSING if nothing is set), `sources` are the keys that opencode takes it from,
    strongest first (the mode's, then the agent's; empty if that is `path` alone), and `effect` says what that
    means for the user. `wrong` says whether a layer's value causes the deviation. If values at that key can
    hide the selected model, like a blacklist, `hides` says whether a layer's value would, if it took effect.
    `belongs` is the layer that a missing value belongs in; in the layers of `tolerated` it stops nothing.
    """

    code: str
    path: Path
    resolved: Any
    wrong: Callable[[Any], bool]
    effect: str
    sources: tuple[Path, ...] = ()
    hides: Callable[[Any], bool] | None = None
    kind: DeviationKind = DeviationKind.WRONG
    belongs: str = INFERRED
    tolerated: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The keys that opencode reads the value from, strongest first."""
        return self.sources or (self.path,)


def other_than(expected: Any) -> Callable[[Any], bool]:
    """Whether a layer's value differs from the expected one."""
    return lambda value: not same(expected, value)


def other_model(reference: str, resolved: Any, *, variants_stay: bool) -> Callable[[Any], bool]:
    """Whether a layer's model differs; if opencode keeps a `#variant`, a variant makes it different."""
    if variants_stay or (isinstance(resolved, str) and "#" in resolved):
        return other_than(reference)
    return lambda value: not same(reference, plain_model(value))


def never(_: Any) -> bool:
    """No value of a layer causes this deviation: something is missing."""
    return False


def always(_: Any) -> bool:
    """Any value of a layer at that key is wrong: it should not be there."""
    return True
