"""What is wrong with the backends and the store, asked now."""

from __future__ import annotations

import asyncio
from typing import Iterator, Mapping

from foundation.errors import Refusal, Where
from foundation.host import Host
from marama_route.commands.backends import Answer
from marama_route.commands.stores import opened
from marama_route.core.config import Config
from sovereigncode.workspace import Fault


def backends(answers: Mapping[str, Answer], config: Config) -> Iterator[Fault]:
    """Backends that do not answer as they should; `files` says that a key is missing, with its place."""
    for name, answer in answers.items():
        if answer.why_not is not None and answer.asked:
            yield Fault(
                "backend_unreachable",
                f"the backend {name} cannot be used: {answer.why_not}",
                Where(config.backends[name].base_url),
                "start it, or correct its base_url and its key; --offline leaves this out",
            )


def not_listed(answers: Mapping[str, Answer], config: Config) -> Iterator[str]:
    """A hint for each model that its backend answers for, and does not list."""
    for model in config.registry.models.values():
        answer = answers.get(model.backend)
        if answer is not None and answer.why_not is None and not answer.available(model):
            yield f"the backend {model.backend} does not list {model.upstream_model}, the model {model.id}"


def store(config: Config, host: Host) -> Iterator[Fault]:
    """A store that cannot be read and written now."""
    try:
        asyncio.run(_probe(config, host))
    except Refusal as refusal:
        where = refusal.where or Where(config.store)
        yield Fault(refusal.kind, refusal.message, where, refusal.next_step)


async def _probe(config: Config, host: Host) -> None:
    store = await asyncio.to_thread(opened, config, host)
    try:
        await store.probe()
    finally:
        await store.close()
