"""All folders of a configuration; a folder that is configured again keeps its object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, Sequence

from foundation.host import Host
from marama_route import places
from marama_route.workspaces.choosing import Chosen, choose, of_tenant
from marama_route.workspaces.folder import Folder, Reading


class Workspaces:
    """The folders, in the order of the configuration."""

    def __init__(self, folders: Mapping[Path, Folder]) -> None:
        self.by_root = dict(folders)

    @classmethod
    def of(cls, paths: Sequence[str], host: Host, before: Workspaces | None = None) -> Workspaces:
        """The folders of these paths; `~` is the home. What `before` has already is taken over."""
        known = {} if before is None else before.by_root
        roots = [Path(os.path.realpath(host.cwd / places.expanded(path, host))) for path in paths]
        return cls({root: known.get(root) or Folder(root, host) for root in roots})

    @property
    def folders(self) -> tuple[Folder, ...]:
        """Every folder."""
        return tuple(self.by_root.values())

    def choose(self, tenant: str, capsule_id: str | None) -> Chosen:
        """The workspace of a request, all rules read now."""
        return choose([folder.read() for folder in self.folders], tenant, capsule_id)

    def of_tenant(self, tenant: str) -> tuple[Reading, ...]:
        """The tenant's workspaces, read now."""
        return of_tenant([folder.read() for folder in self.folders], tenant)
