"""Everything that was read of opencode's places, once: files, and the layers that they make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Iterator, Mapping

from foundation.errors import Refusal
from foundation.files.snapshot import Snapshot
from foundation.git import Distrust
from opencode_config import file_values, substitution
from opencode_config.agent_files import entry
from opencode_config.jsonc import Document, JsoncError, decode, parse
from opencode_config.launcher import Launcher
from opencode_config.layers import Layer, Problem
from opencode_config.places import (
    DOT_OPENCODE,
    JSON_NAMES,
    PROJECT,
    USER,
    USER_NAMES,
    Environment,
    Kind,
    Place,
    Surroundings,
    places,
)
from opencode_config.v2_spelling import lowered


@dataclass(frozen=True)
class Reading:
    """One file as it was read: a snapshot, or the refusal that reading it raised."""

    snapshot: Snapshot | None
    refusal: Refusal | None = None
    text: str | None = field(default=None, repr=False)
    document: Document | None = field(default=None, repr=False)
    problem: Problem | None = None

    @classmethod
    def of(cls, snapshot: Snapshot) -> Reading:
        """The reading of a snapshot; Markdown is not parsed."""
        if snapshot.data is None:
            return cls(snapshot)
        return cls.of_text(snapshot, snapshot.data)

    @classmethod
    def of_text(cls, snapshot: Snapshot, data: bytes) -> Reading:
        """The reading of a file that had to be converted to the text `data` first."""
        try:
            text = decode(data)
        except JsoncError:
            # Such a file cannot be edited, but opencode reads it, with replacement characters.
            text = data.decode("utf-8", "replace")
        document, problem = (None, None) if snapshot.path.suffix == ".md" else _attempt(text)
        return cls(snapshot, text=text, document=document, problem=problem)

    @classmethod
    def refused(cls, refusal: Refusal) -> Reading:
        """The reading of a file that could not be read."""
        return cls(None, refusal, problem=Problem(refusal.message))

    @property
    def exists(self) -> bool:
        """Whether something exists at the path."""
        return self.refusal is not None or (self.snapshot is not None and self.snapshot.exists)


@dataclass(frozen=True)
class Traces:
    """Traces of layers that are not read.

    `well_known` are URLs in opencode's auth.json, `stored_key` is whether it has an entry for the
    provider, `database` whether opencode has its database yet, which may name an organisation. `recent`: a
    model was chosen inside opencode, with which it starts if no config sets one. `launcher` is what
    starts opencode, once that is known.
    """

    well_known: tuple[str, ...] = ()
    stored_key: bool = False
    database: bool = False
    recent: bool = False
    launcher: Launcher | None = None


@dataclass(frozen=True)
class Survey:
    """Everything readable that decides what opencode resolves, read once.

    `provider` is the id of the one that is judged. `readings` holds every file by the path that opencode
    uses; `agents` the Markdown files of each folder with agents, in opencode's order; `referred` the texts of
    files that judged values refer to; `plugin_files` the plugins that lie in each of those folders.
    """

    provider: str
    surroundings: Surroundings
    readings: Mapping[PurePath, Reading] = field(repr=False)
    agents: Mapping[PurePath, tuple[PurePath, ...]] = field(default_factory=dict)
    traces: Traces = Traces()
    in_git: bool = False
    distrust: Distrust | None = None
    referred: Mapping[PurePath, str] = field(default_factory=dict, repr=False)
    plugin_files: Mapping[PurePath, tuple[PurePath, ...]] = field(default_factory=dict)

    @property
    def worktree(self) -> PurePath | None:
        """The root of the git work tree, None outside."""
        return self.surroundings.worktree

    @property
    def project_root(self) -> PurePath:
        """The folder of the project's file."""
        return self.surroundings.project_root

    @property
    def user_files(self) -> tuple[Snapshot, ...]:
        """The three files of the user layer, low to high; Refusal when one cannot be read."""
        return self._snapshots(self.surroundings.user_folder, USER_NAMES)

    @property
    def project_files(self) -> tuple[Snapshot, ...]:
        """The two files at the project's root, low to high; Refusal when one cannot be read."""
        return self._snapshots(self.project_root, JSON_NAMES)

    def _snapshots(self, folder: PurePath, names: tuple[str, ...]) -> tuple[Snapshot, ...]:
        found = []
        for name in names:
            reading = self.readings[folder / name]
            if reading.refusal is not None:
                raise reading.refusal
            assert reading.snapshot is not None  # noqa: S101 - either a snapshot or a refusal
            found.append(reading.snapshot)
        return tuple(found)

    def replace(self, texts: Mapping[PurePath, bytes | None]) -> Survey:
        """The survey as it would be with these contents, by real path; None means no file."""

        def renewed(reading: Reading) -> Reading:
            snapshot = reading.snapshot
            if snapshot is None or snapshot.real not in texts:
                return reading
            return Reading.of(replace(snapshot, data=texts[snapshot.real]))

        return replace(self, readings={path: renewed(reading) for path, reading in self.readings.items()})

    def layers(self, environment: Environment) -> tuple[Layer, ...]:
        """The layers that are not empty, low to high."""
        environ = environment.select(self.surroundings.environ)
        own = {self.real(self.surroundings.user_folder / name) for name in USER_NAMES}
        found: list[Layer] = []
        seen_preferences = False
        for place in places(self.surroundings, environment):
            if place.kind is Kind.INLINE:
                found.append(self._filled(_inline(place, environ)))
            elif place.kind is Kind.AGENTS and place.path is not None:
                found += self._agent_layers(place)
            elif place.path is not None:
                reading = self.readings.get(place.path)
                if reading is None or not reading.exists:
                    continue
                if place.kind is Kind.PREFERENCES:
                    if seen_preferences:
                        continue
                    seen_preferences = True
                if self.real(place.path) in own:
                    # Another path to the user's own file, such as ~/.opencode linked to it.
                    place = replace(place, layer=USER)  # noqa: PLW2901
                found.append(self._filled(_file(place, reading, environ)))
        return tuple(found)

    def has_plugins(self, environment: Environment) -> bool:
        """Whether a config that is read in `environment` names a plugin, or a config folder has one."""
        if any(layer.value.get("plugin") for layer in self.layers(environment)):
            return True
        found = places(self.surroundings, environment)
        return any(self.plugin_files.get(place.path) for place in found if place.path is not None)

    def elsewhere(self) -> Survey:
        """The survey of an empty folder elsewhere: without the files of this one."""
        own = {self.real(self.surroundings.user_folder / name) for name in USER_NAMES}
        here = {
            self.real(layer.path)
            for environment in Environment
            for layer in self.layers(environment)
            if layer.layer in (PROJECT, DOT_OPENCODE) and layer.path is not None
        }
        return self.replace(dict.fromkeys(here - own)) if here - own else self

    def leads_to(self, layer: Layer, argument: str) -> PurePath:
        """The file that a `{file:…}` in the layer names, relative to the file's name, links not resolved."""
        base = self.surroundings.cwd if layer.path is None else layer.path.parent
        return substitution.place(argument, base, self.surroundings.home)

    def _filled(self, layer: Layer) -> Layer:
        if not self.referred:
            return layer

        def content(argument: str) -> str | None:
            return self.referred.get(self.leads_to(layer, argument))

        return replace(layer, value=file_values.filled(layer.value, self.provider, content))

    def real(self, path: PurePath) -> PurePath:
        """The file of a place that was read, with links resolved."""
        reading = self.readings.get(path)
        return path if reading is None or reading.snapshot is None else reading.snapshot.real

    def _agent_layers(self, place: Place) -> Iterator[Layer]:
        for path in self.agents.get(place.path or PurePath(), ()):
            reading = self.readings[path]
            found = entry(path.relative_to(place.path or PurePath()), reading.text or "")
            yield Layer(
                place,
                str(path),
                value={found.kind: {found.name: found.values}},
                positions={(found.kind, found.name, key): (line, 1) for key, line in found.lines.items()},
                path=path,
            )


