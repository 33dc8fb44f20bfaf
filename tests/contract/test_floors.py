"""The floors of the house hold: imports go down only, and each thing that touches the world has one owner."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gonkagate_setup"

# The floor of a package below gonkagate_setup; modules beside them stand where they are named.
FLOORS = {
    "errors": 0,
    "redaction": 0,
    "version": 0,
    "_vendor": 0,
    "core": 1,
    "system": 2,
    "ui": 3,
    "commands": 4,
    "arguments": 4,
    "cli": 4,
    "__main__": 4,
}
# Values in, values out: these modules compute and touch nothing.
PURE = {
    "__future__",
    "base64",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
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
    paths = sorted(path for path in PACKAGE.rglob("*.py") if "_vendor" not in path.parts)
    return [Module(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def floor(module: str) -> int:
    parts = module.split(".")
    return FLOORS[parts[1]] if len(parts) > 1 and parts[1] != "__init__" else 0


def imported(item: Import) -> str:
    # `from gonkagate_setup import errors` means gonkagate_setup.errors; a value of the package is floor 0.
    below = item.module == "gonkagate_setup" and (item.name or "") in FLOORS
    return f"{item.module}.{item.name}" if below else item.module


def test_the_package_was_found() -> None:
    assert {module.name.split(".")[1] for module in modules()} >= {"core", "system", "ui", "commands", "cli"}


def test_imports_go_down_only() -> None:
    wrong = [
        f"{module.name}:{item.line} imports {imported(item)}"
        for module in modules()
        for item in module.imports
        if item.module.split(".")[0] == "gonkagate_setup" and floor(imported(item)) > floor(module.name)
    ]
    assert wrong == []


def test_the_core_imports_nothing_that_touches_the_world() -> None:
    wrong = []
    for module in modules():
        if floor(module.name) > 1:
            continue
        for item in module.imports:
            if item.module.split(".")[0] == "gonkagate_setup":
                continue
            pure = item.module in PURE | {"hmac"} if floor(module.name) == 0 else item.module in PURE
            if item.module == "pathlib":
                pure = (item.name or "").startswith("Pure")
            if not pure and module.name != "gonkagate_setup.version":
                wrong.append(f"{module.name}:{item.line} imports {item.module}")
    assert wrong == []


def test_the_core_asks_neither_the_clock_nor_a_file() -> None:
    wrong = []
    for module in modules():
        if not module.name.startswith("gonkagate_setup.core"):
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
        if module.name == "gonkagate_setup.system.host":
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


def test_only_ui_prints() -> None:
    wrong = []
    for module in modules():
        if module.name.startswith("gonkagate_setup.ui"):
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


def test_the_package_needs_the_standard_library_only() -> None:
    if sys.version_info < (3, 10):
        pytest.skip("Python 3.9 does not list its standard library; newer ones run this")
    wrong = [
        f"{module.name}:{item.line} imports {item.module}"
        for module in modules()
        for item in module.imports
        if item.module.split(".")[0] not in sys.stdlib_module_names | {"gonkagate_setup"}
    ]
    assert wrong == []


def test_every_module_runs_on_python_3_9() -> None:
    for module in modules():
        source = module.path.read_text(encoding="utf-8")
        ast.parse(source, feature_version=(3, 9))
        if module.tree.body[1:]:
            assert "from __future__ import annotations" in source, module.name
