"""What a key is, and its one file.

GonkaGate's own validators disagree beyond the prefix `gp-`, so nothing more is asked for than one token of
printable ASCII without quotes and backslashes (docs/npm-tool.md#what-is-known-about-the-service).
"""

from __future__ import annotations

import codecs
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from foundation import git
from foundation.errors import Refusal
from foundation.files.reading import read_snapshot, refuse_reading
from foundation.files.snapshot import Snapshot
from foundation.host import Host
from foundation.protection import for_host
from foundation.protection.status import Status
from foundation.secrets import Secret
from gonkagate_setup.catalog import Profile
from gonkagate_setup.store import Store

# A header line of 8 KiB is what common servers take; a key is some ten characters.
_LONGEST: Final = 4096
_BLANKS: Final = " \t\r\n"
_TRIMMED: Final = f"{_BLANKS}\ufeff"
_TOKEN: Final = re.compile(r"[!-~]+\Z")
_QUOTES: Final = "\"'`\\"
# Windows PowerShell 5.1 writes UTF-16 with `>`; its Set-Content, and Notepad, begin UTF-8 with a byte order
# mark.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The same marks in a variable: as characters, as undecodable bytes, and as read in a Windows code page.
_MARK_AS_TEXT: Final = re.compile(
    "\\A(?:\ufeff|\udcef\udcbb\udcbf|\udcff\udcfe|\udcfe\udcff"
    "|\u00ef\u00bb\u00bf|\u2229\u2557\u2510|\u00b4\u2557\u2510|\u00ff\u00fe|\u00fe\u00ff)"
)


@dataclass(frozen=True)
class StoredKey:
    """The key file: its key (None if its content is not one, with `why` it is not), and who may read it."""

    secret: Secret | None
    protected: Status
    why: str = ""


@dataclass(frozen=True)
class GitNotice:
    """The key is inside a git work tree that does not ignore it; `ignore_file` needs `ignore_line`."""

    worktree: Path
    ignore_file: Path
    ignore_line: str


def text_of(data: bytes) -> str:
    """The text in these bytes: UTF-8, or UTF-16 if a byte order mark or a zero in every pair shows it.

    What is not valid in that encoding becomes U+FFFD, which no key contains.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    # `cat key.txt; echo` adds a line end in another encoding.
    pairs = data[:-1] if len(data) % 2 and data[-1:] in (b"\n", b"\r") else data
    if encoding is None and pairs and len(pairs) % 2 == 0:
        first, second = pairs[::2], pairs[1::2]
        if not any(second) and all(first):
            encoding = "utf-16-le"
        elif not any(first) and all(second):
            encoding = "utf-16-be"
    if encoding is None:
        return data.decode("utf-8", "replace")
    return (pairs if encoding.startswith("utf-16") else data).decode(encoding, "replace")


def parse_key(text: str, profile: Profile) -> Secret:
    """The key in `text`, without a leading byte order mark and without blanks and line ends around it.

    Raises Refusal secret_invalid, which never shows any of it.
    """
    token = _MARK_AS_TEXT.sub("", text.strip(_BLANKS), count=1).strip(_TRIMMED)
    if not token:
        _refuse("the key is empty", profile)
    if len(token) > _LONGEST:
        _refuse(f"this is longer than {_LONGEST} characters, so it is not a key", profile)
    if "\n" in token or "\r" in token:
        _refuse("the key must be a single line", profile)
    if "\0" in token:
        _refuse("the key contains zero bytes, as UTF-16 text does; save it as plain ASCII", profile)
    if any(character in _QUOTES for character in token):
        _refuse("the key must not contain quotes or backslashes", profile)
    if not _TOKEN.match(token):
        _refuse("the key must be one word of plain ASCII characters", profile)
    if not token.startswith(profile.key_prefix) or token == profile.key_prefix:
        _refuse(f"a {profile.display_name} key starts with {profile.key_prefix}", profile)
    return Secret(token)


def read_stored(store: Store, host: Host) -> StoredKey | None:
    """The key file as it is; None if there is none.

    Raises Refusal secret_file_unusable for a link, a folder, a device or an unreadable file in its place,
    managed_state_unusable for a link in place of one of our folders.
    """
    store.require_own_folders()
    try:
        data = read_snapshot(store.key, follow_links=False).data
    except Refusal as problem:
        raise Refusal(
            "secret_file_unusable",
            problem.message,
            where=problem.where,
            next_step="move it out of the way, then run this command again",
        ) from None
    if data is None:
        return None
    try:
        # What opencode reads from a key file: it strips blanks, line ends and byte order marks, as the trim
        # of JavaScript does, and reads UTF-16 as if it were UTF-8 (measured with 1.18.33).
        secret = parse_key(data.decode().strip(_TRIMMED).encode("ascii").decode(), store.profile)
    except (Refusal, UnicodeError):
        return StoredKey(None, _protection_of(store, host), _why_no_key(data))
    return StoredKey(secret, _protection_of(store, host))


def _why_no_key(data: bytes) -> str:
    if "\0" in data.decode("latin-1"):
        return "this file is UTF-16 or contains zero bytes; opencode reads UTF-8 only"
    return "this file does not contain a valid key" if data.strip() else "this file is empty"


def former_keys(store: Store) -> tuple[Snapshot, ...]:
    """The copies of former keys that the npm tool kept next to the key, as `api-key.bak-<time>`.

    Only plain files with exactly such a name. Raises Refusal for one that cannot be read.
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
    """The work tree that the key is in, unless git ignores it there; None if there is none.

    git is asked if it is on the PATH; without it, or if it does not answer within seconds, the notice is
    given.
    """
    worktree = git.marked(store.folder.parent)
    if worktree is None or git.ignores(host, worktree, store.key):
        return None
    relative = store.folders[0].relative_to(worktree).as_posix()
    line = "/" + re.sub(r"([\\*?\[\] !#])", r"\\\1", relative) + "/"
    return GitNotice(worktree, worktree / ".gitignore", line)


def _refuse(message: str, profile: Profile) -> NoReturn:
    raise Refusal(
        "secret_invalid",
        message,
        next_step=f"copy the whole key again, or get one at {profile.register_url}",
    )
