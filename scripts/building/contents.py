"""What a native binary contains, from PyInstaller's analysis: each library, its version and licence."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Iterator, Sequence

from scripts.building import sbom

# Of the Python that the binary is made from: the versions of what it links, and what is built into it.
_ASK: Final = """
import json, platform, ssl, sys, zlib
try:
    import pyexpat
    expat = pyexpat.EXPAT_VERSION.partition("_")[2]
except ImportError:
    expat = None
print(json.dumps({
    "CPython": platform.python_version(), "OpenSSL": ssl.OPENSSL_VERSION.split()[1],
    "zlib": zlib.ZLIB_RUNTIME_VERSION, "Expat": expat, "builtin": sys.builtin_module_names}))
"""


@dataclass(frozen=True)
class _Library:
    """`files`: how its files are called, where it has any; `module`: the part of Python that links it."""

    name: str
    licence: str
    files: str
    module: str | None = None


_LIBRARIES: Final = (
    # Some Pythons link these into their modules: then no file shows them. zlib is in PyInstaller's start too.
    _Library("OpenSSL", "Apache-2.0", r"lib(ssl|crypto)\b", "_ssl"),
    _Library("zlib", "Zlib", r"(lib)?z(lib1)?\.", "zlib"),
    _Library("Expat", "MIT", r"libexpat\b", "pyexpat"),
    _Library("libffi", "MIT", r"libffi\b", "_ctypes"),
    _Library(
        "Microsoft Visual C++ runtime",
        "LicenseRef-Microsoft-Visual-Cpp-Runtime",
        r"(vcruntime|msvcp|ucrtbase|api-ms-win-)",
    ),
)
_PYTHON: Final = re.compile(r"(lib)?python3?[\d.]*(t?\.(dll|so|dylib)\b.*)?$", re.IGNORECASE)


def components(python: Path, analysis: Path) -> list[dict[str, Any]]:
    """The components of its bill; `analysis` is what the recipe wrote: a kind and a name a line."""
    asked = subprocess.run([str(python), "-c", _ASK], capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in analysis.read_text(encoding="utf-8").splitlines()]
    return list(described(lines, sbom.parsed(asked.stdout)))


def described(lines: Sequence[Sequence[str]], python: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same, from the lines and from what the Python of the binary said about itself."""
    release = python["CPython"]
    yield sbom.component("CPython", release, f"pkg:generic/cpython@{release}", "PSF-2.0")
    yield sbom.bootloader()
    modules = {name.rpartition("/")[2].partition(".")[0] for kind, name in lines if kind == "EXTENSION"}
    modules |= set(python["builtin"])
    files = sorted({name.replace("\\", "/").rpartition("/")[2] for kind, name in lines if kind == "BINARY"})
    for library in _LIBRARIES:
        found = [file for file in files if re.match(library.files, file, re.IGNORECASE)]
        files = [file for file in files if file not in found]
        if found or library.module in modules or library.name == "zlib":
            yield _component(library.name, python.get(library.name), library.licence, found)
    for file in files:
        if not _PYTHON.match(file):
            yield _component(file, None, None, [file])


def _component(name: str, release: str | None, licence: str | None, files: Sequence[str]) -> dict[str, Any]:
    identifier = name.lower().replace(" ", "-").replace("+", "%2B")
    purl = f"pkg:generic/{identifier}" + (f"@{release}" if release else "")
    return sbom.component(name, release, purl, licence, files)
