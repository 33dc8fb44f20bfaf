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


class Modules:
    """Meta path finder and loader; `sources` holds the text of each `<package>/<module>.py`."""

    def __init__(self, archive: str, sources: Mapping[str, bytes]) -> None:
        self._archive = archive
        self._sources = sources

    def _place(self, module: str) -> str | None:
        stem = module.replace(".", "/")
        return next((name for name in (stem + "/__init__.py", stem + ".py") if name in self._sources), None)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Part of the import protocol."""
        place = self._place(name)
        if place is None:
            return None
        origin = f"{self._archive}/{place}"
        spec = ModuleSpec(name, self, origin=origin, is_package=place.endswith("/__init__.py"))
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Part of the import protocol: an ordinary module will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Part of the import protocol."""
        source = self._sources[str(self._place(module.__name__))]
        code = compile(source, str(module.__file__), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - what an import is

    def get_source(self, name: str) -> str | None:
        """The text whose lines a traceback shows."""
        place = self._place(name)
        return None if place is None else self._sources[place].decode()


def install(archive: zipimporter) -> None:
    """Make the modules of `archive`, the loader of its `__main__`, importable."""
    data = archive.get_data("sources.txt")
    sources = {}
    start = 0
    for line in archive.get_data("index.txt").decode().splitlines():
        size, place = line.split(" ")
        sources[place] = data[start : start + int(size)]
        start += int(size)
    sys.meta_path.insert(0, Modules(archive.archive, sources))
