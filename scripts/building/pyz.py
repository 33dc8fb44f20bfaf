"""The packed file: shiv assembles it, and `build/pyz/` starts it from memory.

shiv's own start unpacks the archive into a folder before anything runs. Into a lasting one (its default,
`~/.shiv`), whoever can write there changes the program; into a fresh one, `--help` takes 1.7 times as long,
needs a usable temp folder and leaves it behind when killed (figures: docs/release.md). It also obeys SHIV_*
variables that run other code. So `_bootstrap` is replaced; `environment.json` stays, for `shiv-info`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from itertools import takewhile
from pathlib import Path
from typing import Final

from scripts.building.compact import compact
from scripts.building.slim import slim
from scripts.building.stage import PROGRAM, licence_text, stage
from scripts.lib import cache

NAME: Final = f"{PROGRAM}.pyz"

_RECIPE = cache.ROOT / "build" / "pyz"
_START_FILES = ("__main__.py", "inside.py")
_SHEBANG = b"#!/usr/bin/env python3\n"
_ASSEMBLED_SOURCES = "site-packages/"


def build(output: Path) -> Path:
    """Make `output`/gonkagate-setup.pyz: the same bytes from the same sources in any folder, any umask."""
    python = cache.python_environment(sys.executable, "shiv.txt")
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "stage")
        staged.mkdir()
        stage(staged)
        assembled = Path(folder, NAME)
        options = ["--reproducible", "--site-packages", str(staged), "-e", "gonkagate_setup.cli:run"]
        environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        cache.run(
            [str(python), "-W", "ignore::DeprecationWarning", "-m", "shiv", *options, "-o", str(assembled)],
            cwd=Path(folder),
            environ=environ,
            what=f"building {NAME}",
        )
        target = output / NAME
        output.mkdir(parents=True, exist_ok=True)
        _write(target, _content(assembled))
    return target


def _content(assembled: Path) -> dict[str, bytes]:
    """The members of the finished archive.

    All sources are one member, because 75 small ones compress to a third more. index.txt has a line for
    each, in the same order: its size in bytes, a blank, its path.
    """
    with zipfile.ZipFile(assembled) as archive:
        sources = {
            name[len(_ASSEMBLED_SOURCES) :]: _packed(name, archive.read(name))
            # In this order they compress best.
            for name in sorted(archive.namelist(), reverse=True)
            if name.startswith(_ASSEMBLED_SOURCES) and name.endswith(".py")
        }
        environment = archive.read("environment.json")
    return {
        "environment.json": environment,
        "index.txt": "".join(f"{len(data)} {name}\n" for name, data in sources.items()).encode(),
        "sources.txt": b"".join(sources.values()),
        "LICENSES.txt": licence_text(),
        **{name: (_RECIPE / name).read_bytes() for name in _START_FILES},
    }


def _packed(name: str, source: bytes) -> bytes:
    text = source.decode()
    packed = compact(slim(text))
    if "/_vendor/" in name:
        # The licence of json5 asks that its notices stay in its source.
        notices = list(takewhile(lambda line: line.startswith("#"), text.split("\n")))
        packed = "\n".join([*notices, *packed.split("\n")[len(notices) :]])
    return packed.encode()


def _write(target: Path, members: dict[str, bytes]) -> None:
    with target.open("wb") as stream:
        stream.write(_SHEBANG)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(members):
                member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                member.create_system = 3  # Unix, also when built on Windows
                member.external_attr = 0o100644 << 16
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, members[name], compresslevel=9)
    target.chmod(0o755)
