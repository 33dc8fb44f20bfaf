"""Edits as files: each file in tests/golden/jsonc is a sentence, a text before, edits, and the text after.

A section begins with `<<< name, flags`. Flags: `crlf` and `cr` (line ends), `bom`, `no final newline`, and
for `after` `unchanged`. An edit is `set PATH VALUE`, `remove PATH` or `remove every PATH`, all as JSON.
`␍` at the end of a line makes that one line end CR LF.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from opencode_config import jsonc
from opencode_config.jsonc import crosscheck
from opencode_config.jsonc.operations import Operation, Remove, Set

FOLDER = Path(__file__).resolve().parent / "jsonc"
CASES = sorted(FOLDER.glob("*.txt"))
# What jsonc-parser 3.3.1, which most installers use, gets wrong; these cases come first.
FOUR_FAULTS = ("01-", "02-", "03-", "04-", "05-")


@dataclass(frozen=True)
class Case:
    before: str
    operations: tuple[Operation, ...]
    after: str


def read(path: Path) -> Case:
    sections = {}
    for part in re.split(r"^<<< ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        name, *flags = head.split(", ")
        sections[name] = (body, flags)
    assert list(sections) == ["before", "edits", "after"], path
    before = text_of(*sections["before"])
    body, flags = sections["after"]
    after = before if flags == ["unchanged"] else text_of(body, flags)
    return Case(before, tuple(operation(line) for line in sections["edits"][0].splitlines()), after)


def text_of(body: str, flags: list[str]) -> str:
    assert set(flags) <= {"crlf", "cr", "bom", "no final newline"}
    text = body[:-1] if "no final newline" in flags and body else body
    text = text.replace("␍\n", "\r\n")
    if "crlf" in flags:
        text = text.replace("\n", "\r\n")
    if "cr" in flags:
        text = text.replace("\n", "\r")
    return ("\ufeff" if "bom" in flags else "") + text


def operation(line: str) -> Operation:
    word, _, rest = line.partition(" ")
    every = word == "remove" and rest.startswith("every ")
    rest = rest[len("every ") :] if every else rest
    path, end = json.JSONDecoder().raw_decode(rest)
    if word == "remove":
        assert end == len(rest)
        return Remove(tuple(path), every)
    assert word == "set"
    return Set(tuple(path), json.loads(rest[end:]))


def test_there_are_at_least_eighty_and_the_four_faults_come_first() -> None:
    assert len(CASES) >= 80
    assert tuple(path.name[:3] for path in CASES[:5]) == FOUR_FAULTS


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case = read(path)
    edited = jsonc.apply(jsonc.parse(case.before), case.operations)
    assert edited.text == case.after
    assert jsonc.apply(edited, case.operations) is edited
    crosscheck.check_edit(case.before, case.after, case.operations)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_in_many_steps_gives_the_same_value(path: Path) -> None:
    case = read(path)
    document = jsonc.parse(case.before)
    for step in case.operations:
        document = jsonc.apply(document, [step])
    assert document.value == jsonc.parse(case.after).value
