"""One gateway with its backends for each module; see sites.py."""

from __future__ import annotations

from typing import Iterator

import pytest

from tests.e2e.marama_route import sites
from tests.e2e.marama_route.sites import Site
from tests.stand_in.model_backend import ModelBackend


@pytest.fixture(scope="module", name="_site")
def _site_of_a_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    with (
        ModelBackend() as first,
        ModelBackend() as second,
        ModelBackend() as third,
        sites.running(root, first, second, third) as site,
    ):
        yield site


@pytest.fixture
def site(_site: Site) -> Site:
    """A gateway with its backends, which answer as usual and have seen nothing."""
    for backend in _site.backends:
        backend.answers = []
        backend.requests.clear()
    return _site
