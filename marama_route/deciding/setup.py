"""What a configuration makes: callers, workspaces, models, backends; a request keeps that of its start."""

from __future__ import annotations

from dataclasses import dataclass, field

from marama_route.backends.client import Backends
from marama_route.core.config import Config
from marama_route.deciding.callers import Callers
from marama_route.deciding.router import Router
from marama_route.workspaces.workspaces import Workspaces


@dataclass(frozen=True, eq=False)
class Setup:
    """A valid configuration and the objects of it."""

    config: Config
    callers: Callers
    workspaces: Workspaces
    backends: Backends
    router: Router = field(default_factory=Router)
