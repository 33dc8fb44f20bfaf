"""Write what the documentation takes from elsewhere: docs/commands.md, the manual page, the table of proofs.

    python3 scripts/write_docs.py

`tests/contract/test_documented.py` fails when they differ from what this writes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.command_line import arguments, self_description
from scripts import proofs_table

ROOT: Final = Path(__file__).resolve().parent.parent
_WIDTH: Final = 100
_HEAD: Final = """\
# Commands

Every verb with its help, as the program prints it. Made by `python3 scripts/write_docs.py`; do not edit.
What each exit status means stands in [exit-statuses.md](exit-statuses.md).
"""


def documents() -> dict[Path, str]:
    """The text of each made document, by its path."""
    sections = [
        f"\n## {name}\n\n```text\n{arguments.help_text(name, GONKAGATE, _WIDTH)}\n```\n"
        for name in arguments.VERBS
    ]
    return {
        ROOT / "docs" / "commands.md": "".join([_HEAD, *sections]),
        ROOT / "docs" / "gonkagate-setup.1": self_description.manual(GONKAGATE),
        proofs_table.PAGE: proofs_table.page(proofs_table.PAGE.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
