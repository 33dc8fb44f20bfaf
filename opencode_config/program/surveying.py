"""Read everything that decides what opencode resolves, once, into a `Survey`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final, Iterator

from foundation import programs
from foundation.errors import Refusal, Where
from foundation.files.links import require_within
from foundation.files.reading import read_snapshot
from foundation.host import Host
from gonkagate_setup.catalog import Profile
from opencode_config import file_values
from opencode_config.agent_files import FOLDERS, is_entry_file
from opencode_config.places import (
    JSON_NAMES,
    PLUGIN_FOLDERS,
    PLUGIN_SUFFIXES,
    USER_NAMES,
    Environment,
    Kind,
    Surroundings,
    places,
)
from opencode_config.survey import Distrust, Reading, Survey, Traces

_GIT_SECONDS: Final = 10.0
_PLUTIL: Final = "/usr/bin/plutil"
_AGENT_FILES: Final = 2000
_PLUGIN_FILES: Final = 100
_REFERRED_BYTES: Final = 64 * 1024
# Some file systems keep times in whole seconds, FAT in two seconds.
_GRANULARITY_NS: Final = 2_000_000_000


def take_survey(host: Host, cwd: Path, profile: Profile) -> Survey:
    """Read every place of every environment; what cannot be read is recorded, not raised.

    `cwd` is the folder that opencode would be started in.
    """
    cwd = cwd.resolve()
    worktree, distrust = _ask_git(host, cwd)
    # The same environment in which opencode is asked, so that no layer's value contains the key.
    surroundings = Surroundings(programs.environment(host.environ), host.home, cwd, worktree, host.platform)
    readings: dict[PurePath, Reading] = {}
    agents: dict[PurePath, tuple[PurePath, ...]] = {}
    plugins: dict[PurePath, tuple[PurePath, ...]] = {}
    for path in _files(surroundings):
        if path not in readings:
            readings[path] = _read(Path(path), host)
    for folder in _agent_folders(surroundings):
        if folder not in agents:
            agents[folder] = tuple(_agent_files(Path(folder)))
            readings.update((path, _read(Path(path), host)) for path in agents[folder])
            plugins[folder] = tuple(_plugin_files(Path(folder)))
    _refuse_what_leads_out(surroundings, readings)
    survey = Survey(
        profile,
        surroundings,
        readings,
        {folder: files for folder, files in agents.items() if files},
        _traces(host, profile),
        in_git=worktree is not None,
        plugin_files={folder: files for folder, files in plugins.items() if files},
        distrust=distrust,
    )
    return replace(survey, referred=_referred(survey))


def _referred(survey: Survey) -> dict[PurePath, str]:
    """The files that judged values refer to; unreadable ones are left out."""
    found: dict[PurePath, str] = {}
    for environment in Environment:
        for layer in survey.layers(environment):
            for argument in file_values.arguments(layer.value, survey.profile.id):
                path = survey.leads_to(layer, argument)
                text = _text_of(Path(path))
                if text is not None:
                    found[path] = text
    return found


def _text_of(path: Path) -> str | None:
    try:
        data = read_snapshot(path).data
    except Refusal:
        return None
    if data is None or len(data) > _REFERRED_BYTES:
        return None
    return data.decode("utf-8", "replace").lstrip("\ufeff").strip()


def _refuse_what_leads_out(surroundings: Surroundings, readings: dict[PurePath, Reading]) -> None:
    """Refuse links that lead out of the project: a cloned project may contain some.

    A link to the user's own config is allowed: that file is edited as the user's.
    """
    own = [readings[surroundings.user_folder / name].snapshot for name in USER_NAMES]
    own_files = {snapshot.real for snapshot in own if snapshot is not None}
    for name in JSON_NAMES:
        path = surroundings.project_root / name
        snapshot = readings[path].snapshot
        if snapshot is None or snapshot.real in own_files:
            continue
        try:
            require_within(Path(path), Path(snapshot.real), Path(surroundings.project_root))
        except Refusal as refusal:
            readings[path] = Reading.refused(refusal)


def older_than(survey: Survey, instant: int) -> bool:
    """Whether every file of the survey was last changed well before `instant` (nanoseconds)."""
    for path in (*survey.readings, *survey.referred):
        for look in (os.lstat, os.stat):
            try:
                changed = look(path).st_ctime_ns
            except OSError:
                continue
            if changed + _GRANULARITY_NS > instant:
                return False
    return True


def _files(surroundings: Surroundings) -> Iterator[PurePath]:
    for name in USER_NAMES:
        yield surroundings.user_folder / name
    for name in JSON_NAMES:
        yield surroundings.project_root / name
    for environment in Environment:
        for place in places(surroundings, environment):
            if place.path is not None and place.kind is not Kind.AGENTS:
                yield place.path


def _agent_folders(surroundings: Surroundings) -> Iterator[PurePath]:
    for environment in Environment:
        for place in places(surroundings, environment):
            if place.path is not None and place.kind is Kind.AGENTS:
                yield place.path


def _read(path: Path, host: Host) -> Reading:
    try:
        if path.suffix == ".plist":
            return _read_preferences(path, host)
        return Reading.of(read_snapshot(path))
    except Refusal as refusal:
        return Reading.refused(refusal)


def _read_preferences(path: Path, host: Host) -> Reading:
    """A macOS property list as JSON, made with the program that opencode uses for it."""
    snapshot = read_snapshot(path)
    if snapshot.data is None:
        return Reading.of(snapshot)
    try:
        result = subprocess.run(
            [_PLUTIL, "-convert", "json", "-o", "-", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=programs.environment(host.environ),
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _no_list(path) from None
    if result.returncode != 0:
        raise _no_list(path)
    return Reading.of_text(snapshot, result.stdout)


def _no_list(path: Path) -> Refusal:
    return Refusal(
        "unreadable",
        f"{_PLUTIL} could not read this property list",
        where=Where(str(path)),
        next_step=f"run `{_PLUTIL} -p` on it to see what is wrong, then run this command again",
    )


def _agent_files(folder: Path) -> Iterator[PurePath]:
    """The Markdown files of agents, modes and commands; links are followed, as opencode does."""
    found = 0
    for name in FOLDERS:
        for root, folders, files in os.walk(folder / name, followlinks=True):
            folders.sort()
            depth = len(Path(root).relative_to(folder).parts)
            if depth > 8:  # noqa: PLR2004 - a bound for links that lead in circles
                folders.clear()
            for file in sorted(files):
                path = Path(root, file)
                if is_entry_file(path.relative_to(folder)) and found < _AGENT_FILES:
                    found += 1
                    yield path


def _plugin_files(folder: Path) -> Iterator[PurePath]:
    """The plugins in a config folder; only the first ones, because it matters only whether there are any."""
    found = 0
    for name in PLUGIN_FOLDERS:
        try:
            entries = sorted((folder / name).iterdir())
        except OSError:
            continue
        for path in entries:
            if path.suffix in PLUGIN_SUFFIXES and found < _PLUGIN_FILES:
                found += 1
                yield path


def _ask_git(host: Host, cwd: Path) -> tuple[Path | None, Distrust | None]:
    """The root of the git work tree around `cwd` as opencode finds it, and why git does not use it.

    opencode looks for `.git` upwards and then asks git; without git, or if git refuses, it takes the
    folder as outside any work tree and reads every folder up to the root of the file system.
    """
    start = next((folder for folder in (cwd, *cwd.parents) if os.path.lexists(folder / ".git")), None)
    git = programs.find("git", host)
    if start is None or git is None:
        return None, None
    try:
        result = subprocess.run(
            [str(git), "rev-parse", "--git-dir", "--git-common-dir", "--show-toplevel"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=start,
            # In English, so that a refusal is recognised.
            env={**programs.environment(host.environ), "LC_ALL": "C"},
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    lines = os.fsdecode(result.stdout).splitlines()
    if result.returncode != 0 or not lines:
        return (start if len(lines) >= 2 else None), _distrust(start, result.stderr)  # noqa: PLR2004
    return Path(lines[-1]).resolve(), None


def _distrust(root: Path, told: bytes) -> Distrust | None:
    # git 2.35.2 said "unsafe repository (… is owned by someone else)" instead.
    text = os.fsdecode(told)
    if "dubious ownership" not in text and "unsafe repository" not in text:
        return None
    hint = re.search(r"^\s*(git config --global --add safe\.directory \S.*?)\s*$", text, re.MULTILINE)
    built = f"git config --global --add safe.directory {shlex.quote(root.as_posix())}"
    return Distrust(root, hint[1] if hint else built)


def _traces(host: Host, profile: Profile) -> Traces:
    """Traces of the layers that are not read: opencode's stored credentials and database."""
    import json

    base = host.environ.get("XDG_DATA_HOME") or str(host.home / ".local" / "share")
    folder = Path(host.cwd, base, "opencode")
    try:
        text = host.environ.get("OPENCODE_AUTH_CONTENT") or read_snapshot(folder / "auth.json").data or b""
        entries = json.loads(text)
    except (OSError, Refusal, ValueError, RecursionError):
        entries = {}
    if not isinstance(entries, dict):
        entries = {}
    well_known = tuple(
        name
        for name, entry in entries.items()
        if isinstance(entry, dict) and entry.get("type") == "wellknown"
    )
    try:
        database = any(folder.glob("opencode*.db"))
    except OSError:
        database = False  # then one opencode is asked after the other
    return Traces(well_known, profile.id in entries, database, _recent_model(host))


def _recent_model(host: Host) -> bool:
    """Whether opencode remembers a model that was chosen inside it (tried on 1.14.34 and 1.18.33)."""
    import json

    base = host.environ.get("XDG_STATE_HOME") or str(host.home / ".local" / "state")
    try:
        text = read_snapshot(Path(host.cwd, base, "opencode", "model.json")).data or b""
        value = json.loads(text)
        return bool(isinstance(value, dict) and value.get("recent"))
    except (OSError, Refusal, ValueError, RecursionError):
        return False
