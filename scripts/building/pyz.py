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

from scripts.building.compact import compact
from scripts.building.slim import slim
from scripts.building.stage import SETUP, Program, licence_text, stage
from scripts.lib import cache

_RECIPE = cache.ROOT / "build" / "pyz"
_START, _IMPORTER = "__main__.py", "inside.py"
_SHEBANG = b"#!/usr/bin/env python3\n"
_ASSEMBLED_SOURCES = "site-packages/"


def name(program: Program) -> str:
    """What the packed file of a program is called."""
    return f"{program.name}.pyz"


def build(output: Path) -> Path:
    """Make the setup's packed file in `output`; its path."""
    return build_program(SETUP, output)


def build_program(program: Program, output: Path) -> Path:
    """Make a program's packed file in `output`: the same bytes in any folder, with any umask."""
    python = cache.python_environment(sys.executable, "shiv.txt")
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "stage")
        staged.mkdir()
        stage(program, staged)
        assembled = Path(folder, name(program))
        options = ["--reproducible", "--site-packages", str(staged), "-e", f"{program.package}.cli:run"]
        environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        cache.run(
            [str(python), "-W", "ignore::DeprecationWarning", "-m", "shiv", *options, "-o", str(assembled)],
            cwd=Path(folder),
            environ=environ,
            what=f"building {name(program)}",
        )
        target = output / name(program)
        output.mkdir(parents=True, exist_ok=True)
        _write(target, _content(program, assembled))
    return target


def _content(program: Program, assembled: Path) -> dict[str, bytes]:
    """The members of the finished archive.

    All sources are one member, because 75 small ones compress to a third more. index.txt has a line for
    each, in the same order: its size in bytes, a blank, its path.
    """
    with zipfile.ZipFile(assembled) as archive:
        sources = {
            member[len(_ASSEMBLED_SOURCES) :]: _packed(member, archive.read(member))
            # In this order they compress best.
            for member in sorted(archive.namelist(), reverse=True)
            if member.startswith(_ASSEMBLED_SOURCES) and member.endswith(".py")
        }
        environment = archive.read("environment.json")
    return {
        "environment.json": environment,
        "index.txt": "".join(f"{len(data)} {place}\n" for place, data in sources.items()).encode(),
        "sources.txt": b"".join(sources.values()),
        "LICENSES.txt": licence_text(program),
        _IMPORTER: (_RECIPE / _IMPORTER).read_bytes(),
        _START: _start(program),
    }


def _start(program: Program) -> bytes:
    """What is run first; the recipe is that of the setup, and names it."""
    text = (_RECIPE / _START).read_text(encoding="utf-8")
    return text.replace(SETUP.name, program.name).replace(SETUP.package, program.package).encode()


def _packed(place: str, source: bytes) -> bytes:
    text = source.decode()
    packed = compact(slim(text))
    if "/_vendor/" in place:
        # The licence of json5 asks that its notices stay in its source.
        notices = list(takewhile(lambda line: line.startswith("#"), text.split("\n")))
        packed = "\n".join([*notices, *packed.split("\n")[len(notices) :]])
    return packed.encode()


def _write(target: Path, members: dict[str, bytes]) -> None:
    with target.open("wb") as stream:
        stream.write(_SHEBANG)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for place in sorted(members):
                member = zipfile.ZipInfo(place, date_time=(1980, 1, 1, 0, 0, 0))
                member.create_system = 3  # Unix, also when built on Windows
                member.external_attr = 0o100644 << 16
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, members[place], compresslevel=9)
    target.chmod(0o755)