def _inline(place: Place, environ: Mapping[str, str]) -> Layer:
    return _parsed(place, "OPENCODE_CONFIG_CONTENT", environ["OPENCODE_CONFIG_CONTENT"], environ, None, None)


def _file(place: Place, reading: Reading, environ: Mapping[str, str]) -> Layer:
    path = place.path
    if reading.text is None:
        return Layer(place, str(path), problem=reading.problem, path=path)
    return _parsed(place, str(path), reading.text, environ, path, reading)


def _parsed(
    place: Place,
    name: str,
    text: str,
    environ: Mapping[str, str],
    path: PurePath | None,
    reading: Reading | None,
) -> Layer:
    """The layer of a JSONC text; opencode fills `{env:…}` into the text before it parses."""
    document = reading.document if reading is not None else None
    problem = reading.problem if reading is not None else None
    if reading is None:
        document, problem = _attempt(text)
    variables = list(substitution.env_references(text))
    value = document.value if document is not None else {}
    if variables:
        filled = substitution.fill_in(text, variables, lambda name: environ.get(name, ""))
        expanded, problem = _attempt(filled)
        value = expanded.value if expanded is not None else {}
    names = frozenset(found.argument for found in variables)
    return Layer(place, name, lowered(value), document, problem, path=path, references=names)


def _attempt(text: str) -> tuple[Document | None, Problem | None]:
    try:
        return parse(text), None
    except JsoncError as error:
        return None, Problem(error.reason, error.line, error.column)
