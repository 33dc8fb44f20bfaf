"""tree-sitter-bash, a grammar of somebody else, finds the same programs in a script."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import Any, Iterator

import pytest

from sovereigncode.tools.shell.lists import RESERVED
from sovereigncode.tools.shell.reader import read_script
from sovereigncode.tools.shell.syntax import (
    Command,
    Compound,
    Kind,
    NotUnderstoodError,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Word,
)
from tests.support.shell_scripts import heap, script

WHY = "tree-sitter and tree-sitter-bash are not installed"
tree_sitter = pytest.importorskip("tree_sitter", reason=WHY)
tree_sitter_bash = pytest.importorskip("tree_sitter_bash", reason=WHY)
# To tree-sitter-bash these are no commands.
NO_COMMANDS = {"[", "[[", "test"}
KNOWN = {"git", "rm", "curl", "npm", "ls", "cat", "grep", "sh", "bash", "env", "xargs", "exec", "eval"}


def plain(name: str) -> str:
    """The name without quotation marks and joined lines."""
    return re.sub(r"\\\n|['\"\\]", "", name)


def theirs(text: str) -> Counter[str] | None:
    """The programs in the order of nothing; None if tree-sitter-bash repairs the text."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
    root = parser.parse(text.encode()).root_node
    if root.has_error:
        return None
    found: Counter[str] = Counter()
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "command_name":
            found[plain(node.text.decode())] += 1
        waiting += node.children
    return Counter({name: times for name, times in found.items() if is_plain(name)})


def ours(tree: Script) -> Counter[str]:
    return Counter(name for each in programs(tree) if is_plain(name := plain(each)))


def is_plain(name: str) -> bool:
    """Whether the name is known before the script runs."""
    return name not in NO_COMMANDS and not {"$", "\0"} & set(name)


def programs(tree: Script) -> Iterator[str]:
    for step in tree.steps:
        yield from in_command(step.command)


def in_command(command: Command) -> Iterator[str]:
    if isinstance(command, Pipeline):
        for part in command.commands:
            yield from in_command(part)
    elif isinstance(command, Compound):
        yield from in_words(command.words)
        yield from in_redirections(command.redirections)
        for inner in command.scripts:
            # What dash alone would run in [[ ]] is not in the other's tree.
            found = list(programs(inner))
            yield from (found if command.kind is not Kind.TEST else [])
    else:
        yield from in_simple(command)


def in_simple(command: Simple) -> Iterator[str]:
    if command.words:
        yield command.words[0].shape
    yield from in_words(command.words)
    for assignment in command.assignments:
        yield from in_words(assignment.values)
    yield from in_redirections(command.redirections)


def in_redirections(redirections: tuple[Redirection, ...]) -> Iterator[str]:
    for redirection in redirections:
        yield from in_words(
            (redirection.target if redirection.document is None else redirection.document.body,)
        )


def in_words(words: tuple[Word, ...]) -> Iterator[str]:
    for word in words:
        for inner in word.nested:
            yield from programs(inner)


def test_the_same_programs_are_found(figure: Any) -> None:
    random = Random(3)
    compared, wrong = 0, []
    for _ in range(600):
        text = script(random)
        expected = theirs(text)
        # tree-sitter-bash ends a word at a joined line, and takes `fi` for a program after `if !`.
        if expected is None or "\\\n" in text or RESERVED & set(expected):
            continue
        compared += 1
        found = ours(read_script(text))
        if found != expected:
            wrong.append((text, found, expected))
    figure("scripts whose programs tree-sitter-bash found too", compared, "")
    assert compared > 200
    assert wrong == []


def test_tokens_at_random_are_not_read_where_the_other_finds_more(figure: Any) -> None:
    random = Random(4)
    compared, wrong = 0, []
    for _ in range(20_000):
        text = heap(random)
        try:
            found = ours(read_script(text))
        except NotUnderstoodError:
            continue
        expected = theirs(text)
        if expected is None or "\\\n" in text:
            continue
        compared += 1
        # Of odd names, such as `]x`, tree-sitter-bash takes other parts for a word than bash does.
        missing = {name for name in expected - found if name in KNOWN}
        if missing:
            wrong.append((text, missing))
    figure("heaps of tokens whose programs tree-sitter-bash found too", compared, "")
    assert wrong == []
