"""No key on the command line: it is in the shell's history and in process listings already.

Nothing looks at the arguments before `refuse` has, and no message repeats what was found.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Iterator, Sequence

from foundation.errors import Refusal
from gonkagate_setup.catalog import Profile

# --api-key, --apikey, -api_key=…, --key, --token …; --api-key-stdin is an option of this program.
_KEY_FLAG: Final = re.compile(r"--?(api[-_]?)?(key|secret|token)(?!-stdin$)", re.IGNORECASE)
_FOLDER: Final = "--cwd"


def refuse(argv: Sequence[str], profile: Profile) -> None:
    """Refuse a key given as an argument, in any spelling, without repeating it."""
    shape = rf"{re.escape(profile.key_prefix)}[A-Za-z0-9._-]{{4,}}"
    anywhere = re.compile(rf"(^|[^A-Za-z0-9]){shape}")
    found = any(_KEY_FLAG.match(word) or anywhere.search(word) for word in _others(argv))
    # A folder name may look like a key if only one of its parts does, or if that folder exists.
    if found or any(re.fullmatch(shape, name) and not _exists(name) for name in _folders(argv)):
        raise Refusal(
            "api_key_flag_refused",
            "A key is not accepted as an argument: it would stay in the shell's history and be visible to "
            "other programs",
            next_step=(
                f"type it at the hidden prompt, use --api-key-stdin, or set {profile.key_variable}; "
                "if it was a real key, replace it"
            ),
        )


def _folders(argv: Sequence[str]) -> Iterator[str]:
    for before, word in zip(("", *argv), argv):
        if before == _FOLDER:
            yield word
        elif word.startswith(f"{_FOLDER}="):
            yield word.split("=", 1)[1]


def _others(argv: Sequence[str]) -> Iterator[str]:
    for before, word in zip(("", *argv), argv):
        if before != _FOLDER and not word.startswith(f"{_FOLDER}="):
            yield word


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False
