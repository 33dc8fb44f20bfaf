"""The profile's folder on this machine and the names in it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from foundation.errors import Refusal, Where
from foundation.files.links import is_link
from foundation.files.reading import reason
from gonkagate_setup.catalog import Profile

NOTE_NAME = "opencode-executable.json"


@dataclass(frozen=True)
class Store:
    """Where the profile keeps what is its own; every file 0600, `folder` and all below it 0700.

    `home` is free of links, `named` is how HOME named it.
    """

    home: Path
    profile: Profile
    named: Path | None = field(default=None, compare=False)

    @classmethod
    def at(cls, home: Path, profile: Profile) -> Store:
        """The store under this home folder; links in the home's own path are resolved."""
        return cls(Path(os.path.realpath(home)), profile, home)

    @property
    def folder(self) -> Path:
        """`~/.gonkagate/opencode`."""
        return self.home.joinpath(*self.profile.folder)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Outermost first: `~/.gonkagate`, `~/.gonkagate/opencode`."""
        count = len(self.profile.folder)
        return tuple(self.home.joinpath(*self.profile.folder[: depth + 1]) for depth in range(count))

    @property
    def key(self) -> Path:
        """The one file that holds the key."""
        return self.folder / self.profile.key_file

    @property
    def state(self) -> Path:
        """`install-state.json`."""
        return self.folder / self.profile.state_file

    @property
    def note(self) -> Path:
        """Which opencode executable was used at the last success."""
        return self.folder / NOTE_NAME

    @property
    def history(self) -> Path:
        """What the last setup changed, for `undo`."""
        return self.folder / "last-change.json"

    @property
    def available(self) -> Path:
        """Exists while GonkaGate is only available: opencode starts with something else, as was chosen."""
        return self.folder / "available-only.json"

    @property
    def backups(self) -> Path:
        """Copies of project files; beside the file they could be committed."""
        return self.folder / "backups" / "project-config"

    @property
    def journal(self) -> Path:
        """A folder that exists only while a setup is under way, or after one was killed."""
        return self.folder / "journal"

    @property
    def lock(self) -> Path:
        """Exists while a setup is under way."""
        return self.folder / "lock"

    def owns(self, path: Path) -> bool:
        """Whether the path lies in our folder, or is it."""
        return path == self.folder or self.folder in path.parents

    def require_own_folders(self) -> None:
        """Refuse a home that is not a folder, and a link or a file in place of a folder of this program.

        Raises Refusal managed_state_unusable, naming what is to be replaced.
        """
        self._require_home()
        for folder in (*self.folders, self.journal, self.backups.parent, self.backups):
            try:
                status = folder.lstat()
            except FileNotFoundError:
                continue
            except OSError as problem:
                # What is said of a name is a matter of the folder above it.
                why = f"this folder cannot be entered ({reason(problem)})"
                _refuse(folder.parent, why, f"make it accessible with: chmod u+x {_quoted(folder.parent)};")
            if is_link(folder):
                _refuse(
                    folder,
                    f"this is a link to {_target(folder)}, but this program's folders must not be links",
                    "replace the link with a real folder,",
                )
            if not stat.S_ISDIR(status.st_mode):
                _refuse(
                    folder,
                    "this is a file, but one of this program's folders belongs here",
                    "move it out of the way,",
                )

    def _require_home(self) -> None:
        named = self.named or self.home
        yours = "set HOME (on Windows USERPROFILE) to your own home folder,"
        try:
            self.home.stat()
        except (FileNotFoundError, NotADirectoryError):
            leads = f" (it leads to {self.home})" if is_link(named) else ""
            _refuse(named, f"this home folder does not exist{leads}", yours)
        except OSError as problem:
            _refuse(named, f"this home folder cannot be accessed ({reason(problem)})", yours)
        if not self.home.is_dir():
            _refuse(named, "HOME names this file or device, not a folder", yours)


def _target(link: Path) -> str:
    try:
        return os.fspath(link.readlink())
    except OSError:
        return "another place"


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _refuse(folder: Path, message: str, what_to_do: str) -> NoReturn:
    raise Refusal(
        "managed_state_unusable",
        message,
        where=Where(str(folder)),
        next_step=f"{what_to_do} then run this command again",
    )
