"""A machine for the oracle matrix: values in every layer, and what a real `opencode run` then sends.

The oracle never reads what the judgement reads, and takes nothing from the product but the scope's name: it
knows where it put which value, the order of opencode's layers as it was measured, the rules of
docs/layers.md#whose-keys-may-be-where, and the requests that reached the stand-in service.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Iterator

from gonkagate_setup.choice import Scope
from tests.support.configs import KIMI, MINIMAX, PROVIDER, UPSTREAM
from tests.support.machine import Machine

SELECTED = MINIMAX
OTHER = KIMI
REFERENCE = f"gonkagate/{SELECTED}"
OTHER_REFERENCE = f"gonkagate/{OTHER}"
HOST = "api.gonkagate.com"
OWN = ("provider", "gonkagate")
SCHEMA = {"$schema": "https://opencode.ai/config.json"}
LAYOUTS = ("git", "nested", "worktree", "submodule", "plain")

# The environments that count (docs/layers.md), and the variables that each goes without.
SHELLS: Final = ("durable", "fresh", "session")
_FOR_ONE_COMMAND = {"OPENCODE_CONFIG_CONTENT", "OPENCODE_DISABLE_PROJECT_CONFIG", "OPENCODE_PERMISSION"}
_GONE: Final = {
    "durable": _FOR_ONE_COMMAND,
    "fresh": _FOR_ONE_COMMAND | {"OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR"},
    "session": set[str](),
}
_FROM_VARIABLES: Final = {
    "OPENCODE_CONFIG": {"custom"},
    "OPENCODE_CONFIG_DIR": {"directory json", "directory jsonc", "directory agent"},
    "OPENCODE_CONFIG_CONTENT": {"inline"},
}
# Low to high, as opencode was measured to read them; "ours" stands for the files of the installation.
ORDER: Final = (
    "user config.json",
    "ours",
    "user jsonc",
    "custom",
    "home json",
    "root json",
    "root jsonc",
    "cwd json",
    "cwd jsonc",
    "user agent",
    "cwd dot json",
    "cwd dot jsonc",
    "cwd agent",
    "dot json",
    "dot jsonc",
    "dot agent",
    "home dot json",
    "home dot jsonc",
    "home agent",
    "directory json",
    "directory jsonc",
    "directory agent",
    "inline",
    "managed json",
    "managed jsonc",
)
# What not even the users themselves may change, besides the key and the authorization: address and adapter.
# That a user's other additions hide the model or send another key shows in what opencode sends.
_NEVER_CHANGED: Final = (("options", "baseURL"), ("npm",))
# What has to resolve to the selected model also where the agent that opencode starts with names its own.
_ACTIVATION: Final = (("model",), ("small_model",))


def environment_of(shell: str, environ: dict[str, str]) -> dict[str, str]:
    """`environ` as that environment has it."""
    return {name: value for name, value in environ.items() if name not in _GONE[shell]}


def without_catalogue(machine: Machine) -> dict[str, str]:
    """Variables that spare opencode its public catalogue, which has no model of ours.

    Reading that costs half of a run's time.
    """
    catalogue = machine.root / "models.json"
    catalogue.write_text("{}")
    return {"OPENCODE_MODELS_PATH": str(catalogue), "OPENCODE_DISABLE_MODELS_FETCH": "1"}


@dataclass(frozen=True)
class Put:
    """One value at one key of one place; `where` is a name from `Case.paths` or "inline".

    With `through`, what stands there is a reference (`{file:...}` or `{env:...}`) to the value.
    """

    where: str
    key: tuple[str, ...]
    value: Any
    through: str = ""

    @property
    def is_users(self) -> bool:
        """Whether it stands in the user's own config."""
        return self.where in ("user config.json", "user jsonc")

    @property
    def name(self) -> str:
        """The name of the file or variable that holds the value, where it is a reference."""
        return "_".join(("PUT", self.where, *self.key)).translate(str.maketrans(" .-", "___"))

    def written(self, folder: Path) -> Any:
        """What stands in the config; `folder` has the files that are referred to."""
        if not self.through:
            return self.value
        return f"{{file:{folder / self.name}}}" if self.through == "file" else f"{{env:{self.name}}}"

    def may_stand(self, variants_stay: bool) -> bool:
        """Whether the rules let this key have this value in this place, while it is in effect."""
        if self.key in _ACTIVATION:
            named = str(self.value)
            return (named if variants_stay else named.partition("#")[0]) == REFERENCE
        if self.key[:2] != OWN:
            return True
        relative = self.key[2:]
        if relative == ("options", "apiKey"):
            return self.is_users
        if self.is_users:
            return relative[-1] != "Authorization" and (
                relative not in _NEVER_CHANGED or self.value == at(PROVIDER, relative)
            )
        return bool(at(PROVIDER, relative) == self.value)

    def outranked_by(self, other: Put, variants_stay: bool) -> bool:
        """Whether the other one sets the same key, rightly, in a higher place."""
        return (
            self.key == other.key
            and ORDER.index(other.where) > ORDER.index(self.where)
            and other.may_stand(variants_stay)
            and self.key[-1] != "apiKey"
        )


