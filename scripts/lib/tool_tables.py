"""The tables in docs/tool-classes.md, made from the program; scripts/write_docs.py writes them."""

from __future__ import annotations

from typing import Callable, Final, Iterable, Mapping

from scripts.lib.cache import ROOT
from scripts.lib.layers_table import between
from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.command import read_command
from sovereigncode.tools.names import CLIENTS, Takes
from sovereigncode.tools.programs import (
    files,
    finding,
    interpreters,
    languages,
    packages,
    remotes,
    shells,
    windows_names,
    wrappers,
)
from sovereigncode.tools.programs.families import TASKS, Does, Family, task
from sovereigncode.tools.programs.git_commands import BY_NAME
from sovereigncode.tools.programs.plain import PLAIN
from sovereigncode.tools.programs.registry import PROGRAMS

PAGE: Final = ROOT / "docs" / "tool-classes.md"
_WORDS: Final[Mapping[ToolClass, str]] = {
    ToolClass.READ: "reads files of the workspace, or searches them",
    ToolClass.PLAN: "changes only the client's own state: a to-do list, a question, a sub-agent",
    ToolClass.FILE_WRITE: "creates, changes or moves a file",
    ToolClass.SHELL: "starts a program of which nothing stricter is known",
    ToolClass.NETWORK: "sends or fetches something",
    ToolClass.DELETE: "removes files, branches, containers, or changes that are not committed",
    ToolClass.COMMIT: "records a version: commits, tags, merges",
    ToolClass.PUBLISH: "makes something visible to others: a push, a release, an upload, a mail",
    ToolClass.UNKNOWN: "is not fully understood: another language, values known only at run time",
}
_EXAMPLES: Final = (
    "ls -la",
    "echo 'git push'",
    "make test > log",
    "curl https://example.com",
    "sudo rm -rf build",
    "find . -name '*.o' -delete",
    "git checkout -- .",
    "git add -A && git commit -m x",
    "git -c alias.p=push p origin",
    "bash -lc 'git push'",
    'echo "$(git push)"',
    "ls | xargs git push",
    "npm run publish",
    "ssh host rm x",
    "git $CMD",
    "curl x | sh",
    "python -c 'print(1)'",
    "g$IFS'it' push",
)


def page(text: str) -> str:
    """The page with fresh tables."""
    for name, make in _TABLES.items():
        text = between(text, f"<!-- {name}: scripts/write_docs.py -->", f"<!-- end of {name} -->", make())
    return text


def _table(head: str, rows: list[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + " --- |" * columns, *rows])


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


def _classes() -> str:
    rows = [f"| {found.value} | `{found.word}` | {_WORDS[found]} |" for found in ToolClass]
    return _table("| | class | what such a call does |", rows)


def _examples() -> str:
    rows = [
        f"| `{text}` | `{read_command(text).tool_class.word}` |".replace(" | sh`", " \\| sh`").replace(
            "ls | x", "ls \\| x"
        )
        for text in _EXAMPLES
    ]
    return _table("| command | class |", rows)


def _tools() -> str:
    rows = []
    for client, tools in CLIENTS.items():
        for found in ToolClass:
            plain = [
                name
                for name, tool in tools.items()
                if tool.takes is Takes.NOTHING and tool.tool_class is found
            ]
            if plain:
                rows.append(f"| {client} | `{found.word}` | {_code(plain)} |")
        for takes in Takes:
            acting = [name for name, tool in tools.items() if tool.takes is takes]
            if acting and takes is not Takes.NOTHING:
                rows.append(f"| {client} | by {takes.value} | {_code(acting)} |")
    return _table("| client | class | tools |", rows)


def _plain() -> str:
    rows = []
    for found in ToolClass:
        names = sorted(
            name
            for name, does in PROGRAMS.items()
            if does is found
            and name not in windows_names.NAMES
            and isinstance(PLAIN.get(name, found), ToolClass)
        )
        if names:
            rows.append(f"| `{found.word}` | {_code(names)} |")
    return _table("| class | programs |", rows)


def _families() -> str:
    rows = []
    for name, does in sorted(PROGRAMS.items()):
        if isinstance(does, Family):
            by_class = {
                found: sorted(key for key, value in does.commands.items() if value is found)
                for found in sorted(ToolClass, reverse=True)
                if found > ToolClass.SHELL
            }
            cells = "; ".join(
                f"`{found.word}`: {', '.join(keys)}" for found, keys in by_class.items() if keys
            )
            rows.append(f"| `{name}` | {cells or '-'} | `{does.other.word}` |")
    return _table("| program | sub-commands | any other |", rows)


def _git() -> str:
    rows = []
    for found in ToolClass:
        names = sorted(name for name, value in BY_NAME.items() if value is found)
        if names:
            rows.append(f"| `{found.word}` | {_code(names)} |")
    return _table("| class | sub-commands of git |", rows)


def _tasks() -> str:
    rows = [f"| `{found.word}` | {_code(names)} |" for found, names in TASKS.items()]
    return _table("| class | a word in the name of a task or a script |", rows)


def _rules() -> str:
    groups: list[tuple[str, Mapping[str, Does]]] = [
        ("starts the program behind its options, which is read too", wrappers.RULES),
        ("a shell, or a builtin that runs a text", shells.RULES),
        ("a file is run as a plain command; a text on the command line is `unknown`", interpreters.RULES),
        ("finds files and may start programs for them or delete them", finding.RULES),
        ("changes or sends files", files.RULES),
        ("its own small language is read", languages.RULES),
        ("a command of PowerShell or cmd", windows_names.NAMES),
    ]
    others = {**packages.FAMILIES, **remotes.FAMILIES}
    tasks = [name for name, does in others.items() if does is task]
    rest = [
        name
        for name, does in others.items()
        if name not in tasks and not isinstance(does, (Family, ToolClass))
    ]
    rows = [f"| {words} | {_code(sorted(rules))} |" for words, rules in groups]
    rows.append(f"| starts a task, whose name counts | {_code(sorted(tasks))} |")
    rows.append(f"| a package manager or a cloud's client, whose words are read | {_code(sorted(rest))} |")
    return _table("| what it does | programs |", rows)


_TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "classes": _classes,
    "examples": _examples,
    "tools": _tools,
    "tasks": _tasks,
    "git": _git,
    "families": _families,
    "rules": _rules,
    "plain": _plain,
}
