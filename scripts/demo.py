"""Shows a program of this repository doing its main job on a fresh machine.

    python3 scripts/demo.py [setup] [--keep] [--artifact NAME|PATH] [--opencode VERSION]
    python3 scripts/demo.py overlord [--keep] [--artifact PATH]
    python3 scripts/demo.py sovereigncode [--keep] [--opencode VERSION]
    python3 scripts/demo.py gateway [--keep] [--opencode VERSION]

Each program's demo has its own --help. Needs Python 3.9 or newer, git and npm; gets everything else into
.cache. All of it happens in a throw-away home.
"""

from __future__ import annotations

import argparse
import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.demos.showing import DemoError
from scripts.lib import cache

_PROGRAMS: Final = ("setup", "overlord", "sovereigncode", "gateway")


def main(arguments: list[str]) -> int:
    """Exit status 0 when everything that was shown also happened."""
    named = bool(arguments) and arguments[0] in _PROGRAMS
    program, rest = (arguments[0], arguments[1:]) if named else ("setup", arguments)
    if not named and {"-h", "--help"} & set(arguments):
        parser = argparse.ArgumentParser(
            description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("program", nargs="?", choices=_PROGRAMS, help="default: setup")
        parser.print_help()
        return 0
    # A Windows console may lack a character that a program prints.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        python = cache.python_environment(sys.executable, "service.txt")
        if Path(sys.executable) != python:
            return subprocess.call([str(python), __file__, *arguments])
        importlib.import_module(f"scripts.demos.{program}").show(rest)
    except (cache.PreparationError, DemoError) as error:
        print(f"\nThe demo stops here: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
