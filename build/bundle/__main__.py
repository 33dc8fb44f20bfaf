# ruff: noqa: D100, E402, PTH100, PTH118, PTH120, UP031 - the syntax and the order that old Pythons need
# Start of sovereigncode.pyz. Everything is imported from the archive itself: nothing is unpacked, so nobody
# can change the program in a folder of temporary files.
import os
import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "sovereigncode needs Python 3.10 or newer, and this is Python %d.%d (%s). Nothing was changed. "
        "Run it with a newer one, for example: python3.12 sovereigncode.pyz\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(1)

# The libraries come from this file alone, everything else from Python itself: no package of this machine is
# taken instead, and none that a library would use if it were there.
sys.path[:] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages")] + [
    place
    for place in sys.path
    if place.startswith((sys.base_prefix, sys.base_exec_prefix)) and "-packages" not in place
]

from sovereigncode.cli import run

run()
