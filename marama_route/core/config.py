"""The configuration: from the bytes of config.yaml to values, or all that is wrong with it, with places."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Iterator, Mapping, Sequence

import rfc8785

from foundation.errors import Refusal
from marama_route.core import addresses, config_text, wishes
from marama_route.core.addresses import Listen
from marama_route.core.config_shape import SHAPE
from marama_route.core.config_text import Mistake
from marama_route.core.keys import Key, Role
from marama_route.core.registry import DEFAULT_ALIASES, WORST_RANK, Model, Registry
from sovereigncode.core.shapes import Place, Problem
from sovereigncode.tools.names import KNOWN, Names

DEFAULT_LISTEN: Final = Listen("127.0.0.1", 8787)
DEFAULT_STORE: Final = "sqlite"
REQUESTS_PER_MINUTE: Final = 600
MOST_MISTAKES: Final = 1000
_AGAIN: Final = "appears a second time"


@dataclass(frozen=True)
class Tenant:
    """An organisation: its keys, its purpose where nobody names one, and how many requests it may send."""

    id: str
    keys: tuple[Key, ...] = ()
    purpose: str | None = None
    requests_per_minute: int = REQUESTS_PER_MINUTE


@dataclass(frozen=True)
class Timeouts:
    """Limits of a backend in seconds: to connect, until the first byte, and between two bytes."""

    connect: int = 5
    first_byte: int = 120
    silence: int = 120


@dataclass(frozen=True)
class Backend:
    """A server that runs models. Its key is in a variable or a file; `api_key_file` may begin with `~`."""

    name: str
    base_url: str
    api_key_env: str | None = None
    api_key_file: str | None = None
    timeouts: Timeouts = Timeouts()


@dataclass(frozen=True)
class Config:
    """A valid configuration. `workspaces` are paths as they were written; `hash` counts everything in it."""

    listen: Listen
    store: str
    tenants: tuple[Tenant, ...]
    workspaces: tuple[str, ...]
    backends: Mapping[str, Backend]
    registry: Registry
    tools: Names
    cors: tuple[str, ...]
    hash: str

    @property
    def keys(self) -> tuple[tuple[Key, str], ...]:
        """Every key with its tenant."""
        return tuple((key, tenant.id) for tenant in self.tenants for key in tenant.keys)


def read(data: bytes, name: str) -> tuple[Config | None, tuple[Mistake, ...]]:
    """The configuration in a file of this name, or what is wrong with it, in the order of the text."""
    document, twice = config_text.read(data, name)
    if document is None:
        return None, twice
    noted = {str(mistake.where) for mistake in twice}
    problems = [*SHAPE.problems(document.value)] if not isinstance(document.value, dict) else []
    if isinstance(document.value, dict):
        problems = [*islice(_all_problems(document.value), MOST_MISTAKES)]
    found = list(twice)
    for problem in problems:
        where = document.where(problem, name)
        if not (problem.at_key and str(where) in noted):
            found.append(Mistake(_worded(problem), where))
    if found:
        return None, tuple(sorted(dict.fromkeys(found), key=_in_order)[:MOST_MISTAKES])
    return _made(document.value), ()


def _in_order(mistake: Mistake) -> tuple[int, int, str]:
    return mistake.where.line or 0, mistake.where.column or 0, mistake.message


def _worded(problem: Problem) -> str:
    # What an entry is called may be a secret in a wrong place, so only the keys that are known are named.
    named = [str(part) for part in problem.place if isinstance(part, int) or part in _KEYS]
    return f"{'.'.join(named)}: {problem.message}" if named and not problem.at_key else problem.message


def _all_problems(value: dict[str, Any]) -> Iterator[Problem]:
    yield from SHAPE.problems(value)
    yield from _repeated_names(value)
    yield from _dangling(value)
    yield from _two_keys(value)
    yield from _tools(value)


def _entries(value: Any, name: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    entries = value.get(name)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield (name, index), entry


def _repeated_names(value: dict[str, Any]) -> Iterator[Problem]:
    tenants = [((*place, "id"), entry.get("id")) for place, entry in _entries(value, "tenants")]
    models = [((*place, "id"), entry.get("id")) for place, entry in _entries(value, "models")]
    keys = [
        ((*place, *inner, "hash"), key.get("hash"))
        for place, entry in _entries(value, "tenants")
        for inner, key in _entries(entry, "keys")
    ]
    folders = value.get("workspaces")
    paths: list[tuple[Place, Any]] = [
        (("workspaces", index), path)
        for index, path in enumerate(folders if isinstance(folders, list) else ())
    ]
    yield from _twice(tenants, f"this tenant {_AGAIN}")
    yield from _twice(models, f"this model {_AGAIN}")
    yield from _twice(
        keys, "this key appears a second time, and it can belong to one tenant only, in one role"
    )
    yield from _twice(paths, f"this workspace {_AGAIN}")
    aliases = value.get("aliases", DEFAULT_ALIASES)
    for place, name in models:
        if isinstance(name, str) and isinstance(aliases, Mapping) and name in aliases:
            yield Problem(place, "this model has the name of an alias")


def _twice(names: Sequence[tuple[Place, Any]], message: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, name in names:
        if not isinstance(name, str):
            continue
        if name in seen:
            yield Problem(place, message)
        seen.add(name)


def _dangling(value: dict[str, Any]) -> Iterator[Problem]:
    backends = value.get("backends", {})
    for place, entry in _entries(value, "models"):
        name = entry.get("backend")
        if isinstance(name, str) and isinstance(backends, dict) and name not in backends:
            yield Problem((*place, "backend"), "there is no backend of this name")


def _two_keys(value: dict[str, Any]) -> Iterator[Problem]:
    backends = value.get("backends")
    for name, entry in (backends if isinstance(backends, dict) else {}).items():
        if isinstance(entry, dict) and "api_key_env" in entry and "api_key_file" in entry:
            yield Problem(
                ("backends", name, "api_key_file"), "api_key_env is also given, and only one can count"
            )


def _tools(value: dict[str, Any]) -> Iterator[Problem]:
    tools = value.get("tools")
    seen: set[str] = set()
    for name, word in (tools if isinstance(tools, dict) else {}).items():
        if name.lower() in seen:
            yield Problem(("tools", name), f"this tool {_AGAIN}: the case does not count", at_key=True)
        seen.add(name.lower())
        if not isinstance(word, str):
            continue
        try:
            KNOWN.with_more({name: word})
        except Refusal:
            message = "this must be a tool class or a known tool, and a known tool cannot become milder"
            yield Problem(("tools", name), message)


def _made(value: dict[str, Any]) -> Config:
    models = sorted((_model(entry) for entry in value.get("models", ())), key=lambda model: model.id)
    aliases = value.get("aliases")
    return Config(
        listen=addresses.listen(value.get("listen", "")) or DEFAULT_LISTEN,
        store=value.get("store", DEFAULT_STORE),
        tenants=tuple(_tenant(entry) for entry in value.get("tenants", ())),
        workspaces=tuple(value.get("workspaces", ())),
        backends={name: _backend(name, entry) for name, entry in value.get("backends", {}).items()},
        registry=Registry(
            {model.id: model for model in models},
            DEFAULT_ALIASES
            if aliases is None
            else {name: wishes.parsed(entry) for name, entry in aliases.items()},
        ),
        tools=KNOWN.with_more(value.get("tools", {})),
        cors=tuple(value.get("cors", ())),
        hash=_hash(value),
    )


def _tenant(entry: dict[str, Any]) -> Tenant:
    return Tenant(
        id=entry["id"],
        keys=tuple(Key(key["hash"], Role(key.get("role", Key.role))) for key in entry.get("keys", ())),
        purpose=entry.get("purpose"),
        requests_per_minute=int(entry.get("requests_per_minute", REQUESTS_PER_MINUTE)),
    )


def _backend(name: str, entry: dict[str, Any]) -> Backend:
    return Backend(
        name=name,
        base_url=entry["base_url"].rstrip("/"),
        api_key_env=entry.get("api_key_env"),
        api_key_file=entry.get("api_key_file"),
        timeouts=Timeouts(**{key: int(seconds) for key, seconds in entry.get("timeouts", {}).items()}),
    )


def _model(entry: dict[str, Any]) -> Model:
    output, size = entry.get("max_output_tokens"), entry.get("active_params_b")
    return Model(
        id=entry["id"],
        backend=entry["backend"],
        upstream_model=entry.get("upstream_model", entry["id"]),
        residency=tuple(sorted(set(entry["residency"]))),
        context_tokens=int(entry["context_tokens"]),
        license=entry.get("license"),
        modalities=frozenset(entry.get("modalities", Model.modalities)),
        max_output_tokens=None if output is None else int(output),
        jurisdiction=entry.get("jurisdiction"),
        sovereignty_tier=int(entry.get("sovereignty_tier", 0)),
        tags=frozenset(entry.get("tags", ())),
        supports_tools=entry.get("supports_tools", False),
        supports_json=entry.get("supports_json", False),
        quality_rank=int(entry.get("quality_rank", WORST_RANK)),
        cost_rank=int(entry.get("cost_rank", WORST_RANK)),
        active_params_b=None if size is None else float(size),
    )


def _hash(value: dict[str, Any]) -> str:
    """The same for every order of keys and models."""
    ordered = {**value, "models": sorted(value.get("models", ()), key=lambda entry: str(entry["id"]))}
    return "sha256:" + hashlib.sha256(rfc8785.dumps(ordered)).hexdigest()


def _keys_of(shape: Any) -> Iterator[str]:
    for name, field in getattr(shape, "fields", {}).items():
        yield name
        yield from _keys_of(field.shape)
    for inner in ("item", "entry"):
        if hasattr(shape, inner):
            yield from _keys_of(getattr(shape, inner))


_KEYS: Final = frozenset(_keys_of(SHAPE))
