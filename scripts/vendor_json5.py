"""Fetch the pinned json5 into `vendor/` and write the copy that ships.

    python3 scripts/vendor_json5.py            fetch, check the hash, write both
    python3 scripts/vendor_json5.py --offline  write the shipped copy from what is in `vendor/`

The version and its hash are in `vendor/json5/requirements.txt`; pip refuses anything else.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORIGINAL = ROOT / "vendor" / "json5"
COPY = ROOT / "opencode_config" / "_vendor" / "json5"

# json5's command-line tool: nothing here calls it.
LEFT_OUT = frozenset({"__main__.py", "tool.py", "host.py"})

_ABSOLUTE_IMPORT = re.compile(r"^from json5\.(\w+) import ", re.MULTILINE)
_NOTICE = '"""Third-party code that ships inside the package; the originals are in `vendor/`."""\n'


def rewritten(source: str) -> str:
    """`source` with `from json5.x import` turned into `from .x import`, and nothing else."""
    return _ABSOLUTE_IMPORT.sub(r"from .\1 import ", source)


def fetch() -> None:
    """Replace the original by the files of the pinned wheel; pip checks its hash."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        pins = str(ORIGINAL / "requirements.txt")
        subprocess.run(
            [*pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-d", folder, "-r", pins],
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            _replace_original(archive)


def _replace_original(archive: zipfile.ZipFile) -> None:
    shutil.rmtree(ORIGINAL / "json5", ignore_errors=True)
    for name in archive.namelist():
        if name.startswith("json5/"):
            target = ORIGINAL / name
        elif name.endswith(("/LICENSE", "/RECORD")):
            target = ORIGINAL / Path(name).name
        else:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read(name))


def write_copy() -> None:
    """Write the shipped copy: every file that is not left out, imports made relative, and the licence."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    (COPY.parent / "__init__.py").write_bytes(_NOTICE.encode())
    for source in sorted((ORIGINAL / "json5").iterdir()):
        if source.name not in LEFT_OUT:
            (COPY / source.name).write_bytes(rewritten(source.read_bytes().decode()).encode())
    shutil.copyfile(ORIGINAL / "LICENSE", COPY / "LICENSE")


def main(arguments: list[str]) -> int:
    """Exit status 0; anything that goes wrong is an exception with pip's own words above it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--offline", action="store_true", help="fetch nothing")
    if not parser.parse_args(arguments).offline:
        fetch()
    write_copy()
    print(f"{ORIGINAL.relative_to(ROOT)} -> {COPY.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
