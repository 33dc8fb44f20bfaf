"""The sources of the .pyz are those of the checkout without comments and docstrings, on the same lines."""

from __future__ import annotations

from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from scripts.building.slim import slim
from tests.support.sources import ROOT
from tests.support.sources import SETUP as MODULES


def meaning(source: str) -> list[Any]:
    """What the compiler makes of it, by its own way of leaving docstrings out."""
    found = []
    waiting = [compile(source, "x", "exec", optimize=2)]
    while waiting:
        code = waiting.pop()
        inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        plain = [repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType)]
        found.append((code.co_name, code.co_names, code.co_varnames, code.co_firstlineno, plain))
        waiting += inner
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_means_the_same_without(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    packed = slim(source)
    assert meaning(packed) == meaning(source)
    assert packed.count("\n") == source.count("\n")
    assert '"""' not in packed.split("import ", 1)[0]


def test_only_comments_and_docstrings_go() -> None:
    source = (
        '"""Module — ünïcode.\n\nMore."""\n\nNAME = "# not a comment"  # a comment\n'
        'class Empty(Exception):\n    """Only this — é."""\n\n'
        'def one(): "on the line of its def"\n\n'
        "def two():\n    '''First.'''\n"
        "    text = '''\n# inside a string\n'''\n    'no docstring'\n    return text\n"
    )
    assert slim(source) == (
        '\n\n\n\nNAME = "# not a comment"\n'
        'class Empty(Exception):\n    "."\n\n'
        'def one(): "on the line of its def"\n\n'
        "def two():\n\n    text = '''\n# inside a string\n'''\n    'no docstring'\n    return text\n"
    )