def at(value: Any, path: tuple[str, ...]) -> Any:
    """What stands at `path`, None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


@dataclass
class Case:
    """A machine's files and variables: an installation of ours, and what somebody else put around it.

    With `variants_stay` its opencode is one below 1.18.28, to which `#variant` is a part of the model's name.
    """

    machine: Machine
    layout: str
    scope: Scope
    puts: list[Put]
    variants_stay: bool = False
    cwd: Path = field(init=False)
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = {
            "git": self.machine.project,
            "nested": self.machine.project,
            "worktree": self.machine.home / "worktree",
            "submodule": self.machine.home / "super" / "lib",
            "plain": self.machine.home / "plain",
        }[self.layout]
        self.cwd = self.root / "deep" / "er" if self.layout in ("nested", "plain") else self.root

    @property
    def project_root(self) -> Path:
        """Where the project's own file goes: outside git that is the working folder."""
        return self.cwd if self.layout == "plain" else self.root

    @property
    def activated_in(self) -> str:
        """The place of the installation's file that names the model."""
        if self.scope is Scope.USER:
            return "ours"
        return "cwd json" if self.layout == "plain" else "root json"

    @property
    def paths(self) -> dict[str, Path]:
        """Every place that is a file, by the name that puts use."""
        home, root, cwd, config = self.machine.home, self.root, self.cwd, self.machine.config_folder
        found = {
            "user config.json": config / "config.json",
            "user jsonc": config / "opencode.jsonc",
            "user agent": config / "agents" / "build.md",
            "custom": home / "custom" / "mine.json",
            **_both("root", root),
            **_both("dot", root / ".opencode"),
            "dot agent": root / ".opencode" / "agent" / "build.md",
            **_both("home dot", home / ".opencode"),
            "home agent": home / ".opencode" / "agent" / "build.md",
            **_both("directory", home / "directory"),
            "directory agent": home / "directory" / "agents" / "build.md",
            **_both("managed", home / "managed"),
        }
        if cwd != root:
            found.update({**_both("cwd", cwd), **_both("cwd dot", cwd / ".opencode")})
            found["cwd agent"] = cwd / ".opencode" / "agent" / "build.md"
        if self.layout == "plain":
            found["home json"] = home / "opencode.json"
        if self.outer is not None:
            found["outer json"] = self.outer / "opencode.json"
        if self.scope is Scope.PROJECT:
            found = {
                name: path for name, path in found.items() if path != self.project_root / "opencode.json"
            }
        return found

    @property
    def outer(self) -> Path | None:
        """The work tree that this one is a linked work tree or a submodule of; its files do not count."""
        outer = {"worktree": self.machine.project, "submodule": self.machine.home / "super"}
        return outer.get(self.layout)

    @property
    def referred(self) -> Path:
        """The folder with the files that references name."""
        return self.machine.home / "referred"

    @property
    def environ(self) -> dict[str, str]:
        """The session's environment. Plain HTTP to the loopback goes past the proxy."""
        environ = {
            **self.machine.environment,
            "NO_PROXY": "127.0.0.1",
            **without_catalogue(self.machine),
            # With a plugin opencode wants packages from a registry that is not there, again and again.
            "npm_config_fetch_retries": "0",
            "OPENCODE_TEST_MANAGED_CONFIG_DIR": str(self.paths["managed json"].parent),
            **{put.name: put.value for put in self.puts if put.through == "env"},
        }
        used = {put.where for put in self.puts}
        if "custom" in used:
            environ["OPENCODE_CONFIG"] = str(self.paths["custom"])
        if used & _FROM_VARIABLES["OPENCODE_CONFIG_DIR"]:
            environ["OPENCODE_CONFIG_DIR"] = str(self.paths["directory json"].parent)
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
                inner[put.key[-1]] = put.written(self.referred)
        return value

    def texts(self) -> dict[Path, bytes]:
        """The files that a setup writes."""
        active = {"model": REFERENCE, "small_model": REFERENCE}
        user = {**SCHEMA, "provider": {"gonkagate": PROVIDER}}
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
        if self.outer is not None and not self.root.exists():
            self._link()
        self.cwd.mkdir(parents=True, exist_ok=True)
        (self.machine.home / "directory").mkdir(exist_ok=True)
        self.write_puts()

    def _link(self) -> None:
        """Make the linked work tree or the submodule."""
        project = str(self.machine.project)
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        self._git(project, *who, "commit", "-q", "--allow-empty", "-m", "x")
        if self.layout == "worktree":
            self._git(project, "worktree", "add", "-q", str(self.root))
            return
        self._git(project, "init", "-q", str(self.outer))
        local = ("-c", "protocol.file.allow=always")
        self._git(str(self.outer), *local, "submodule", "--quiet", "add", project, self.root.name)

    def write_puts(self) -> None:
        """The files of the places, and those that they refer to, as the puts have them now."""
        for name, path in self.paths.items():
            path.unlink(missing_ok=True)
            puts = [put for put in self.puts if put.where == name]
            if puts:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_markdown(puts) if path.suffix == ".md" else _bytes(self.value_of(name)))
        for put in self.puts:
            if put.through == "file":
                self.referred.mkdir(exist_ok=True)
                (self.referred / put.name).write_text(f"{put.value}\n")

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

    def _git(self, folder: str, *arguments: str) -> None:
        # `git submodule` is a shell script that calls more than the machine has.
        environ = {**self.machine.environment, "PATH": os.environ["PATH"]}
        done = self.machine.run(["git", "-C", folder, *arguments], environ=environ)
        assert done.status == 0, done.output

    def seen_in(self, shell: str) -> list[Put]:
        """The puts that an opencode in this environment reads."""
        gone = {name for variable in _GONE[shell] for name in _FROM_VARIABLES.get(variable, ())}
        return [put for put in self.puts if put.where not in {*gone, "outer json"}]

    def breaks_a_rule(self, shell: str) -> bool:
        """Whether a put that is in effect in this environment is one that the rules forbid."""
        seen = self.seen_in(shell)
        ours = [Put("ours", (*OWN, *key), at(PROVIDER, key)) for key in _NEVER_CHANGED]
        ours += [Put(self.activated_in, key, REFERENCE) for key in _ACTIVATION]
        return any(
            not put.may_stand(self.variants_stay)
            and not any(put.outranked_by(other, self.variants_stay) for other in (*seen, *ours))
            for put in seen
        )

    def uses_gonkagate(self, shell: str) -> bool:
        """The oracle: plain `opencode run` sends everything to the right host, path, key and model."""
        service = self.machine.stand_in
        service.requests.clear()
        environ = environment_of(shell, self.environ)
        opencode = str(self.machine.bin / "opencode")
        self.machine.run([opencode, "run", "say hi"], environ=environ, cwd=self.cwd, timeout=120)
        sent = list(service.requests)
        # What the users add to the provider in their own layer is theirs, and kept.
        added = any(put.is_users and put.key[-1] == "headers" for put in self.puts)
        right = [
            request.host.partition(":")[0] == HOST
            and request.path == "/v1/chat/completions"
            and request.key == self.machine.key
            and request.json.get("model") == UPSTREAM[SELECTED]
            and (added or not any(name.startswith("x-put") for name in request.headers))
            for request in sent
        ]
        return all(right) and any(not request.is_title for request in sent)


def _both(name: str, folder: Path) -> dict[str, Path]:
    return {f"{name} json": folder / "opencode.json", f"{name} jsonc": folder / "opencode.jsonc"}


def _markdown(puts: list[Put]) -> bytes:
    """An agent's file. The value is plain text or true."""
    lines = [f"{put.key[-1]}: {str(put.value).lower()}" for put in puts]
    return "\n".join(["---", "description: x", *lines, "---", "Be nice.", ""]).encode()


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()


def distinct(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each environment that differs from those before it, with its twins."""
    seen: dict[str, dict[str, str]] = {}
    for shell in SHELLS:
        environ = environment_of(shell, case.environ)
        if environ not in seen.values():
            seen[shell] = environ
            twins = tuple(twin for twin in SHELLS if environment_of(twin, case.environ) == environ)
            yield shell, twins
