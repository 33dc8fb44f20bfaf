"""Sources without comments and docstrings, line for line: what keeps the .pyz under its size limit.

Line numbers stay, so a traceback of the .pyz points into the source at the commit that `--version` names.
"""

from __future__ import annotations

import ast
import io
import tokenize
from typing import Iterator, Union

_Documented = Union[ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef]


def slim(source: str) -> str:
    """`source` with the same statements on the same lines; ValueError should that ever not be so."""
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    for owner, docstring in _docstrings(ast.parse(source)):
        first, last = docstring.lineno - 1, int(docstring.end_lineno or 0) - 1
        # A docstring on the line of its `def` stays. Columns of `ast` count bytes.
        after = lines[last].encode()[docstring.end_col_offset :]
        if lines[first][: docstring.col_offset].strip() or after.strip():
            continue
        indentation = lines[first][: docstring.col_offset]
        lines[first : last + 1] = [""] * (last - first + 1)
        if isinstance(owner, ast.ClassDef):
            # A dataclass without a docstring makes one from its signature, at every start.
            lines[first] = f'{indentation}"."'
        elif len(owner.body) == 1 and not isinstance(owner, ast.Module):
            lines[first] = f"{indentation}pass"
    result = "\n".join(lines)
    if _statements(result) != _statements(source):
        raise ValueError("leaving out comments and docstrings changed a statement")
    return result


def _docstrings(tree: ast.Module) -> Iterator[tuple[_Documented, ast.Expr]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            for first in node.body[:1]:
                if isinstance(first, ast.Expr) and ast.get_docstring(node, clean=False) is not None:
                    yield node, first


def _statements(source: str) -> str:
    """Every statement with its line, docstrings left out."""
    tree = ast.parse(source)
    for owner, docstring in list(_docstrings(tree)):
        owner.body.remove(docstring)
        if not owner.body and not isinstance(owner, ast.Module):
            owner.body.append(ast.Pass(lineno=docstring.lineno, col_offset=docstring.col_offset))
    for node in ast.walk(tree):
        vars(node).pop("end_lineno", None)
        vars(node).pop("end_col_offset", None)
    return ast.dump(tree, include_attributes=True)
