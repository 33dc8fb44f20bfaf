"""The models and aliases of a configuration: what a name in a request stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Mapping

from marama_route.core.errors import RequestRefusal
from marama_route.core.wishes import TaskType, Wishes

LOCAL_TIER: Final = 3
WORST_RANK: Final = 10
MODALITIES: Final = ("text", "image", "audio", "video", "file", "embedding")


@dataclass(frozen=True)
class Model:
    """One model. What the configuration leaves out is the least trusted or least capable value.

    `residency` are all the regions where it may run. Ranks are 0 (best) to 10. `active_params_b` is in
    thousand millions.
    """

    id: str
    backend: str
    upstream_model: str
    residency: tuple[str, ...]
    context_tokens: int
    license: str | None = None
    modalities: frozenset[str] = frozenset({"text"})
    max_output_tokens: int | None = None
    jurisdiction: str | None = None
    sovereignty_tier: int = 0
    tags: frozenset[str] = frozenset()
    supports_tools: bool = False
    supports_json: bool = False
    quality_rank: int = WORST_RANK
    cost_rank: int = WORST_RANK
    active_params_b: float | None = None


NO_WISHES: Final = Wishes()
DEFAULT_ALIASES: Final[Mapping[str, Wishes]] = {
    "lumynax/auto": NO_WISHES,
    "lumynax/code": Wishes(task_type=TaskType.CODE),
    "lumynax/reasoning": Wishes(task_type=TaskType.REASONING),
    "lumynax/multimodal": Wishes(task_type=TaskType.MULTIMODAL),
    "lumynax/local": Wishes(requires_local=True),
}


@dataclass(frozen=True)
class Resolved:
    """What a name stands for: the models that may be chosen, what the alias wishes, whether it is a pin."""

    models: tuple[Model, ...]
    wishes: Wishes = NO_WISHES
    pinned: bool = False


@dataclass(frozen=True)
class Registry:
    """Models by id and aliases by name; no name is both."""

    models: Mapping[str, Model]
    aliases: Mapping[str, Wishes]

    def resolve(self, name: str | None) -> Resolved:
        """A model's id pins it, an alias or no name leaves a choice; RequestRefusal for any other name."""
        if name is None:
            return Resolved(self._all)
        if name in self.models:
            return Resolved((self.models[name],), pinned=True)
        if name in self.aliases:
            return Resolved(self._all, self.aliases[name])
        raise RequestRefusal(
            "model_not_found",
            "no model and no alias has this name",
            next_step="GET /v1/models lists the names",
            param="model",
        )

    @cached_property
    def _all(self) -> tuple[Model, ...]:
        return tuple(self.models[name] for name in sorted(self.models))
