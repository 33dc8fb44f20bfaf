"""Shell commands with the class that each has; the table is written by hand and not made from the program."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.command import read_command

TABLE = Path(__file__).with_name("commands.txt")


def cases() -> list[tuple[str, str]]:
    found, tool_class = [], ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            tool_class = line[3:]
        elif line and tool_class:
            found.append((tool_class, line))
    return found


CASES = cases()


def test_there_are_more_than_300_commands_each_once() -> None:
    assert len(CASES) > 300
    assert [line for line, times in Counter(line for _, line in CASES).items() if times > 1] == []
    assert {name for name, _ in CASES} <= {found.word for found in ToolClass}


@pytest.mark.parametrize(("expected", "line"), CASES, ids=[line[:60] for _, line in CASES])
def test_golden(expected: str, line: str) -> None:
    reading = read_command(line.replace("⏎", "\n"))
    assert reading.tool_class.word == expected, [(part.tool_class.word, part.what) for part in reading.parts]
