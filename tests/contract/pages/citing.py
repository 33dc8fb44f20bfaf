"""What a comment, a docstring or a document cites, and whether it is there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Iterator, NamedTuple

# Names of papers, and numbers of lists, which are not in this repository.
ELSEWHERE = re.compile(
    r"\b(?:prd|gonkagate-facts|packaging-facts|cases\.md|house\.md|issue \d+)\b"
    r"|(?<![\w/.-])opencode-facts(?!\.md)|\b[KWP]\d{1,2}\b(?!\.\d)"
)
# Also a pattern such as tests/unit/test_jsonc*.py; a test in a file is named behind `::`.
PATH = re.compile(r"(?<![\w/.~>-])((?:\.?[\w*-]+/)*\.?[\w*-]+(?:\.[\w*-]+)*/?)(?:::(\w+))?(?:#([\w-]+))?")
DOTTED = re.compile(r"(?<![\w/.~{-])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?![\w/-]|\.\w)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?)(?: #*)?$", re.MULTILINE)
# Made by the first live proof that is kept.
LATER = {"validation/live/"}
# A key of git's config, keys of opencode's, and a module that stands for any.
OTHERS = {"core.fsmonitor", "options.baseURL", "options.apiKey", "json5.x", "chat.completion"}
# A module of the standard library; a module of the gateway ends in the same two names.
OTHERS |= {"http.client.HTTPException"}
# A key of opencode's config begins with this word, and a module has that name too.
CONFIG_KEYS = {"provider", "permission", "permissions"}
SUFFIXES = (".py", ".sh", ".ps1", ".md", ".yml", ".toml")
FILES = (
    *SUFFIXES,
    ".json",
    ".jsonc",
    ".js",
    ".ts",
    ".svg",
    ".exe",
    ".cmd",
    ".txt",
    ".cfg",
    ".yaml",
    ".pyz",
    ".jsonl",
    ".lock",
)


class Broken(NamedTuple):
    """A citation that leads nowhere."""

    line: int
    citation: str


class Tree:
    """The files of a repository, by their paths in it; `texts` of those that can be cited into."""

    def __init__(self, root: Path, files: list[str]) -> None:
        self.root = root
        self.files = set(files)
        self.folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
        self.top = {folder for folder in self.folders if "/" not in folder} - {"."}
        modules = [PurePosixPath(name) for name in files if name.endswith(".py")]
        # A module may be named by its whole path, or by any end of it.
        self.modules: dict[tuple[str, ...], list[str]] = {}
        for path in modules:
            parts = path.with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            for start in range(len(parts)):
                self.modules.setdefault(parts[start:], []).append(str(path))
        self.packages = {parts for parts, names in self.modules.items() if names[0].endswith("__init__.py")}

    def text(self, name: str) -> str:
        """The text of a file."""
        return (self.root / name).read_text(encoding="utf-8")

    @cache  # noqa: B019 - one tree lives as long as the tests
    def headings(self, name: str) -> frozenset[str]:
        """The anchors of a Markdown page, as GitHub makes them."""
        made: list[str] = []
        for title in HEADING.findall(re.sub(r"^```.*?^```", "", self.text(name), flags=re.M | re.S)):
            words = re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title).lower())
            anchor = words.strip().replace(" ", "-")
            made.append(f"{anchor}-{made.count(anchor)}" if anchor in made else anchor)
        return frozenset(made)

    @cache  # noqa: B019 - as above
    def names(self, module: str) -> frozenset[str]:
        """What a module defines or imports, with members of classes as `Class.member`."""
        return frozenset(_defined(ast.parse(self.text(module)).body, ""))


def _defined(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _defined(node.body, f"{prefix}{node.name}.")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (prefix + (alias.asname or alias.name).split(".")[0] for alias in node.names)
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))
        if isinstance(node, (ast.If, ast.Try)):
            yield from _defined(node.body, prefix)


def prose(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The lines that a person reads: comments and docstrings of a program, all of a document."""
    if not name.endswith(".py"):
        comment = re.compile(r"#(?:\s|!).*") if not name.endswith(".md") else None
        for number, line in enumerate(text.split("\n"), start=1):
            found = comment.search(line) if comment else None
            yield number, line if comment is None else found[0] if found else ""
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not re.match(r"# (?:noqa|type|fmt):", token.string):
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
        ):
            value = node.body[0]
            assert isinstance(value, ast.Expr)
            assert isinstance(value.value, ast.Constant)
            for number, line in enumerate(str(value.value.value).split("\n"), start=value.lineno):
                yield number, line


def broken(tree: Tree, name: str, text: str) -> Iterator[Broken]:
    """Every citation in a file of the tree that leads nowhere."""
    for number, line in prose(name, text):
        for match in ELSEWHERE.finditer(line):
            yield Broken(number, match[0])
        if name.endswith(".md"):
            for target in LINK.findall(line):
                if not re.match(r"[a-z]+:", target) and not _link(tree, name, target):
                    yield Broken(number, target)
            line = LINK.sub("]", line)  # noqa: PLW2901 - the rest of it
        line = re.sub(r"[a-z]+://\S+", "", line)  # noqa: PLW2901 - addresses are of other places
        for match in PATH.finditer(line):
            if _is_ours(tree, match[1]) and not _path(tree, match[1], match[2], match[3]):
                yield Broken(number, match[0])
        for match in DOTTED.finditer(line):
            if _dotted(tree, match[0]) is False:
                yield Broken(number, match[0])


def _link(tree: Tree, page: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    parts: list[str] = []
    for part in (*PurePosixPath(page).parent.parts, *PurePosixPath(path).parts) if path else page.split("/"):
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    found = "/".join(parts)
    if found not in tree.files | tree.folders:
        return False
    return not anchor or (found.endswith(".md") and anchor in tree.headings(found))


def _is_ours(tree: Tree, path: str) -> bool:
    """Whether a path can only mean a file of this repository: all others may be files of users."""
    first, *inner = path.split("/")
    if inner and first in tree.top:
        return path not in LATER
    return path.endswith(".py") or (path.endswith(".md") and not inner and path.strip("*") != ".md")


def _path(tree: Tree, path: str, test: str | None, anchor: str | None) -> bool:
    pattern = re.escape(path.rstrip("/")).replace(r"\*", "[^/]*")
    whole = re.compile(rf"(?:.*/)?{pattern}")
    found = [file for file in tree.files if whole.fullmatch(file)]
    if "/" in path and path.split("/", 1)[0] in tree.top:
        found = [file for file in found if re.fullmatch(pattern, file)]
    if test is not None:
        return any(test in tree.names(file) for file in found if file.endswith(".py"))
    if anchor is not None:
        return any(anchor in tree.headings(file) for file in found if file.endswith(".md"))
    return bool(found) or any(whole.fullmatch(folder) for folder in tree.folders)


def _dotted(tree: Tree, text: str) -> bool | None:
    """Whether `package.module.name` or `module.name` is there; None if no module has that name."""
    parts = tuple(text.split("."))
    if parts[0] in CONFIG_KEYS:
        return None
    if parts[:1] not in tree.modules or text in OTHERS or "." + parts[-1] in FILES:
        return None
    for end in range(len(parts), 0, -1):
        rest = ".".join(parts[end:])
        modules = tree.modules.get(parts[:end], [])
        if any(not rest or rest in tree.names(module) for module in modules):
            return True
    return False
