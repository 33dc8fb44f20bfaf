# ruff: noqa: D100, PTH100, PTH118, PTH120, UP031 - the syntax and the order that old Pythons need
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

# Before everything else, so that no package of the same name on this machine is taken instead.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))

from sovereigncode.cli import run

run()
