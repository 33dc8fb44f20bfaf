"""One gateway and one backend for the tests of a module."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.stand_in.model_backend import ModelBackend
from tests.support.gateway import POLICY, Gateway, Workspace, model, running

US = model("acme/us", residency=["US"], sovereignty_tier=1)
SMALL = model("acme/small", context_tokens=10, quality_rank=9)


@pytest.fixture(scope="module")
def backend() -> Iterator[ModelBackend]:
    with ModelBackend() as made:
        yield made


def policy(**fields: Any) -> dict[str, Any]:
    return {**POLICY, **fields}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, backend: ModelBackend) -> Iterator[Gateway]:
    """A gateway with one workspace, a model here, one in the US and one that is too small."""
    root: Path = tmp_path_factory.mktemp("gateway")
    shop = Workspace(policy=policy(residency=["NZ"], models={"deny": ["acme/never"]}))
    options: dict[str, Any] = {
        "backends": {"b": {"base_url": backend.base_url}},
        "models": [model(), US, SMALL, model("acme/never")],
        "workspaces": {"shop": shop},
    }
    with running(root, **options) as made:
        yield made
