# ruff: noqa: D100, E402, UP031, UP036 - the syntax and the order that old Pythons need
# Start of gonkagate-setup.pyz. Python 2.7 and 3.6 must be able to read this file: it tells them what to do.
import sys

if sys.version_info < (3, 9):
    sys.stderr.write(
        "gonkagate-setup needs Python 3.9 or newer, and this is Python %d.%d (%s). Nothing was changed. "
        "Run it with a newer one, for example: python3.12 gonkagate-setup.pyz\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(1)

import inside

inside.install(__spec__.loader)

from gonkagate_setup.cli import run

run()
