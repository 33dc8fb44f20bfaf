"""What a key is, and its one file.

GonkaGate's own validators disagree beyond the prefix `gp-` (docs: gonkagate-facts), so nothing more is asked
for than one token of printable ASCII without quotes and backslashes.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.core.snapshot import Snapshot
from gonkagate_setup.errors import SetupError
from gonkagate_setup.redaction import Secret
from gonkagate_setup.system import git
from gonkagate_setup.system.files import read_snapshot, refuse_reading
from gonkagate_setup.system.host import Host
from gonkagate_setup.system.protection import Status, for_host
from gonkagate_setup.system.store import Store

# A header line of 8 KiB is what common servers take; a key is some ten characters.
_LONGEST: Final = 4096
_BLANKS: Final = " \t\r\n"
_TOKEN: Final = re.compile(r"[!-~]+\Z")
_QUOTES: Final = "\"'`\\"


@dataclass(frozen=True)
class StoredKey:
    """The key file: its key (None where its content is not one), and who may read it."""

    secret: Secret | None
    protected: Status

    @property
    def valid(self) -> bool:
        """Whether the content is a key."""
        return self.secret is not None


@dataclass(frozen=True)
class GitNotice:
    """The key lies in a git work tree that does not ignore it; `ignore_line` belongs into `ignore_file`."""

    worktree: Path
    ignore_file: Path
    ignore_line: str


def parse_key(text: str, profile: Profile) -> Secret:
    """The key in `text`, without the blanks and line ends around it.

    Raises SetupError secret_invalid, which never shows any of it.
    """
    token = text.strip(_BLANKS)
    if not token:
        _refuse("the key is empty", profile)
    if len(token) > _LONGEST:
        _refuse(f"this is longer than {_LONGEST} characters, so it is not a key", profile)
    if "\n" in token or "\r" in token:
        _refuse("the key must be one line", profile)
    if any(character in _QUOTES for character in token):
        _refuse("the key must not contain quotes or backslashes", profile)
    if not _TOKEN.match(token):
        _refuse("the key must be one word of plain ASCII characters", profile)
    if not token.startswith(profile.key_prefix) or token == profile.key_prefix:
        _refuse(f"a {profile.display_name} key starts with {profile.key_prefix}", profile)
    return Secret(token)


def read_stored(store: Store, host: Host) -> StoredKey | None:
    """The key file as it is; None where there is none.

    Raises SetupError secret_file_unusable for a link, a folder, a device or an unreadable file in its place,
    managed_state_unusable for a link in place of a folder of ours.
    """
    store.require_own_folders()
    try:
        data = read_snapshot(store.key, follow_links=False).data
    except SetupError as problem:
        raise SetupError(
            "secret_file_unusable",
            problem.message,
            where=problem.where,
            next_step="move it out of the way, then run this command again",
        ) from None
    if data is None:
        return None
    try:
        # What opencode reads from a key file: it cuts blanks and line ends off (opencode-facts section 3).
        secret = parse_key(data.decode("ascii"), store.profile)
    except (SetupError, UnicodeDecodeError):
        return StoredKey(None, _protection_of(store, host))
    return StoredKey(secret, _protection_of(store, host))


def former_keys(store: Store) -> tuple[Snapshot, ...]:
    """The copies of former keys that the npm tool kept beside the key, as `api-key.bak-<time>`.

    Only plain files of exactly such a name. Raises SetupError for one that cannot be read.
    """
    name = re.compile(re.escape(store.key.name) + r"\.bak-\d{8}T\d{6}Z(?:-\d+)?")
    try:
        found = sorted(path for path in store.folder.iterdir() if name.fullmatch(path.name))
    except FileNotFoundError:
        return ()
    except OSError as problem:
        refuse_reading(store.folder, problem)
    plain = (path for path in found if stat.S_ISREG(path.lstat().st_mode))
    return tuple(read_snapshot(path, follow_links=False) for path in plain)


def _protection_of(store: Store, host: Host) -> Status:
    protection = for_host(host)
    found = [protection.inspect(store.folder), protection.inspect(store.key)]
    wrong = dict.fromkeys(part for status in found for part in status.detail.split("; ") if part)
    return Status(not wrong, "; ".join(wrong), any(status.repairable for status in found))


def in_git_work_tree(store: Store, host: Host) -> GitNotice | None:
    """The work tree that the key lies in, unless git ignores it there; None where there is none.

    git is asked when it is on PATH; without it, or without an answer within seconds, the notice stands.
    """
    worktree = next((folder for folder in store.folder.parents if os.path.lexists(folder / ".git")), None)
    if worktree is None or git.ignores(host, worktree, store.key):
        return None
    relative = store.folders[0].relative_to(worktree).as_posix()
    line = "/" + re.sub(r"([\\*?\[\] !#])", r"\\\1", relative) + "/"
    return GitNotice(worktree, worktree / ".gitignore", line)


def _refuse(message: str, profile: Profile) -> NoReturn:
    raise SetupError(
        "secret_invalid",
        message,
        next_step=f"copy the whole key again; you get one at {profile.register_url}",
    )
