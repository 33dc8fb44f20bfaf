"""Cases for the oracle matrix: values in every layer, and what a real `opencode run` then sends.

The oracle never reads what the judgement reads: it knows where it put which value, the requirements' own
rules about whose keys may stand where, and the requests that reached the stand-in service.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.core.places import Environment
from gonkagate_setup.core.state import Scope
from tests.machine import Machine

SELECTED = "minimax-m2.7"
OTHER = "kimi-k2.6"
REFERENCE = GONKAGATE.reference(SELECTED)
UPSTREAM = "minimaxai/minimax-m2.7"
HOST = "api.gonkagate.com"
OWN = ("provider", "gonkagate")
SCHEMA = {"$schema": "https://opencode.ai/config.json"}
LAYOUTS = ("git", "nested", "worktree", "plain")


@dataclass(frozen=True)
class Put:
    """One value at one key of one place; `where` is a name from `Case.paths` or "inline"."""

    where: str
    key: tuple[str, ...]
    value: Any

    @property
    def against_the_rules(self) -> bool:
        """Whether the requirements forbid it there, whatever opencode makes of it."""
        if self.key[:2] != OWN:
            return False
        relative = self.key[2:]
        if relative == ("options", "apiKey"):
            return not self.where.startswith("user")
        if self.where.startswith("user"):
            return relative[-1] == "Authorization"
        allowed: Any = GONKAGATE.provider_config()
        for name in relative:
            allowed = allowed.get(name) if isinstance(allowed, dict) else None
        return bool(allowed != self.value)


@dataclass
class Case:
    """A machine's files and variables: an installation of ours, and what somebody else put around it."""

    machine: Machine
    layout: str
    scope: Scope
    puts: list[Put]
    cwd: Path = field(init=False)
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = {
            "git": self.machine.project,
            "nested": self.machine.project,
            "worktree": self.machine.home / "worktree",
            "plain": self.machine.home / "plain",
        }[self.layout]
        self.cwd = self.root / "deep" / "er" if self.layout in ("nested", "plain") else self.root

    @property
    def project_root(self) -> Path:
        """Where the project's own file goes: outside git that is the working folder."""
        return self.cwd if self.layout == "plain" else self.root

    @property
    def paths(self) -> dict[str, Path]:
        """Every place that is a file, by the name that puts use."""
        home, root, cwd, config = self.machine.home, self.root, self.cwd, self.machine.config_folder
        found = {
            "user config.json": config / "config.json",
            "user jsonc": config / "opencode.jsonc",
            "custom": home / "custom" / "mine.json",
            "root json": root / "opencode.json",
            "root jsonc": root / "opencode.jsonc",
            "dot json": root / ".opencode" / "opencode.json",
            "home dot": home / ".opencode" / "opencode.jsonc",
            "directory": home / "directory" / "opencode.json",
            "managed": home / "managed" / "opencode.json",
        }
        if cwd != root:
            found["cwd json"] = cwd / "opencode.json"
            found["cwd jsonc"] = cwd / "opencode.jsonc"
            found["cwd dot"] = cwd / ".opencode" / "opencode.jsonc"
        if self.layout == "plain":
            found["home json"] = home / "opencode.json"
        if self.scope is Scope.PROJECT:
            found = {
                name: path for name, path in found.items() if path != self.project_root / "opencode.json"
            }
        return found

    @property
    def environ(self) -> dict[str, str]:
        """The session's environment. Plain HTTP to the loopback goes past the proxy."""
        catalogue = self.machine.root / "models.json"
        catalogue.write_text("{}")
        environ = {
            **self.machine.environment,
            "NO_PROXY": "127.0.0.1",
            # opencode's public catalogue, which has no model of ours: reading it costs half of a run's time.
            "OPENCODE_MODELS_PATH": str(catalogue),
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_TEST_MANAGED_CONFIG_DIR": str(self.paths["managed"].parent),
        }
        used = {put.where for put in self.puts}
        if "custom" in used:
            environ["OPENCODE_CONFIG"] = str(self.paths["custom"])
        if "directory" in used:
            environ["OPENCODE_CONFIG_DIR"] = str(self.paths["directory"].parent)
        if "inline" in used:
            environ["OPENCODE_CONFIG_CONTENT"] = json.dumps(self.value_of("inline"))
        return environ

    def value_of(self, where: str) -> dict[str, Any]:
        """The config that the puts make at that place."""
        value: dict[str, Any] = {} if where == "inline" else dict(SCHEMA)
        for put in self.puts:
            if put.where == where:
                inner = value
                for name in put.key[:-1]:
                    inner = inner.setdefault(name, {})
                inner[put.key[-1]] = put.value
        return value

    def texts(self) -> dict[Path, bytes]:
        """The files that a setup writes."""
        active = {"model": REFERENCE, "small_model": REFERENCE}
        user = {**SCHEMA, "provider": {"gonkagate": GONKAGATE.provider_config()}}
        if self.scope is Scope.USER:
            return {self.machine.user_config: _bytes({**user, **active})}
        return {
            self.machine.user_config: _bytes(user),
            self.project_root / "opencode.json": _bytes({**SCHEMA, **active}),
        }

    def lay_out(self) -> None:
        """Everything but our own files, on a machine from which the last case's files are gone."""
        for path in (self.machine.user_config, *(self.project_root / name for name in ("opencode.json",))):
            path.unlink(missing_ok=True)
        if self.layout == "worktree" and not self.root.exists():
            self._git(
                "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "x"
            )
            self._git("worktree", "add", "-q", str(self.root))
        self.cwd.mkdir(parents=True, exist_ok=True)
        (self.machine.home / "directory").mkdir(exist_ok=True)
        self.write_puts()

    def write_puts(self) -> None:
        """The files of the places as the puts have them now."""
        for name, path in self.paths.items():
            path.unlink(missing_ok=True)
            if any(put.where == name for put in self.puts):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_bytes(self.value_of(name)))

    def install(self) -> None:
        """Our own files."""
        self.machine.key_file.parent.mkdir(parents=True, exist_ok=True)
        self.machine.key_file.write_text(self.machine.key)
        for path, data in self.texts().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def clear(self) -> None:
        """Nothing of this case is left for the next one."""
        for path in (*self.paths.values(), *self.texts()):
            path.unlink(missing_ok=True)

    def _git(self, *arguments: str) -> None:
        done = self.machine.run(["git", "-C", str(self.machine.project), *arguments])
        assert done.status == 0, done.output

    def seen_in(self, environment: Environment) -> list[Put]:
        """The puts that an opencode in this environment reads."""
        gone = {
            Environment.DURABLE: {"inline"},
            Environment.FRESH: {"inline", "custom", "directory"},
            Environment.SESSION: set(),
        }[environment]
        return [put for put in self.puts if put.where not in gone]

    def breaks_a_rule(self, environment: Environment) -> bool:
        """Whether a put that this environment sees is one that the requirements forbid."""
        return any(put.against_the_rules for put in self.seen_in(environment))

    def uses_gonkagate(self, environment: Environment) -> bool:
        """The oracle: plain `opencode run` sends everything to the right host, key and model."""
        service = self.machine.stand_in
        service.requests.clear()
        environ = environment.select(self.environ)
        opencode = str(self.machine.bin / "opencode")
        self.machine.run([opencode, "run", "say hi"], environ=environ, cwd=self.cwd, timeout=120)
        sent = list(service.requests)
        # What the users add to the provider in their own layer is theirs, and kept.
        added = any(put.where.startswith("user") and put.key[-1] == "headers" for put in self.puts)
        right = [
            request.host.partition(":")[0] == HOST
            and request.key == self.machine.key
            and request.json.get("model") == UPSTREAM
            and (added or not any(name.startswith("x-put") for name in request.headers))
            for request in sent
        ]
        return all(right) and any(not request.is_title for request in sent)


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()


