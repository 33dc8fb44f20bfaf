"""What stands in each of opencode's places, and what opencode makes of them together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final, Iterator, Mapping, Sequence

from gonkagate_setup.core import referred
from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.core.jsonc import Document, JsoncError, decode, parse
from gonkagate_setup.core.markdown import entry
from gonkagate_setup.core.native import lowered, native_path
from gonkagate_setup.core.places import (
    JSON_NAMES,
    USER,
    USER_NAMES,
    Environment,
    Kind,
    Place,
    Surroundings,
    places,
)
from gonkagate_setup.core.references import env_references, fill_in
from gonkagate_setup.core.snapshot import Snapshot
from gonkagate_setup.errors import SetupError, Where

Path = tuple[str, ...]
MISSING: Final = object()
# opencode joins these lists over the layers instead of replacing them.
_JOINED: Final = ("instructions", "plugin")


def lookup(value: Any, path: Path) -> Any:
    """What stands at `path` in plain JSON, MISSING where nothing does."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def leaves(value: Any, prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is not an object with something in it, with its path; lists count as one value."""
    stack = [(prefix, value)]
    while stack:
        path, current = stack.pop()
        if isinstance(current, dict) and current:
            stack.extend(((*path, key), child) for key, child in reversed(list(current.items())))
        else:
            yield path, current


def unknown(value: Any) -> bool:
    """Whether the value depends on a file that is not read here (`{file:…}`)."""
    return isinstance(value, str) and "{file:" in value


@dataclass(frozen=True)
class Problem:
    """Why a layer's text could not be understood: one sentence without the text, and where."""

    reason: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Layer:
    """A place with what stands in it.

    `value` is plain JSON after `{env:…}` was filled in; `document` the text as it was written, None for
    what is not JSONC. `problem` is set where the place could not be read or parsed.
    """

    place: Place
    name: str
    value: Mapping[str, Any] = field(default_factory=dict, repr=False)
    document: Document | None = field(default=None, repr=False)
    problem: Problem | None = None
    positions: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    path: PurePath | None = None
    references: frozenset[str] = frozenset()

    @property
    def layer(self) -> str:
        """The layer's name."""
        return self.place.layer

    def get(self, path: Path) -> Any:
        """The value at `path`, MISSING where the layer does not define it."""
        return lookup(self.value, path)

    def spelled(self, path: Path) -> Path:
        """`path` as the text has it, which may use the names of opencode 2 for agents and commands."""
        native = native_path(path)
        if native is None or self.document is None or self.document.find(path) is not None:
            return path
        return path if self.document.find(native) is None else native

    def written(self, path: Path, value: Any) -> Any:
        """The value at `path` as the text has it, references and all; `value` where the text is no JSONC."""
        node = self.document.find(path) if self.document is not None else None
        return value if node is None else node.value

    def locate(self, path: Path) -> Where:
        """Where `path` is defined: the key's place where it is known."""
        path = self.spelled(path)
        if path in self.positions:
            return Where(self.name, *self.positions[path])
        node = self.document.find(path) if self.document is not None else None
        if self.document is None or node is None:
            return Where(self.name)
        start = node.start if node.key_start is None else node.key_start
        return Where(self.name, *self.document.location(start))


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Opencode's resolved config from the readable layers, low to high; `mode` ends up in `agent`."""
    result: dict[str, Any] = {}
    for layer in layers:
        before = {key: result.get(key) for key in _JOINED}
        _merge_into(result, layer.value)
        for key, former in before.items():
            added = layer.value.get(key)
            if isinstance(former, list) and isinstance(added, list):
                result[key] = former + [entry for entry in added if entry not in former]
    modes = result.get("mode")
    if isinstance(modes, dict):
        # opencode turns every mode into a primary agent after the merge, over an agent of that name.
        primary = {
            name: {**mode, "mode": "primary"} for name, mode in modes.items() if isinstance(mode, dict)
        }
        _merge_into(result, {"agent": primary})
    return result


