"""Texts as a coding agent sends them, with what is in them: each file in tests/golden/content.

A file is a sentence, `<<< text` and the text, `<<< found` and one `kind: count` a line, sorted. In the text
`‖` is nothing: it keeps made-up credentials from looking like real ones to who scans this repository.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sovereigncode.content import Verdicts, check, judge

FOLDER = Path(__file__).resolve().parent / "content"
CASES = sorted(FOLDER.glob("*.txt"))


def read(path: Path) -> tuple[str, dict[str, int]]:
    sections = re.split(r"^<<< (text|found)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sections[1::2] == ["text", "found"], path
    found = dict(line.split(": ") for line in sections[4].splitlines())
    return sections[2].replace("‖", ""), {kind: int(count) for kind, count in found.items()}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_in_a_text(path: Path) -> None:
    text, found = read(path)
    assert judge(text).names == found


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_same_in_the_arguments_of_a_tool_call(path: Path) -> None:
    text, found = read(path)
    call = {"type": "function", "function": {"name": "write", "arguments": json.dumps({"content": text})}}
    payload = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    assert check(payload, Verdicts(bytes(32))).findings.names == found


def test_the_cases_were_found() -> None:
    assert len(CASES) >= 14
