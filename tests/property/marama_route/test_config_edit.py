"""A key is added to any configuration, or removed, and every other character stays where it was.

The texts are written here, in every style that people use. Oracles: the old text is a subsequence of the new
one, and PyYAML's own loader, which the program does not use, reads what was meant.
"""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from marama_route.config_edit import NotEditableError, with_key, without_key
from marama_route.core import config
from marama_route.core.keys import Key, Role

NEW = Key("sha256:" + "f" * 64, Role.APPROVER)


def hash_of(number: int) -> str:
    return f"sha256:{number:064x}"


@st.composite
def quoted(draw: st.DrawFn, text: str) -> str:
    return draw(st.sampled_from([text, f'"{text}"', f"'{text}'"]))


@st.composite
def comment(draw: st.DrawFn) -> str:
    """Behind something on a line, or nothing."""
    words = draw(st.text(st.sampled_from("ab \t#:{}[],-'\"é"), max_size=6))
    return draw(st.sampled_from(["", "", f" # {words}", f" #\t{words}", "   "]))


@st.composite
def between(draw: st.DrawFn) -> list[str]:
    """Lines between two entries."""
    return draw(st.lists(st.sampled_from(["", "  ", "# note", "        # far\tright", "#"]), max_size=2))


@st.composite
def flow_key(draw: st.DrawFn, number: int) -> str:
    parts = [f"hash: {draw(quoted(hash_of(number)))}"]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, 1)), "role: client")
    pad = draw(st.sampled_from(["", " "]))
    return f"{{{pad}{', '.join(parts)}{pad}}}"


@st.composite
def flow_keys(draw: st.DrawFn, numbers: list[int], indent: str) -> list[str]:
    """`[…]` on one line, or on several; the first line has no indentation of its own."""
    items = [draw(flow_key(number)) for number in numbers]
    one_line: bool = draw(st.booleans())
    trailing = draw(st.sampled_from(["", ","])) if items else ""
    if one_line or not items:
        pad = draw(st.sampled_from(["", " "]))
        return [f"[{pad}{', '.join(items)}{trailing}{pad}]{draw(comment())}"]
    lines = [f"[{draw(comment())}"]
    for index, item in enumerate(items):
        last = index == len(items) - 1
        lines.append(f"{indent}  {item}{trailing if last else ','}{draw(comment())}")
        lines += draw(between())
    return [*lines, f"{indent}]{draw(comment())}"]


@st.composite
def block_keys(draw: st.DrawFn, numbers: list[int], indent: str) -> list[str]:
    dash = indent + draw(st.sampled_from(["", " ", "  ", "    "]))
    lines = []
    for number in numbers:
        if draw(st.booleans()):
            lines.append(f"{dash}- {draw(flow_key(number))}{draw(comment())}")
        else:
            lines.append(f"{dash}-  hash: {draw(quoted(hash_of(number)))}{draw(comment())}")
            lines += [one for one in draw(between()) if one.lstrip().startswith("#")]
            lines.append(f"{dash}   role: {draw(st.sampled_from(['client', 'approver']))}{draw(comment())}")
        lines += draw(between())
    return lines


