"""Every backend asked for its models, all at once; nothing else is sent to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Mapping

from foundation.host import Host
from marama_route.backends.client import Backends
from marama_route.backends.failures import BackendError
from marama_route.core.config import Config
from marama_route.core.registry import Model

SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What a backend answered: the names of its models, or why it has none (half a sentence).

    `asked` is False if it was not even asked, because its key is missing here.
    """

    models: frozenset[str] = frozenset()
    why_not: str | None = None
    asked: bool = True

    def available(self, model: Model) -> bool:
        """Whether the backend can be asked for this model. One that lists nothing may have it."""
        return self.why_not is None and (not self.models or model.upstream_model in self.models)

    def why_not_available(self, model: Model) -> str | None:
        """Half a sentence, None if it is available."""
        if self.available(model):
            return None
        return self.why_not or f"its backend does not list {model.upstream_model}"


def ask(config: Config, host: Host) -> Mapping[str, Answer]:
    """The answer of each backend. Raises Refusal not_ready for unusable variables of proxies."""
    return asyncio.run(_ask(config, host))


async def _ask(config: Config, host: Host) -> Mapping[str, Answer]:
    async with Backends(config.backends, host) as backends:
        answers = await asyncio.gather(*(_one(backends, name) for name in config.backends))
    return dict(zip(config.backends, answers, strict=True))


async def _one(backends: Backends, name: str) -> Answer:
    try:
        return Answer(await backends.listed(name, SECONDS))
    except BackendError as error:
        return Answer(why_not=error.failure.sentence, asked=error.failure.of_the_backend)