def _merge_into(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    """Deep merge; objects are copied before they change. A stack, because configs may nest deeply."""
    stack = [(target, source)]
    while stack:
        into, added = stack.pop()
        for key, value in added.items():
            if isinstance(value, dict):
                present = into.get(key)
                child = dict(present) if isinstance(present, dict) else {}
                into[key] = child
                stack.append((child, value))
            else:
                into[key] = value


@dataclass(frozen=True)
class Reading:
    """One file as it was read: a snapshot, or the refusal that reading it met."""

    snapshot: Snapshot | None
    refusal: SetupError | None = None
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
        """The reading of a file whose text is `data`, for what had to be converted first."""
        try:
            text = decode(data)
        except JsoncError:
            # Such a file cannot be edited, but opencode reads it with replacement characters.
            text = data.decode("utf-8", "replace")
        document, problem = (None, None) if snapshot.path.suffix == ".md" else _attempt(text)
        return cls(snapshot, text=text, document=document, problem=problem)

    @classmethod
    def refused(cls, refusal: SetupError) -> Reading:
        """The reading of a file that could not be read."""
        return cls(None, refusal, problem=Problem(refusal.message))

    @property
    def exists(self) -> bool:
        """Whether there is something at the path."""
        return self.refusal is not None or (self.snapshot is not None and self.snapshot.exists)


@dataclass(frozen=True)
class Traces:
    """What is visible of layers that are not read.

    `well_known` are URLs in opencode's auth.json, `stored_key` tells whether it has an entry for the
    provider, `database` whether opencode has its database yet, which may name an organisation.
    """

    well_known: tuple[str, ...] = ()
    stored_key: bool = False
    database: bool = False


@dataclass(frozen=True)
class Survey:
    """Everything readable that decides what opencode resolves, read once.

    `readings` holds every file by the path that opencode uses; `agents` the Markdown files of each
    folder with agents, in opencode's order; `referred` the texts of files that judged values refer to.
    """

    profile: Profile
    surroundings: Surroundings
    readings: Mapping[PurePath, Reading] = field(repr=False)
    agents: Mapping[PurePath, tuple[PurePath, ...]] = field(default_factory=dict)
    traces: Traces = Traces()
    in_git: bool = False
    referred: Mapping[PurePath, str] = field(default_factory=dict, repr=False)

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
        """The three files of the user layer, low to high; SetupError when one cannot be read."""
        return self._snapshots(self.surroundings.user_folder, USER_NAMES)

    @property
    def project_files(self) -> tuple[Snapshot, ...]:
        """The two files at the project's root, low to high; SetupError when one cannot be read."""
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
        """The survey as it would be with these contents, by real path; None is "no file"."""

        def renewed(reading: Reading) -> Reading:
            snapshot = reading.snapshot
            if snapshot is None or snapshot.real not in texts:
                return reading
            return Reading.of(replace(snapshot, data=texts[snapshot.real]))

        return replace(self, readings={path: renewed(reading) for path, reading in self.readings.items()})

    def layers(self, environment: Environment) -> tuple[Layer, ...]:
        """The layers that have something in them, low to high."""
        environ = environment.select(self.surroundings.environ)
        own = {self._real(self.surroundings.user_folder / name) for name in USER_NAMES}
        found: list[Layer] = []
        seen_preferences = False
        for place in places(self.surroundings, environment):
            if place.kind is Kind.INLINE:
                found.append(self._filled(_inline(place, environ), self.surroundings.cwd))
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
                if self._real(place.path) in own:
                    # Another road to the user's own file, such as ~/.opencode linked to it.
                    place = replace(place, layer=USER)  # noqa: PLW2901
                found.append(self._filled(_file(place, reading, environ), PurePath(place.path or "").parent))
        return tuple(found)

    def _filled(self, layer: Layer, base: PurePath) -> Layer:
        if not self.referred:
            return layer

        def content(argument: str) -> str | None:
            return self.referred.get(referred.place(argument, base, self.surroundings.home))

        return replace(layer, value=referred.filled(layer.value, self.profile.id, content))

    def _real(self, path: PurePath) -> PurePath:
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
    references = frozenset(found.argument for found in env_references(text))
    value = document.value if document is not None else {}
    if references:
        expanded, problem = _attempt(fill_in(text, lambda name: environ.get(name, "")))
        value = expanded.value if expanded is not None else {}
    return Layer(place, name, lowered(value), document, problem, path=path, references=references)


def _attempt(text: str) -> tuple[Document | None, Problem | None]:
    try:
        return parse(text), None
    except JsoncError as error:
        return None, Problem(error.reason, error.line, error.column)
