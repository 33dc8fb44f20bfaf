"""Every kind of refusal that the program raises is in its table: one code, one exit status."""

from __future__ import annotations

import ast
from typing import Iterator

from foundation.transaction import Role
from gonkagate_setup.errors import CODES, KINDS
from tests.support.sources import MODULES, ROOT

STEPS = ("backup", "write")

# Where the kind is made at run time, and every one that can come out.
COMPUTED = {
    "foundation/signals.py": {"cancelled", "hung_up", "terminated"},
    "foundation/terminal/prompts.py": {"model_selection_required", "scope_selection_required"},
    "foundation/transaction/transaction.py": {role.failure(step) for role in Role for step in STEPS},
    "gonkagate_setup/commands/targets.py": {role.failure("write") for role in Role},
}


def raised() -> Iterator[tuple[str, ast.expr]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
                yield path.relative_to(ROOT).as_posix(), node.args[0]


def test_every_kind_is_in_the_table() -> None:
    literal = [(path, node.value) for path, node in raised() if isinstance(node, ast.Constant)]
    assert len(literal) > 60
    assert [(path, kind) for path, kind in literal if kind not in KINDS] == []
    assert {path for path, node in raised() if not isinstance(node, ast.Constant)} == set(COMPUTED)
    assert set().union(*COMPUTED.values()) <= set(KINDS)


def test_every_code_has_one_status() -> None:
    assert {code for code, _ in KINDS.values()} == set(CODES)
    assert all(CODES[code] is status for code, status in KINDS.values())
