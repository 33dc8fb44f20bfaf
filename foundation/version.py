"""What `--version` prints."""

from __future__ import annotations

from importlib import import_module


def version_text(program: str, version: str, package: str) -> str:
    """Such as `tool 0.1.0`, and in a built artefact the git commit that it was built from.

    The commit is in the module `_build` of the package, which the build writes into artefacts only.
    """
    try:
        commit = import_module(f"{package}._build").COMMIT
    except ModuleNotFoundError:
        return f"{program} {version}"
    return f"{program} {version} (commit {commit})"
