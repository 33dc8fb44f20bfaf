"""Whose home this is. If root writes into another account's home, that account's opencode cannot read it.

Root is refused there even for `verify`, because the opencode that it starts creates folders in that home too.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final, Iterable, Iterator, NoReturn

from foundation import programs
from foundation.errors import Refusal, Where
from foundation.files.links import others_can_write
from foundation.host import Host
from foundation.workspace import Workspace

# What opencode makes in a home, outermost first.
_MADE: Final = tuple(
    Path(*parts)
    for parts in (
        (".config",),
        (".config", "opencode"),
        (".local",),
        *((".local", kind) for kind in ("share", "state")),
        *((".local", kind, "opencode") for kind in ("share", "state")),
        (".cache",),
        (".cache", "opencode"),
    )
)


def require_own(workspace: Workspace, host: Host, words: str) -> None:
    """Raise Refusal own_files_unusable if this account must not, or cannot, use this home.

    `words` is the command to run again. Nothing is said about a home that does not exist, which
    `Workspace.require_own_folders` refuses, and nothing on Windows.
    """
    owner, user = _owner(workspace.home), host.user_id
    if owner is None or user is None:
        return
    if user == 0:
        if owner != 0 and not _unknown(owner):
            _refuse_root(workspace, host, owner, words)
        return
    stranger = next((path for path in _own_paths(workspace) if _unusable(path, user)), None)
    if owner == user:
        if stranger is not None:
            _refuse_files(workspace, host, user, stranger)
    elif stranger is not None:
        _refuse_home(workspace, user, owner, f"you have no access to {stranger}")
    # A container may run as any account in a home that its group can write to (OpenShift): that works.
    elif not os.access(workspace.home, os.X_OK | (0 if workspace.folder.is_dir() else os.W_OK)):
        _refuse_home(workspace, user, owner, "you cannot write to it")


def name_of(user: int) -> str:
    """The account's name for a sentence; `user 12345` for one without an entry."""
    return _name(user) or f"user {user}"


def give_back(workspace: Workspace, user: int) -> str | None:
    """The command that gives an account what another one created in its home; None if nothing."""
    wrong: list[Path] = []

    def look_at(paths: Iterable[Path]) -> None:
        for path in paths:
            if not any(above in wrong for above in (path, *path.parents)) and _owner(path) not in (
                None,
                user,
            ):
                wrong.append(path)

    look_at(workspace.folders)
    look_at(workspace.home / relative for relative in _MADE)
    look_at(_entries(workspace.folder))
    look_at(_entries(workspace.home / ".config" / "opencode"))
    if not wrong:
        return None
    # -h: change a link itself, not its target. A colon: the account's own group.
    account = _name(user)
    named = f"{account}:" if account else str(user)
    return f"chown -Rh {named} " + " ".join(shlex.quote(str(path)) for path in wrong)


def changeable(configs: Iterable[Path], folder: Path, host: Host) -> Iterator[tuple[Path, str]]:
    """Each of these files, and of their folders and `folder` below the home, that others can write.

    With the command that changes that. The home and what is above it are judged with the key (protection).
    """
    home = Path(os.path.realpath(host.home))
    within = (Path(os.path.realpath(folder)), *(path.parent for path in configs))
    folders = {above for path in within for above in (path, *path.parents)} - {home, *home.parents}
    for path in (*configs, *sorted(folders)):
        if others_can_write(path):
            yield path, _ended(path, host.user_id or 0)


def _ended(path: Path, user: int) -> str:
    owner, name = _owner(path), shlex.quote(str(path))
    if owner not in (0, user):
        return f"sudo chown -h {_name(user) or user} {name}"
    return f"{'' if owner == user else 'sudo '}chmod go-w {name}"


def _refuse_root(workspace: Workspace, host: Host, owner: int, words: str) -> NoReturn:
    name, own = _name(owner), _home(0, "/root")
    steps = []
    back = give_back(workspace, owner)
    if back is not None:
        steps.append(f"first give back what root created there: {back}")
    if name is None:
        # For example, a container whose home is a folder of its host.
        steps.append(f"to set up root's own opencode, run: HOME={own} {words}")
    elif host.environ.get("SUDO_USER") == name:
        steps.append(f"run it without sudo: {words}")
    elif programs.find("sudo", host) is not None:
        steps.append(f"run it as that user: sudo -u {name} -H {words}")
    else:
        steps.append(f"run it as that user: su -s /bin/sh {name} -c {shlex.quote(words)}")
    _refuse(
        workspace.home,
        f"this runs as root, but the home folder belongs to {name_of(owner)}, whose opencode cannot read "
        "what root writes there",
        "; then ".join(steps),
    )


def _refuse_files(workspace: Workspace, host: Host, user: int, path: Path) -> NoReturn:
    owner = _owner(path)
    whose = "another user" if owner is None else name_of(owner)
    back = give_back(workspace, user)
    as_root = f"run: sudo {back}" if programs.find("sudo", host) else f"run as root: {back}"
    _refuse(
        path,
        f"this belongs to {whose}, so your opencode cannot use it; probably a setup was run as {whose} with "
        "your home folder",
        f"{as_root} (this loses nothing), then run this command again",
    )


def _refuse_home(workspace: Workspace, user: int, owner: int, why: str) -> NoReturn:
    _refuse(
        workspace.home,
        f"this runs as {name_of(user)}, but the home folder belongs to {name_of(owner)}, and {why}",
        f"set HOME to your own home folder, for example: export HOME={_home(user, '/home/you')}",
    )


def _refuse(path: Path, message: str, next_step: str) -> NoReturn:
    raise Refusal("own_files_unusable", message, where=Where(str(path)), next_step=next_step)


def _own_paths(workspace: Workspace) -> Iterator[Path]:
    yield from workspace.folders
    yield from _entries(workspace.folder)


def _unusable(path: Path, user: int) -> bool:
    """Whether another account owns it, and this one cannot use it."""
    owner = _owner(path)
    if owner is None or owner == user:
        return False
    needed = os.R_OK | os.W_OK | os.X_OK if path.is_dir() else os.R_OK
    return not os.access(path, needed)


def _unknown(user: int) -> bool:
    """Whether that number means any account that this user namespace does not know.

    Linux shows its overflow number (/proc/sys/kernel/overflowuid) for all of them; whether one is root
    cannot be seen, for example where an NFS server maps root to nobody. What opencode can read decides then.
    """
    try:
        return user == int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _home(user: int, otherwise: str) -> str:
    import pwd

    try:
        return shlex.quote(pwd.getpwuid(user).pw_dir)
    except KeyError:
        return otherwise


def _name(user: int) -> str | None:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return None
