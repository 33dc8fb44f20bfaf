"""What happens on a machine between a setup that was killed and the next run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from opencode_config import schema_line
from tests.faults.homes import Home, put

MARK = b'"username": "mine"'


@dataclass(frozen=True)
class Meddling:
    """`act` changes the home; `edits` says that MARK must be found in a config for good afterwards."""

    name: str
    act: Callable[[Home], None]
    edits: bool = False
    removes_key: bool = False


def _configs(home: Home) -> list[Path]:
    both = (home.user_config, home.project_config)
    return [one for path in both for one in (path, path.with_suffix(".jsonc")) if one.is_file()]


def _nothing(_home: Home) -> None:
    """The next run comes at once."""


def _opencode_started(home: Home) -> None:
    """What opencode 1.18.33 leaves (test_interrupted.py also starts the real one)."""
    for path in _configs(home):
        if b"$schema" not in path.read_bytes():
            path.write_bytes(schema_line.as_opencode_leaves_it(path.read_bytes()))
    folder = home.user_config.parent
    if not any(folder.glob("opencode.json*")):
        put(folder / "opencode.jsonc", b'{\n  "$schema": "https://opencode.ai/config.json"\n}\n', 0o644)
    put(folder / ".gitignore", b"node_modules\n", 0o644)


def _with_mark(data: bytes) -> bytes:
    return data.replace(b"{", b"{\n  " + MARK + b",", 1) if data.strip(b"{} \n") else b"{" + MARK + b"}"


def _edited(path: Callable[[Home], Path]) -> Callable[[Home], None]:
    def act(home: Home) -> None:
        target = path(home)
        put(target, _with_mark(target.read_bytes() if target.is_file() else b"{}"), 0o644)

    return act


def _rewritten(home: Home) -> None:
    put(home.user_config, b"{" + MARK + b"}\n", 0o644)


def _removed(path: Callable[[Home], Path]) -> Callable[[Home], None]:
    return lambda home: path(home).unlink(missing_ok=True)


def _folder_removed(home: Home) -> None:
    for path in sorted(home.user_config.parent.rglob("*"), reverse=True):
        path.unlink()
    if home.user_config.parent.exists():
        home.user_config.parent.rmdir()


def _renamed(home: Home) -> None:
    _edited(user)(home)
    home.user_config.rename(home.user_config.with_suffix(".jsonc"))


def _moved_into_dotfiles(home: Home) -> None:
    _edited(user)(home)
    (home.folder / "dotfiles").mkdir(mode=0o755)
    home.user_config.rename(home.folder / "dotfiles" / "oc.json")
    home.user_config.symlink_to("../../dotfiles/oc.json")


def _folder_moved_into_dotfiles(home: Home) -> None:
    _edited(user)(home)
    (home.folder / "dotfiles").mkdir(mode=0o755)
    home.user_config.parent.rename(home.folder / "dotfiles" / "opencode")
    home.user_config.parent.symlink_to("../dotfiles/opencode")


def _copy_removed(home: Home) -> None:
    for path in home.user_config.parent.glob("*.bak-*"):
        path.unlink()
    _edited(user)(home)


def _mode_changed(home: Home) -> None:
    for path in _configs(home):
        os.chmod(path, 0o600)  # noqa: PTH101


def user(home: Home) -> Path:
    return home.user_config


def project(home: Home) -> Path:
    return home.project_config


MEDDLINGS = (
    Meddling("nothing", _nothing),
    Meddling("opencode started", _opencode_started),
    Meddling("user config edited", _edited(user), edits=True),
    Meddling("project config edited", _edited(project), edits=True),
    Meddling("user config rewritten", _rewritten, edits=True),
    Meddling("user config removed", _removed(user)),
    Meddling("project config removed", _removed(project)),
    Meddling("config folder removed", _folder_removed),
    Meddling("user config renamed", _renamed, edits=True),
    Meddling("user config linked", _moved_into_dotfiles, edits=True),
    Meddling("config folder linked", _folder_moved_into_dotfiles, edits=True),
    Meddling("edited without the copy", _copy_removed, edits=True),
    Meddling("modes changed", _mode_changed),
    Meddling("key removed", _removed(lambda home: home.store.key), removes_key=True),
)
