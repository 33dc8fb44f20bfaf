"""What there is to know about the key's file: who else may read it, and whether git could commit it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

from gonkagate_setup.core.findings import BLOCKER, DURABLE, NOTICE, Finding
from gonkagate_setup.core.places import USER
from gonkagate_setup.system import credential
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.transaction import Store


def of(store: Store, host: Host) -> Iterator[Finding]:
    """Findings about the key file as it is now; none where all is well."""
    stored = credential.read_stored(store, host)
    if stored is None or stored.secret is None:
        yield _about(
            "key_file_unusable",
            store.key,
            "there is no key in this file" if stored is None else "what is in this file is no key",
            "run: gonkagate-setup (it asks for the key)",
            BLOCKER,
        )
    if stored is not None and not stored.protected.ok:
        yield _about(
            "key_file_unprotected",
            store.key,
            f"others may be able to read the key: {stored.protected.detail}",
            "keep your home folder on a file system with owners and modes, and run this as its owner",
        )
    noticed = credential.in_git_work_tree(store, host)
    if noticed is not None:
        yield _about(
            "key_in_work_tree",
            store.key,
            f"the key lies in the git work tree {noticed.worktree}, which does not ignore it",
            f"add this line to {noticed.ignore_file}: {noticed.ignore_line}",
        )


def _about(code: str, path: Path, message: str, next_step: str, severity: str = NOTICE) -> Finding:
    return Finding(code, severity, DURABLE, USER, str(path), None, None, None, message, next_step)
