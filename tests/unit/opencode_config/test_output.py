"""What is kept of a resolved config, and that nothing else is judged."""

from __future__ import annotations

import ast
from typing import Any, Iterator

import pytest

from opencode_config import availability
from opencode_config.judged_keys import ENTRIES, ENTRY_KEYS, JUDGED_KEYS, key_path
from opencode_config.output import answer_of
from tests.support.sources import ROOT

JUDGEMENT = sorted((ROOT / "gonkagate_setup" / "judgement").rglob("*.py"))
# What these names hold in the judgement: a resolved config, and an agent or a command of it.
HELD = {"config": JUDGED_KEYS, "entry": ENTRY_KEYS}


@pytest.mark.parametrize("key", JUDGED_KEYS)
def test_every_judged_key_is_kept(key: str) -> None:
    value: Any = ["a"]
    if key in ENTRIES:
        value = {"a": dict.fromkeys(ENTRY_KEYS, True)}
    elif key == "provider":
        value = {"p": {"name": "P"}}
    assert answer_of({key: value}, "p").config == {key: value}


def test_everything_else_is_forgotten() -> None:
    config = {
        "model": "p/m",
        "mcp": {"secret": "x"},
        "agent": {"a": {"model": "p/m", "prompt": "x"}, "b": "x"},
        "command": "x",
        "provider": {
            "p": {"options": {"apiKey": "x", "baseURL": "u"}},
            "other": {"options": {"apiKey": "x"}},
        },
    }
    answer = answer_of(config, "p")
    assert answer.config == {
        "model": "p/m",
        "agent": {"a": {"model": "p/m"}},
        "provider": {"p": {"options": {"baseURL": "u"}}},
    }
    assert answer.key is not None
    assert len(answer.key) == 64
    assert answer_of({"provider": {"p": {"options": {}}}}, "p").key is None
    assert key_path("p") == ("provider", "p", "options", "apiKey")


def test_the_judgement_reads_no_other_key() -> None:
    wrong, seen = [], set()
    for path in (*JUDGEMENT, ROOT / availability.__name__.replace(".", "/")):
        tree = ast.parse(path.with_suffix(".py").read_text(encoding="utf-8"))
        for line, name, key in read_keys(tree):
            seen.add(key)
            if key not in HELD[name]:
                wrong.append(f"{path.name}:{line} reads {key} of a {name}")
    assert wrong == []
    assert seen >= {"enabled_providers", "default_agent", "disable", "provider", "agent"}


def read_keys(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, name and key wherever a constant key is read, by `get`, `[]`, `in` or `lookup`."""
    for node in ast.walk(tree):
        owner: ast.expr | None = None
        key: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            owner, key = node.func.value, node.args[0]
        elif isinstance(node, ast.Subscript):
            owner, key = node.value, node.slice
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            owner, key = node.comparators[0], node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lookup":
            owner, key = node.args[0], node.args[1]
            key = key.elts[0] if isinstance(key, ast.Tuple) else None
        if isinstance(owner, ast.Attribute) and owner.attr == "config":
            owner = ast.Name("config")
        if isinstance(owner, ast.Name) and owner.id in HELD and isinstance(key, ast.Constant):
            yield key.lineno, owner.id, str(key.value)
