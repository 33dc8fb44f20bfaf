"""Read everything that decides what opencode resolves, once, into a `Survey`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final, Iterator

from foundation import git, programs
from foundation.errors import Refusal, Where
from foundation.files.links import require_within
from foundation.files.reading import read_snapshot
from foundation.host import Host
from foundation.processes import UnfinishedError, run_bounded
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
from opencode_config.survey import Reading, Survey, Traces

_PLUTIL_SECONDS: Final = 10.0
_PLUTIL_BYTES: Final = 64 * 1024 * 1024
_PLUTIL: Final = "/usr/bin/plutil"
_AGENT_FILES: Final = 2000
_PLUGIN_FILES: Final = 100
_REFERRED_BYTES: Final = 64 * 1024


def take_survey(host: Host, cwd: Path, provider: str) -> Survey:
    """Read every place of every environment; what cannot be read is recorded, not raised.

    `cwd` is the folder that opencode would be started in.
    """
    cwd = cwd.resolve()
    # opencode looks for `.git` upwards and then asks git, too; without git, or if git refuses, it takes the
    # folder as outside any work tree and reads every folder up to the root of the file system.
    worktree, distrust = git.worktree(host, cwd)
    # The same environment in which opencode is asked, so that no layer's value contains the key.
    environ = programs.environment(host.environ, host.hidden)
    surroundings = Surroundings(environ, host.home, cwd, worktree, host.platform)
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
        provider,
        surroundings,
        readings,
        {folder: files for folder, files in agents.items() if files},
        _traces(host, provider),
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
            for argument in file_values.arguments(layer.value, survey.provider):
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
        result = run_bounded(
            [_PLUTIL, "-convert", "json", "-o", "-", str(path)],
            host.environ,
            host.hidden,
            host.cwd,
            timeout=_PLUTIL_SECONDS,
            limit=_PLUTIL_BYTES,
        )
    except (OSError, UnfinishedError):
        raise _no_list(path) from None
    if result.status != 0:
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


def _traces(host: Host, provider: str) -> Traces:
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
    return Traces(well_known, provider in entries, database, _recent_model(host))


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