@st.composite
def tenant(draw: st.DrawFn, name: str, numbers: list[int] | None, indent: str) -> list[str]:
    """A tenant as an item of a block list; None: it has no keys."""
    fields: list[list[str]] = [[f"id: {draw(quoted(name))}"]]
    if draw(st.booleans()):
        fields.append(["purpose: support"])
    style: str = draw(st.sampled_from(["flow", "block"]))
    if style == "flow":
        if numbers is not None:
            keys = ", ".join([draw(flow_key(number)) for number in numbers])
            fields.append([f"keys: [{keys}]"])
        order = draw(st.permutations(fields))
        end = draw(st.sampled_from(["", " ", ","]))
        return [f"{indent}- {{{', '.join(field[0] for field in order)}{end}}}{draw(comment())}"]
    inner = f"{indent}  "
    fields = [[f"{field[0]}{draw(comment())}"] for field in fields]
    if numbers is not None:
        block: bool = draw(st.booleans())
        if numbers and block:
            fields.append([f"keys:{draw(comment())}", *draw(block_keys(numbers, inner))])
        else:
            first, *rest = draw(flow_keys(numbers, inner))
            fields.append([f"keys: {first}", *rest])
    lines: list[str] = []
    for field in draw(st.permutations(fields)):
        lead = f"{indent}- " if not lines else inner
        lines += [f"{lead}{field[0]}", *field[1:], *draw(between())]
    return lines


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, str]:
    """A configuration, and a tenant in it."""
    indent = draw(st.sampled_from(["", " ", "  ", "    "]))
    names = draw(st.lists(st.sampled_from(["local", "acme", "b.c"]), min_size=1, max_size=3, unique=True))
    number = 0
    lines = [f"tenants:{draw(comment())}"]
    for name in names:
        numbers: list[int] | None = None
        if draw(st.booleans()):
            count = draw(st.integers(0, 3))
            numbers = [*range(number, number + count)]
            number += count
        lines += draw(tenant(name, numbers, indent))
        lines += draw(between())
    parts = [lines, [f"version: 1{draw(comment())}"], [f"workspaces: [/a, /b]{draw(comment())}"]]
    made = [line for part in draw(st.permutations(parts)) for line in [*part, *draw(between())]]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = draw(st.sampled_from(["", "\ufeff"])) + end.join(made) + draw(st.sampled_from(["", end]))
    return text.encode(), draw(st.sampled_from(names))


def read(data: bytes) -> Any:
    value = yaml.safe_load(data.decode("utf-8-sig"))
    for one in value["tenants"]:
        one.setdefault("keys", [])
    return value


def is_in(part: str, whole: str) -> bool:
    """Whether `part` is `whole` without some of its characters."""
    left = iter(whole)
    return all(character in left for character in part)


def comments(data: bytes) -> list[str]:
    return [part for line in data.decode().splitlines() if "#" in line for part in [line[line.index("#") :]]]


@given(documents())
def test_a_key_is_added_and_nothing_else_changes(made: tuple[bytes, str]) -> None:
    data, name = made
    assert config.read(data, "c")[1] == ()
    new = with_key(data, name, NEW)
    assert is_in(data.decode(), new.decode())
    assert len(new) - len(data) <= 170
    wanted = copy.deepcopy(read(data))
    owner = next(one for one in wanted["tenants"] if one["id"] == name)
    owner["keys"].append({"hash": NEW.hash, "role": "approver"})
    assert read(new) == wanted
    assert (b"\r\n" in new) == (b"\r\n" in data) or b"\n" not in data
    if b"\r\n" in data:
        assert new.count(b"\r\n") == new.count(b"\n")
    if any(one["id"] == name and one["keys"] for one in read(data)["tenants"]):
        back = without_key(new, NEW.hash)
        assert loose(back) == loose(data)


def loose(data: bytes) -> bytes:
    """Without blanks and commas: a comma behind the last item may be gone."""
    return data.replace(b" ", b"").replace(b",", b"")


@given(documents(), st.data())
def test_a_key_is_removed_and_nothing_else_changes(made: tuple[bytes, str], data: st.DataObject) -> None:
    old, _ = made
    known = [key["hash"] for one in read(old)["tenants"] for key in one["keys"]]
    if not known:
        return
    gone = data.draw(st.sampled_from(known))
    new = without_key(old, gone)
    wanted = copy.deepcopy(read(old))
    for one in wanted["tenants"]:
        one["keys"] = [key for key in one["keys"] if key["hash"] != gone]
    assert read(new) == wanted
    # Where the last key goes, an empty list comes.
    assert is_in(new.decode().replace(" []", ""), old.decode().replace(" []", ""))
    assert [one.strip() for one in comments(new)] == [one.strip() for one in comments(old)]
    assert gone.encode() not in new


@given(st.binary(max_size=200), st.sampled_from(["local", ""]))
def test_any_bytes_are_refused_or_edited_and_never_a_fault(data: bytes, name: str) -> None:
    if config.read(data, "c")[0] is None:
        return
    try:
        new = with_key(data, name, NEW)
    except (KeyError, NotEditableError):
        return
    assert config.read(new, "c")[1] == ()
