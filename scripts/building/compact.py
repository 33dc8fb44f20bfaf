"""Sources without the annotations that nothing reads, and with one blank a level: a tenth off the .pyz.

Only what a type checker reads is removed: annotations, and the imports that only they need. In classes they
make the fields of dataclasses and named tuples, so a `0` is left of each there (nothing in the package reads
what it says). Lines stay where they are, columns do not.
"""

from __future__ import annotations

import ast
import io
import tokenize
from typing import Iterator, List, Tuple

# Row (from 0), the bytes from where to where something is left out, and what takes its place.
_Cut = Tuple[int, int, int, bytes]  # noqa: UP006  # evaluated, and Python 3.9 is the oldest
# dataclasses read these words in an annotation.
_READ = ("ClassVar", "InitVar", "KW_ONLY")


def compact(source: str) -> str:
    """`source` with the same statements on the same lines; ValueError should that ever not be so."""
    lines = [line.encode() for line in source.split("\n")]
    for row, start, end, instead in sorted(_annotations(ast.parse(source), lines), reverse=True):
        lines[row] = lines[row][:start] + instead + lines[row][end:]
    bare = b"\n".join(lines).decode()
    result = _dedented(_without_unused(bare))
    if _statements(result) != _statements(source):
        raise ValueError("leaving out annotations and blanks changed a statement")
    return result


def _annotations(tree: ast.Module, lines: List[bytes]) -> Iterator[_Cut]:  # noqa: UP006
    in_classes = {
        id(inner) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for inner in node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            row, column = node.returns.lineno - 1, node.returns.col_offset
            arrow = lines[row].rfind(b"->", 0, column)
            if arrow >= 0 and node.returns.end_lineno == node.returns.lineno:
                start = len(lines[row][:arrow].rstrip())
                yield row, start, int(node.returns.end_col_offset or 0), b""
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield from _behind(node.lineno, node.col_offset + len(node.arg.encode()), node.annotation)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            said, column = node.annotation, int(node.target.end_col_offset or 0)
            if id(node) in in_classes:
                if not any(word in ast.dump(said) for word in _READ):
                    yield from _behind(node.lineno, said.col_offset, said, b"0")
            elif node.value is not None:
                yield from _behind(node.lineno, column, said)


def _behind(line: int, column: int, annotation: ast.expr, instead: bytes = b"") -> Iterator[_Cut]:
    """From the column to the end of the annotation, where both are on one line."""
    if line == annotation.lineno == annotation.end_lineno:
        yield line - 1, column, int(annotation.end_col_offset or 0), instead


def _without_unused(source: str) -> str:
    """No name is imported at the top that nothing needs at run time: only annotations did."""
    tree = ast.parse(source)
    lines = source.split("\n")
    for node in tree.body:
        if _for_types(node):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (int(node.end_lineno or 0) - node.lineno + 1)
    tree = ast.parse("\n".join(lines))
    used = _names(tree).union(word for word in _READ if word in source)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module not in (None, "__future__") and not node.level:
            needed = [name for name in node.names if (name.asname or name.name) in used]
            if len(needed) < len(node.names):
                said = ", ".join(n.name + (f" as {n.asname}" if n.asname else "") for n in needed)
                kept = f"from {node.module} import {said}" if needed else ""
                count = int(node.end_lineno or 0) - node.lineno
                lines[node.lineno - 1 : node.end_lineno] = [kept, *[""] * count]
    return "\n".join(lines)


def _for_types(node: ast.stmt) -> bool:
    """Whether it is an `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _names(tree: ast.Module) -> set[str]:
    """The names that are looked up when the module runs, or by others (`__all__`); annotations are not."""
    waiting: list[ast.AST] = [tree]
    # Without it, what was too long for one line is still there and evaluated.
    postponed = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    found = {
        value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for value in ast.walk(node.value)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        unread = getattr(node, "annotation", None) if postponed else None
        waiting += [one for one in ast.iter_child_nodes(node) if one is not unread]
    return found


def _dedented(source: str) -> str:
    """One blank for each four at the beginning of a line; a line within a string stays as it is."""
    lines = source.split("\n")
    inside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        inside.update(range(token.start[0], token.end[0]))
    for row, line in enumerate(lines):
        if row not in inside:
            bare = line.lstrip(" ")
            lines[row] = " " * ((len(line) - len(bare) + 3) // 4) + bare
    return "\n".join(lines)


class _Bare(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for inner in node.body:
            if isinstance(inner, ast.AnnAssign):
                inner.annotation = ast.Constant(0)
            else:
                self.visit(inner)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None or not isinstance(node.target, ast.Name):
            return node
        return ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)


def _statements(source: str) -> str:
    """Every statement with its line, without those annotations."""
    tree = _Bare().visit(ast.parse(source))
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) and not _for_types(node)]
    for node in ast.walk(tree):
        for name in ("end_lineno", "col_offset", "end_col_offset"):
            vars(node).pop(name, None)
    return ast.dump(tree, include_attributes=True)
