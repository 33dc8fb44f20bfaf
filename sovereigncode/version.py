"""What `--version` prints."""

from __future__ import annotations

from importlib import import_module

from sovereigncode import __version__

# Written by scripts/build.py into built artefacts only; a checkout has none.
_BUILD_MODULE = "sovereigncode._build"


def version_text() -> str:
    """`sovereigncode 0.1.0`, and in a built artefact the git commit that it was built from."""
    try:
        commit = import_module(_BUILD_MODULE).COMMIT
    except ModuleNotFoundError:
        return f"sovereigncode {__version__}"
    return f"sovereigncode {__version__} (commit {commit})"
