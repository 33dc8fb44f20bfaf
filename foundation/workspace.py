"""A program's own folder below a home, and the rules for its transactions."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, NoReturn

from foundation.errors import Refusal, Where
from foundation.files.links import is_link
from foundation.files.reading import reason
from foundation.secrets import Secret


@dataclass(frozen=True)
class Workspace(ABC):
    """The folder of a program's own files; every file 0600, `folder` and all folders in it 0700.

    `home` has no links in it, `named` is how the user named it (None: the same). The abstract methods say how
    a transaction treats files of others: what still counts as written by this program, and what a kept copy
    may contain.
    """

    home: Path
    named: Path | None = field(compare=False)

    @property
    @abstractmethod
    def parts(self) -> tuple[str, ...]:
        """The names of the folders from the home to `folder`."""

    @property
    @abstractmethod
    def program(self) -> str:
        """The program's name, as it appears in the names of temporary files."""

    @property
    @abstractmethod
    def config_names(self) -> tuple[str, ...]:
        """The names that a config of the edited kind can have: one may have been renamed meanwhile."""

    @abstractmethod
    def also_ours(self, data: bytes) -> tuple[bytes, ...]:
        """The forms of these bytes that another program makes by itself, and that still count as ours."""

    @abstractmethod
    def kept_copy(self, data: bytes, secrets: Iterable[Secret]) -> bytes:
        """The bytes of a config without what no copy may contain."""

    @abstractmethod
    def needs_secret(self, text: bytes) -> bool:
        """Whether a config with this text refers to the secret file, which must then be kept."""

    @abstractmethod
    def has_traces(self, text: bytes) -> bool:
        """Whether a config with this text contains something that this program writes."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """From the first below the home to `folder`."""
        return tuple(self.home.joinpath(*self.parts[: depth + 1]) for depth in range(len(self.parts)))

    @property
    def folder(self) -> Path:
        """The innermost of `folders`."""
        return self.home.joinpath(*self.parts)

    @property
    def backups(self) -> Path:
        """Copies of project files; next to the file they could be committed."""
        return self.folder / "backups" / "project-config"

    @property
    def journal(self) -> Path:
        """A folder that exists only while a transaction runs, or after one was killed."""
        return self.folder / "journal"

    @property
    def lock(self) -> Path:
        """Exists while the program changes something."""
        return self.folder / "lock"

    def owns(self, path: Path) -> bool:
        """Whether the path is `folder` or is in it."""
        return path == self.folder or self.folder in path.parents

    def require_own_folders(self) -> None:
        """Refuse a home that is not a folder, and a link or a file in place of a folder of this program.

        Raises Refusal own_files_unusable, naming what must be replaced.
        """
        self._require_home()
        for folder in (*self.folders, self.journal, self.backups.parent, self.backups):
            try:
                status = folder.lstat()
            except FileNotFoundError:
                continue
            except OSError as problem:
                # Whether a name can be looked at depends on the folder above it.
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
        "own_files_unusable",
        message,
        where=Where(str(folder)),
        next_step=f"{what_to_do} then run this command again",
    )
