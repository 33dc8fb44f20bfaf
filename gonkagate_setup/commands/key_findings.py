"""Findings about the key: who else may read its file, and whether git could commit it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Iterator, Sequence

from foundation import git
from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.secrets import Secret
from gonkagate_setup import credential
from gonkagate_setup.judgement.findings import BLOCKER, NOTICE, Finding
from gonkagate_setup.masking.exposed_keys import keys_in
from gonkagate_setup.store import Store
from opencode_config.places import AGENT_MARKDOWN, PROJECT, USER, Kind, places
from opencode_config.program import account
from opencode_config.survey import Survey


def of(store: Store, host: Host) -> Iterator[Finding]:
    """Findings about the key file as it is now; none if all is well."""
    stored = credential.read_stored(store, host)
    if stored is None or stored.secret is None:
        yield Finding(
            "key_file_unusable",
            BLOCKER,
            USER,
            "there is no key in this file" if stored is None else stored.why,
            "run: gonkagate-setup (it asks for the key)",
            where=Where(str(store.key)),
        )
    if stored is not None and not stored.protected.ok:
        yield Finding(
            "key_file_unprotected",
            NOTICE,
            USER,
            f"other users may have access to the key: {stored.protected.detail}",
            "keep your home folder on a file system with permissions, and run this command as its owner",
            where=Where(str(store.key)),
        )
    noticed = credential.in_git_work_tree(store, host)
    if noticed is not None:
        yield Finding(
            "key_in_work_tree",
            NOTICE,
            USER,
            f"the key is inside the git work tree {noticed.worktree}, which does not ignore it",
            f"add this line to {noticed.ignore_file}: {noticed.ignore_line}",
            where=Where(str(store.key)),
        )


def around(survey: Survey, host: Host, secrets: Sequence[Secret]) -> Iterator[Finding]:
    """Files that expose the key, or that let other users decide where it is sent."""
    yield from in_files(survey, host, secrets)
    yield from _changeable(survey, host)
    if survey.distrust is not None:
        yield Finding(
            "repository_not_trusted",
            NOTICE,
            PROJECT,
            "this git repository belongs to another user, so git ignores it; so does opencode, "
            "which then reads the opencode.json of every parent folder",
            f"if you trust it, run: {survey.distrust.cure}",
            where=Where(str(survey.distrust.root)),
        )


def _changeable(survey: Survey, host: Host) -> Iterator[Finding]:
    with suppress(Refusal):
        configs = [Path(file.real) for file in survey.user_files if file.exists]
        for path, cure in account.changeable(configs, Path(survey.surroundings.user_folder), host):
            what = "this file" if path in configs else "what is in this folder"
            yield Finding(
                "config_writable_by_others",
                NOTICE,
                USER,
                f"other users can change {what}, and so choose where opencode sends your key",
                f"run: {cure}",
                where=Where(str(path)),
            )


def in_files(survey: Survey, host: Host, secrets: Sequence[Secret]) -> Iterator[Finding]:
    """A notice for every key in a file of the survey that git would commit with the project."""
    if survey.worktree is None:
        return
    worktree = Path(survey.worktree)
    layers = {
        place.path: place.layer for place in places(survey.surroundings) if place.kind is not Kind.AGENTS
    }
    for path, reading in survey.readings.items():
        if reading.text is None or worktree not in Path(path).parents:
            continue
        found = list(keys_in(reading.text, reading.document, secrets))
        if found and not git.ignores(host, worktree, Path(path)):
            for one in found:
                yield Finding(
                    "key_in_committed_file",
                    NOTICE,
                    layers.get(path, AGENT_MARKDOWN),
                    ("this file contains " + ("your key" if one.known else "what looks like a GonkaGate key"))
                    + ", and git would commit it",
                    "remove it from the file; if it was ever committed, replace the key",
                    where=Where(str(path), one.line, one.column),
                    key=one.key,
                )
