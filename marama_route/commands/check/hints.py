"""What is not wrong, but may not be meant: models that nobody may use, backends without models."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Iterator, Sequence

from marama_route.core.config import Config
from marama_route.core.headers import Headers
from marama_route.core.judged import judge, request_of
from marama_route.core.registry import Model
from sovereigncode.core.combined import Combined
from sovereigncode.workspace import Workspace

# What a request cannot change.
_BY_MODEL: Final = frozenset({"region_not_resident", "model_denied", "model_not_trusted"})


def of(config: Config, workspaces: Sequence[Workspace]) -> Iterator[str]:
    """Each hint as a sentence."""
    models = config.registry.models.values()
    used = {model.backend for model in models}
    if not models:
        yield "no model is configured, so no request can be answered"
    if not config.workspaces:
        yield "no workspace is configured, so every request is denied; `serve --workspace DIR` names one, too"
    for name in config.backends:
        if name not in used:
            yield f"no model uses the backend {name}"
    rules = [one.rules for one in workspaces]
    usable = [one for one in rules if isinstance(one, Combined)]
    for model in models if usable else ():
        codes = _never(model, usable)
        if codes:
            yield f"no workspace's policy can allow the model {model.id}: {', '.join(codes)}"


def _never(model: Model, rules: Sequence[Combined]) -> list[str]:
    """The codes that deny the model in every workspace, whatever is asked; empty if one may allow it."""
    found: dict[str, None] = {}
    for one in rules:
        call = replace(request_of(Headers(), one, "", None), purpose=None)
        codes = {reason.code for reason in judge(model, one, call).reasons} & _BY_MODEL
        if not codes:
            return []
        found.update(dict.fromkeys(sorted(codes)))
    return list(found)
