"""What an uninstall removes from the configs, what it keeps, and where else the provider is named.

It removes only what this program provably wrote: a value under `provider.<id>` that equals the catalogue's or
one that a named release wrote, and `model`/`small_model` if they name a model of the catalogue or the
recorded one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Callable, Iterator, Mapping, Sequence

from foundation.errors import Refusal, Where
from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import ConfigPath, Profile
from gonkagate_setup.changes import ownership, recorded_repairs
from gonkagate_setup.changes.history import FileChange
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.changes.plan import parsed
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.judgement.findings import DURABLE, NOTICE, Finding
from gonkagate_setup.judgement.machine_findings import of_duplicates
from opencode_config import jsonc, schema_line
from opencode_config.jsonc import scan
from opencode_config.jsonc.duplicates import repeated
from opencode_config.jsonc.operations import Operation
from opencode_config.judged_keys import ACTIVATION, PROVIDER_LISTS
from opencode_config.layers import MISSING, Layer, leaves, lookup
from opencode_config.places import PROJECT, USER, Environment
from opencode_config.substitution import env_references, file_references, fill_in
from opencode_config.survey import Survey


@dataclass(frozen=True)
class Removal:
    """The edits of configs, and notices about what is kept; `key_needed` are those about the key file."""

    edits: tuple[FileEdit, ...]
    notices: tuple[Finding, ...]
    key_needed: tuple[Finding, ...]


def build(
    profile: Profile,
    survey: Survey,
    state: State | None,
    created: Sequence[str],
    repaired: Sequence[tuple[FileChange, Snapshot]] = (),
) -> Removal:
    """Plan it for the user's three files and this folder's project files.

    `created` are real paths of configs that setups created; such a file is removed if only `$schema` is left.
    `repaired` are the recorded edits of what was in the way, each with its file as it is now, wherever it is.
    Raises Refusal managed_config_parse_failed and managed_config_read_failed.
    """
    taken_back = {snapshot.real: change for change, snapshot in repaired if str(snapshot.real) == change.real}
    references = frozenset(
        profile.reference(key) for key in (*(model.key for model in profile.models), *_recorded(state))
    )
    edits: list[FileEdit] = []
    seen: set[PurePath] = set()
    own = {snapshot.real for snapshot in survey.user_files}
    project = [snapshot for snapshot in survey.project_files if snapshot.real not in own]
    # The project first: it refers to models of the provider that the user layer defines.
    for layer, snapshots in ((PROJECT, project), (USER, list(survey.user_files))):
        for snapshot in snapshots:
            if snapshot.data is None or snapshot.real in seen:
                continue
            seen.add(snapshot.real)
            edit = _edit(profile, snapshot, layer, references, created, taken_back.get(snapshot.real))
            if edit is not None:
                edits.append(edit)
    for change, snapshot in repaired:
        if snapshot.data is not None and snapshot.real in taken_back and snapshot.real not in seen:
            edit = _elsewhere(change, snapshot)
            edits += [] if edit is None else [edit]
    after = survey.replace(
        {edit.snapshot.real: None if edit.after is None else edit.after.encode() for edit in edits}
    )
    layers = _layers(after)
    doubled = {edit.snapshot.real for edit in edits if edit.duplicates}
    notices = [finding for layer in layers for finding in _left(profile, layer, seen, after)]
    for source in layers:
        if source.path is not None and after.real(source.path) in doubled:
            notices += of_duplicates(profile, source, DURABLE)
    return Removal(
        tuple(edits),
        tuple(notices),
        tuple(_key_users(profile, after, layers)),
    )


def _recorded(state: State | None) -> tuple[str, ...]:
    return () if state is None or state.model_key is None else (state.model_key,)


def _edit(
    profile: Profile,
    snapshot: Snapshot,
    layer: str,
    references: frozenset[str],
    created: Sequence[str],
    repaired: FileChange | None,
) -> FileEdit | None:
    document = parsed(snapshot)
    operations: list[Operation] = ownership.stale_activation(document, references)
    if layer == USER:
        operations += ownership.removals(document, ("provider",), _ours(profile))
    if repaired is not None:
        operations += recorded_repairs.taken_back(repaired, document)
    if not operations:
        return None
    text = jsonc.apply(document, operations).text
    return FileEdit(
        snapshot,
        layer,
        document.text,
        None if str(snapshot.real) in created and _empty(text) else text,
        tuple(operations),
        repeated(document, operations),
        len(scan.comments(text)) < len(scan.comments(document.text)),
    )


def _elsewhere(change: FileChange, snapshot: Snapshot) -> FileEdit | None:
    """The recorded edits undone in a config of another folder; nothing else is known about that file."""
    try:
        document = parsed(snapshot)
    except Refusal:
        return None  # a file that can no longer be read must not keep the rest from being removed
    operations = recorded_repairs.taken_back(change, document)
    if not operations:
        return None
    return FileEdit(
        snapshot,
        change.layer,
        document.text,
        jsonc.apply(document, operations).text,
        tuple(operations),
        repeated(document, operations),
    )


def _ours(profile: Profile) -> Callable[[ConfigPath, Any], bool]:
    """Whether a leaf under `provider.<id>` has exactly the value that a release of this program wrote."""
    defined = dict(leaves(profile.provider_config(), ("provider", profile.id)))
    return lambda path, value: (
        jsonc.same(defined.get(path, MISSING), value) or ownership.was_retired(profile, path, value)
    )


def _empty(text: str) -> bool:
    """Whether nothing but `$schema`, as we write it, is left: no key and no comment."""
    value = jsonc.parse(text).value
    only_schema = all(key == schema_line.KEY and child == schema_line.URL for key, child in value.items())
    return only_schema and not list(scan.comments(text))


def _layers(survey: Survey) -> list[Layer]:
    """Every layer of any environment that is not empty, once."""
    found: dict[tuple[str, str], Layer] = {}
    for environment in Environment:
        for layer in survey.layers(environment):
            found.setdefault((layer.layer, layer.name), layer)
    return list(found.values())


def _left(profile: Profile, layer: Layer, edited: set[PurePath], survey: Survey) -> Iterator[Finding]:
    """What a layer still says about the provider: kept there, or in a place that is not edited."""
    here = layer.path is not None and survey.real(layer.path) in edited
    for path in _mentions(profile, layer.value):
        key = ".".join(path)
        where = layer.locate(path)
        if here:
            yield Finding(
                "uninstall_kept",
                NOTICE,
                layer.layer,
                "it is not what this program wrote, so it is treated as yours and kept",
                f"remove {key} from {where.name} if you no longer want it",
                where=where,
                key=key,
            )
        else:
            yield Finding(
                "uninstall_elsewhere",
                NOTICE,
                layer.layer,
                f"{profile.display_name} is still named here, in a place that this program does not edit",
                f"remove {key} from {where.name} if you no longer want it",
                where=where,
                key=key,
            )


def _mentions(profile: Profile, value: Mapping[str, Any]) -> Iterator[ConfigPath]:
    """Keys under the provider, one a setting, and every key whose value names the provider or a model."""
    base = ("provider", profile.id)
    own = lookup(value, base)
    if own is not MISSING:
        yield from (path for path, _ in leaves(own, base))
    for path, leaf in leaves(value):
        if path[:2] == base:
            continue
        texts = leaf if isinstance(leaf, list) else [leaf]
        name = path[-1] if path else ""
        gating, model = name in PROVIDER_LISTS, name in ACTIVATION
        if any(
            isinstance(text, str)
            and ((gating and text == profile.id) or (model and text.startswith(f"{profile.id}/")))
            for text in texts
        ):
            yield path


def _key_users(profile: Profile, survey: Survey, layers: Sequence[Layer]) -> Iterator[Finding]:
    """Layers that still refer to the key file: opencode does not start when one does and the file is gone.

    As opencode reads them (docs/opencode-facts.md#references): variables are filled in first, then every
    reference is resolved unless its line begins with `//`.
    """
    home = survey.surroundings.home
    key = home.joinpath(*profile.folder, profile.key_file)
    environ = survey.surroundings.environ
    for layer in layers:
        written = _text(survey, layer)
        text = fill_in(written, env_references(written), lambda name: environ.get(name, ""))
        for found in file_references(text, filled=True):
            if _plain(survey.leads_to(layer, found.argument)) != key:
                continue
            start = text.rfind("\n", 0, found.start) + 1
            line = text.count("\n", 0, found.start) + 1
            yield Finding(
                "uninstall_key_needed",
                NOTICE,
                layer.layer,
                "the key file is named here, so it is kept: opencode would not start without it",
                f"remove {{file:{found.argument}}} from {layer.name}, then run this command again",
                where=Where(layer.name, line, found.start - start + 1),
            )
            # One is enough to keep the key, and to say so.
            break


def _text(survey: Survey, layer: Layer) -> str:
    if layer.path is None:
        return survey.surroundings.environ.get(layer.name, "")
    reading = survey.readings.get(layer.path)
    return "" if reading is None or reading.text is None else reading.text


def _plain(path: PurePath) -> PurePath:
    """The path with `.` and `..` taken out."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return type(path)(*parts)
