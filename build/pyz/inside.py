"""Imports the program from the archive's bytes in memory: nothing is unpacked, so nothing is left behind.

The archive is read once, at the start, and never again: replacing or removing the .pyz (an update, an
uninstall) cannot break a setup that is running.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from zipimport import zipimporter

_ROOT = "site-packages/"


class Modules:
    """Meta path finder and loader of the modules below `site-packages/`; `sources`: bytes by member name."""

    def __init__(self, archive: str, sources: Mapping[str, bytes]) -> None:
        self._archive = archive
        self._sources = sources

    def _member(self, module: str) -> str | None:
        stem = _ROOT + module.replace(".", "/")
        return next((name for name in (stem + "/__init__.py", stem + ".py") if name in self._sources), None)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Part of the import protocol."""
        member = self._member(name)
        if member is None:
            return None
        spec = ModuleSpec(
            name, self, origin=f"{self._archive}/{member}", is_package=member.endswith("/__init__.py")
        )
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Part of the import protocol: an ordinary module will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Part of the import protocol."""
        name = module.__name__
        source = self._sources[str(self._member(name))]
        code = compile(source, str(module.__file__), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - what an import is

    def get_source(self, name: str) -> str | None:
        """The text whose lines a traceback shows."""
        member = self._member(name)
        return None if member is None else self._sources[member].decode()


def install(archive: zipimporter) -> None:
    """Make the modules of `archive`, the loader of its `__main__`, importable."""
    names = archive.get_data("files.txt").decode().splitlines()
    sys.meta_path.insert(0, Modules(archive.archive, {name: archive.get_data(name) for name in names}))