def values(machine: Machine) -> tuple[tuple[tuple[str, ...], Any], ...]:
    """What somebody might put somewhere: harmful, harmless and identical values."""
    model = (*OWN, "models", SELECTED)
    return (
        (("model",), GONKAGATE.reference(OTHER)),
        (("model",), "nowhere/nothing"),
        (("model",), REFERENCE),
        (("small_model",), GONKAGATE.reference(OTHER)),
        (("small_model",), REFERENCE),
        (("enabled_providers",), ["openai"]),
        (("enabled_providers",), ["openai", "gonkagate"]),
        (("enabled_providers",), []),
        (("disabled_providers",), ["gonkagate"]),
        (("disabled_providers",), ["openai"]),
        ((*OWN, "options", "apiKey"), "gp-somebody-elses"),
        ((*OWN, "options", "baseURL"), f"{machine.stand_in.address}/v1"),
        ((*OWN, "options", "baseURL"), GONKAGATE.base_url),
        ((*OWN, "options", "headers"), {"x-put": "1"}),
        ((*OWN, "options", "headers", "Authorization"), "Bearer gp-somebody-elses"),
        ((*OWN, "whitelist"), [OTHER]),
        ((*OWN, "whitelist"), [SELECTED]),
        ((*OWN, "blacklist"), [SELECTED]),
        ((*model, "id"), "somebody/elses"),
        ((*model, "id"), UPSTREAM),
        ((*model, "status"), "deprecated"),
        ((*OWN, "models", "mine"), {"id": "my/own"}),
        (("agent", "build", "model"), GONKAGATE.reference(OTHER)),
        (("mode", "build", "model"), REFERENCE),
        (("agent", "plan", "model"), "openai/gpt"),
    )


def generate(machine: Machine, seed: int) -> Case:
    """The case of that number: up to three places, one or two values in each."""
    chance = random.Random(seed)
    case = Case(machine, chance.choice(LAYOUTS), chance.choice(list(Scope)), [])
    pool = values(machine)
    names = [*case.paths, "inline"]
    for where in chance.sample(names, chance.randint(1, 3)):
        for key, value in chance.sample(pool, chance.choice((1, 1, 2))):
            if not any(
                put.where == where and put.key[: len(key)] == key[: len(put.key)] for put in case.puts
            ):
                case.puts.append(Put(where, key, value))
    return case


def distinct(case: Case) -> Iterator[tuple[Environment, tuple[Environment, ...]]]:
    """Each environment that differs from those before it, with its twins."""
    seen: dict[Environment, dict[str, str]] = {}
    for environment in Environment:
        environ = environment.select(case.environ)
        if environ not in seen.values():
            seen[environment] = environ
            twins = tuple(twin for twin in Environment if twin.select(case.environ) == environ)
            yield environment, twins
