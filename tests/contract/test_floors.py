"""The floors of the house hold: imports go down only, and each thing that touches the world has one owner."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from tests.support.sources import MODULES, ROOT

# Imports go down this list only.
BELOW: dict[str, set[str]] = {
    "foundation": set(),
    "opencode_config": {"foundation"},
    "gonkagate_setup": {"foundation", "opencode_config"},
    "overlord": {"foundation"},
    "sovereigncode": {"foundation", "opencode_config"},
    "marama_route": {"foundation", "opencode_config", "sovereigncode"},
}
# The oldest Python that a package runs on, if it is not 3.9, and the libraries that it may import.
OLDEST = {"sovereigncode": (3, 10), "marama_route": (3, 10)}
LIBRARIES = {
    "sovereigncode": {"yaml", "rfc8785", "phonenumbers"},
    "marama_route": {"yaml", "rfc8785", "aiohttp", "prometheus_client", "msgspec"},
}
# Those that compute and touch nothing.
PURE_LIBRARIES = {"yaml", "rfc8785", "phonenumbers"}
# The floor within a program.
FLOORS = {
    "gonkagate_setup": {
        "errors": 0,
        "catalog": 0,
        "choice": 0,
        "judgement": 1,
        "changes": 1,
        "masking": 1,
        "report": 1,
        "store": 2,
        "credential": 2,
        "gateway": 2,
        "ui": 3,
        "commands": 4,
        "command_line": 4,
        "cli": 4,
        "__main__": 4,
    },
    "overlord": {
        "core": 0,
        "errors": 0,
        "host_shell": 0,
        "settings": 1,
        "report": 1,
        "command_line": 1,
        "ui": 1,
        "processes": 2,
        "worktree": 2,
        "storage": 2,
        "service": 2,
        "work": 3,
        "commands": 4,
        "cli": 5,
        "__main__": 5,
    },
    "sovereigncode": {
        "errors": 0,
        "core": 0,
        "gateway_provider": 0,
        "documents": 1,
        "content": 1,
        "tools": 1,
        "audit": 1,
        "approvals": 2,
        "workspace": 2,
        "permissions": 2,
        "shown": 2,
        "store": 3,
        "ui": 3,
        "commands": 4,
        "command_line": 3,
        "cli": 5,
        "__main__": 5,
    },
    "marama_route": {
        "core": 0,
        "errors": 1,
        "wire": 1,
        "places": 1,
        "config_edit": 1,
        "config_file": 2,
        "store": 2,
        "backends": 2,
        "observing": 2,
        "workspaces": 2,
        "gate": 3,
        "forwarding": 3,
        "deciding": 3,
        "ui": 3,
        "http": 4,
        "command_line": 4,
        "commands": 5,
        "cli": 6,
        "__main__": 6,
    },
}
# Words that a neutral package does not have, not even in a comment.
PRODUCTS = ("gonkagate", "sakana", "abteex")
FORBIDDEN = {"foundation": (*PRODUCTS, "opencode"), "opencode_config": PRODUCTS}
# These decide; what surrounds them acts.
DECIDING = (
    "foundation.secrets",
    "foundation.files.snapshot",
    "foundation.terminal.text",
    "foundation.terminal.usage",
    "opencode_config",
    "gonkagate_setup.errors",
    "gonkagate_setup.catalog",
    "gonkagate_setup.choice",
    "gonkagate_setup.report",
    "gonkagate_setup.judgement",
    "gonkagate_setup.changes",
    "gonkagate_setup.masking",
    "sovereigncode.core",
    "sovereigncode.errors",
    "sovereigncode.approvals.approval",
    "sovereigncode.tools",
    "overlord.core",
    "overlord.errors",
    "overlord.host_shell",
    "overlord.settings",
    "overlord.report",
    "overlord.command_line",
    "overlord.ui",
    "overlord.work.settling",
    "marama_route.core",
    "marama_route.config_edit",
    "marama_route.errors",
    "marama_route.gate.hearing",
    "marama_route.gate.look",
    "marama_route.gate.records",
    "marama_route.gate.treating",
    "marama_route.gate.wording",
    "marama_route.workspaces.choosing",
    "marama_route.deciding.entries",
)
ACTING = ("opencode_config.program", "sovereigncode.tools.judging")
# Values in, values out: these modules compute and touch nothing.
PURE = {
    "__future__",
    "abc",
    "base64",
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "difflib",
    "email.utils",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "operator",
    "pathlib",
    "re",
    "string",
    "sys",
    "textwrap",
    "typing",
    "unicodedata",
    "urllib.parse",
}
# To compare in constant time.
COMPARING = ("foundation.secrets", "marama_route.core.keys")
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


@dataclass(frozen=True)
class Import:
    line: int
    module: str
    name: str | None


@dataclass(frozen=True)
class Module:
    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts)

    @property
    def imports(self) -> Iterator[Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(node.lineno, alias.name, None)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno}: imports are absolute"
                for alias in node.names:
                    yield Import(node.lineno, node.module or "", alias.name)

    def attributes(self, owner: str) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == owner
            ):
                yield node.lineno, node.attr


def modules() -> list[Module]:
    return [Module(path, ast.parse(path.read_text(encoding="utf-8"))) for path in MODULES]


def package(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def floor(module: str) -> int:
    parts = module.split(".")
    return FLOORS[parts[0]][parts[1]] if len(parts) > 1 and parts[1] != "__init__" else 0


def imported(item: Import, names: set[str]) -> str:
    """The module that is imported: `from gonkagate_setup import errors` means gonkagate_setup.errors."""
    inner = f"{item.module}.{item.name}"
    return inner if inner in names else item.module


def decides(module: str) -> bool:
    return within(module, DECIDING) and not within(module, ACTING)


def within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def graph() -> dict[str, dict[str, int]]:
    """The modules that each module imports, with the line; imports inside functions count too.

    Importing a module runs every package that it is in, so these are imported as well; a module's own
    packages are not, because they began before it.
    """
    found = {module.name.removesuffix(".__init__"): module for module in modules()}
    targets: dict[str, dict[str, int]] = {}
    for name, module in found.items():
        targets[name] = {}
        for item in module.imports:
            parts = imported(item, set(found)).split(".")
            for length in range(1, len(parts) + 1):
                target = ".".join(parts[:length])
                own = target == name or (length < len(parts) and name.startswith(f"{target}."))
                if target in found and not own:
                    targets[name].setdefault(target, item.line)
    return targets


def test_the_packages_were_found() -> None:
    names = set(graph())
    assert names >= {"foundation.host", "opencode_config.jsonc.scan"}
    assert names >= {f"{program}.{name}" for program, floors in FLOORS.items() for name in floors}


def test_imports_go_down_only() -> None:
    wrong = [
        f"{module}:{line} imports {target}"
        for module, targets in graph().items()
        for target, line in targets.items()
        if (package(target) != package(module) and package(target) not in BELOW[package(module)])
        or (package(module) == package(target) in FLOORS and floor(target) > floor(module))
    ]
    assert wrong == []


def test_neutral_packages_name_no_product() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number} has the word {word}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").lower().splitlines(), start=1)
        for word in FORBIDDEN.get(path.relative_to(ROOT).parts[0], ())
        if word in line
    ]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    targets = graph()
    cycles = []
    for start in targets:
        waiting: list[tuple[str, tuple[str, ...]]] = [(start, (start,))]
        seen: set[str] = set()
        while waiting:
            module, way = waiting.pop()
            for target in targets[module]:
                if target == start:
                    cycles.append(" -> ".join((*way, start)))
                elif target not in seen:
                    seen.add(target)
                    waiting.append((target, (*way, target)))
    assert cycles == []


def test_what_decides_imports_nothing_that_touches_the_world() -> None:
    wrong = []
    for module in modules():
        name = module.name.removesuffix(".__init__")
        if not decides(name):
            continue
        for item in module.imports:
            if package(item.module) in BELOW:
                continue
            pure = item.module in PURE | (PURE_LIBRARIES & LIBRARIES.get(package(name), set())) or (
                item.module == "hmac" and name in COMPARING
            )
            if item.module == "pathlib":
                pure = (item.name or "").startswith("Pure")
            if not pure:
                wrong.append(f"{name}:{item.line} imports {item.module}")
    assert wrong == []


def test_what_decides_asks_neither_the_clock_nor_a_file() -> None:
    wrong = []
    for module in modules():
        if not decides(module.name.removesuffix(".__init__")):
            continue
        calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
        wrong += [
            f"{module.name}:{call.lineno} calls {call.func.id}"
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id in {"open", "print", "input", "__import__"}
        ]
        wrong += [
            f"{module.name}:{line} asks datetime.{name}"
            for line, name in module.attributes("datetime")
            if name in {"now", "utcnow", "today"}
        ]
        wrong += [
            f"{module.name}:{line} uses sys.{name}"
            for line, name in module.attributes("sys")
            if name not in {"maxsize", "version_info", "getrecursionlimit", "setrecursionlimit"}
        ]
    assert wrong == []


def test_only_host_reads_the_environment() -> None:
    wrong = []
    for module in modules():
        if module.name == "foundation.host":
            continue
        wrong += [
            f"{module.name}:{line} os.{name}" for line, name in module.attributes("os") if name in ENVIRONMENT
        ]
        wrong += [
            f"{module.name}:{item.line} from os import {item.name}"
            for item in module.imports
            if item.module == "os" and item.name in ENVIRONMENT
        ]
        wrong += [
            f"{module.name}:{node.lineno} .{node.attr}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and node.attr in {"expanduser", "expandvars"}
        ]
        wrong += [
            f"{module.name}:{line} Path.{name}" for line, name in module.attributes("Path") if name == "home"
        ]
    assert wrong == []


def test_every_file_is_opened_with_the_safe_flags() -> None:
    """Without O_BINARY in them Windows changes line ends; without O_NOFOLLOW a link is followed."""
    wrong = []
    for module in modules():
        if module.name.startswith("foundation.terminal"):  # the terminal's device and the null device
            continue
        safe = {"SAFE", "READ"} | {
            ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
            for node in module.tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _names(node.value) & {"SAFE", "READ"}
        }
        wrong += [
            f"{module.name}:{call.lineno} opens {ast.unparse(call)}"
            for call in ast.walk(module.tree)
            if isinstance(call, ast.Call)
            and ast.unparse(call.func) == "os.open"
            and not _names(call.args[1]) & safe
        ]
    assert wrong == []


def _names(node: ast.AST | None) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} if node is not None else set()


def test_only_ui_prints() -> None:
    wrong = []
    for module in modules():
        if module.name.startswith("foundation.terminal"):
            continue
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"print", "input"}
            ):
                wrong.append(f"{module.name}:{node.lineno} calls {node.func.id}")
            if isinstance(node, ast.Attribute) and node.attr in {"write", "writelines"}:
                owner = ast.unparse(node.value)
                if owner.startswith(("sys.stdout", "sys.stderr", "sys.__std")):
                    wrong.append(f"{module.name}:{node.lineno} writes to {owner}")
    assert wrong == []


def test_a_package_needs_the_standard_library_and_what_is_named_for_it() -> None:
    if sys.version_info < (3, 10):
        pytest.skip("Python 3.9 does not list its standard library; newer ones run this")
    wrong = [
        f"{module.name}:{item.line} imports {item.module}"
        for module in modules()
        for item in module.imports
        if item.module.split(".")[0]
        not in sys.stdlib_module_names | set(BELOW) | LIBRARIES.get(package(module.name), set())
    ]
    assert wrong == []


def test_every_module_runs_on_the_oldest_python_of_its_package() -> None:
    for module in modules():
        source = module.path.read_text(encoding="utf-8")
        ast.parse(source, feature_version=OLDEST.get(package(module.name), (3, 9)))
        if module.tree.body[1:]:
            assert "from __future__ import annotations" in source, module.name
