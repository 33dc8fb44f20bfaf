"""The sources of the .pyz lose what only a type checker reads, and mean the same, on the same lines."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from scripts.building.compact import compact
from tests.support.sources import ROOT
from tests.support.sources import SETUP as MODULES

VENDORED = sorted((ROOT / "opencode_config" / "_vendor").rglob("*.py"))


def names(source: str) -> list[Any]:
    """Every definition with its line and the names of its arguments, and every constant in an expression."""
    found: list[Any] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(
                (node.lineno, node.name, [arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)])
            )
        elif isinstance(node, ast.ClassDef):
            fields = [one.target.id for one in node.body if isinstance(one, ast.AnnAssign)]  # type: ignore[union-attr]
            found.append((node.lineno, node.name, fields))
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant):
            found.append((node.lineno, repr(node.value.value)))
    return found


@pytest.mark.parametrize("path", [*MODULES, *VENDORED], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_keeps_its_definitions_on_their_lines(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    packed = compact(source)
    assert names(packed) == names(source)
    assert packed.count("\n") == source.count("\n")


def test_only_what_a_type_checker_reads_goes() -> None:
    source = (
        "from __future__ import annotations\n\n"
        "from dataclasses import dataclass, field\n"
        "from typing import ClassVar, Final, Mapping, cast\n\n"
        "NAME: Final = 'a: int'\n\n"
        "@dataclass(frozen=True)\n"
        "class Some:\n"
        "    one: Mapping[str, int]\n"
        "    two: int = field(default=2)\n"
        "    three: ClassVar[int] = 3\n\n"
        "    def method(self, é: str, *more: int, key: dict[str, int] | None = None) -> Some:\n"
        "        text: str = '''\n        indented: int\n'''\n"
        "        later: int\n"
        "        return cast('Some', text)\n"
    )
    assert compact(source) == (
        "from __future__ import annotations\n\n"
        "from dataclasses import dataclass, field\n"
        "from typing import ClassVar, cast\n\n"
        "NAME = 'a: int'\n\n"
        "@dataclass(frozen=True)\n"
        "class Some:\n"
        " one: 0\n"
        " two: 0 = field(default=2)\n"
        " three: ClassVar[int] = 3\n\n"
        " def method(self, é, *more, key = None):\n"
        "  text = '''\n        indented: int\n'''\n"
        "  later: int\n"
        "  return cast('Some', text)\n"
    )


def test_an_import_for_annotations_goes_and_every_other_stays() -> None:
    source = (
        "from __future__ import annotations\n"
        "from a import (\n    one,\n    Two,\n)\n"
        "from b import Three, four as five\n"
        "from c import Shown\n"
        "import d\n"
        "if TYPE_CHECKING:\n    from e import Six\n"
        "__all__ = ['Shown']\n"
        "def f(two: Two, three: Three) -> Six:\n    return one(five)\n"
    )
    assert compact(source) == (
        "from __future__ import annotations\n"
        "from a import one\n\n\n\n"
        "from b import four as five\n"
        "from c import Shown\n"
        "import d\n"
        "\n\n"
        "__all__ = ['Shown']\n"
        "def f(two, three):\n return one(five)\n"
    )


def test_an_annotation_that_is_evaluated_keeps_its_import() -> None:
    source = "from a import (\n    Two,\n)\ndef f(two: Two[\n    int]):\n    return 1\n"
    assert compact(source) == "from a import (\n Two,\n)\ndef f(two: Two[\n int]):\n return 1\n"


def bound(source: str) -> set[str]:
    """The names that the module has once it is loaded."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_whatever_another_module_takes_is_still_there() -> None:
    packed = {path.relative_to(ROOT): compact(path.read_text(encoding="utf-8")) for path in MODULES}
    there = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): bound(source)
        for path, source in packed.items()
    }
    missing = []
    for path, source in packed.items():
        modules = {}
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.ImportFrom) or node.module not in there:
                continue
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in there:
                    modules[alias.asname or alias.name] = there[whole]
                elif alias.name not in there[node.module]:
                    missing.append(f"{path}: {whole}")
        missing += [
            f"{path}: {ast.unparse(node)}"
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules
            and not node.attr.startswith("__")
            and node.attr not in modules[node.value.id]
        ]
    assert missing == []
