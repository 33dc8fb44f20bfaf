"""What holds for every JSONC document and every edit; conftest.py says for how many."""

from __future__ import annotations

import copy
from typing import Any, Iterable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opencode_config import jsonc
from opencode_config.jsonc import crosscheck
from opencode_config.jsonc.operations import Operation, Remove, Set
from tests.property.jsonc_documents import documents, exchanges, named, operations
from tests.property.jsonc_tokens import Part, Token, Tree

# 20,000 in a deep run.
MOST = settings(max_examples=4 * settings().max_examples)
Generated = tuple[str, dict[str, Any]]


class BlockedError(Exception):
    """Something would have to be set in what is no object, or an earlier one of equal keys would count."""


def expected(value: dict[str, Any], planned: Iterable[Operation], text: str = "{}") -> dict[str, Any]:
    """What the operations mean, said with plain dictionaries; the text says which keys stand twice."""
    value = copy.deepcopy(value)
    tree = Tree(text)
    for operation in planned:
        *above, last = operation.path
        here: Any = value
        for key in above:
            if isinstance(operation, Set):
                here = here.setdefault(key, {})
                if not isinstance(here, dict):
                    raise BlockedError
            else:
                here = here.get(key) if isinstance(here, dict) else None
        if isinstance(operation, Set):
            here[last] = copy.deepcopy(operation.value)
        elif isinstance(here, dict) and last in here:
            if not operation.every and tree.count(operation.path) > 1:
                raise BlockedError
            del here[last]
    return value


def equal(one: Any, two: Any) -> bool:
    """Equal as JavaScript has it: numbers are doubles, and 1 is not true as it is in Python."""
    if isinstance(one, str) and isinstance(two, str):
        return str(one) == str(two) and (type(one) is str) == (type(two) is str)
    if isinstance(one, dict) and isinstance(two, dict):
        one, two = ({(str(key), type(key) is str): item for key, item in each.items()} for each in (one, two))
        return one.keys() == two.keys() and all(equal(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(equal, one, two))
    if isinstance(one, (int, float)) and isinstance(two, (int, float)):
        return isinstance(one, bool) == isinstance(two, bool) and float(one) == float(two)
    return bool(one == two)


class Named:
    """Which tokens of a text the operations name: these may vanish, everything else has to stay."""

    def __init__(self, tree: Tree, planned: Iterable[Operation]) -> None:
        self.tree = tree
        self.removed: set[int] = set()
        self.replaced: set[int] = set()
        self.edited: list[Part] = []
        for operation in planned:
            parent = self._deepest(operation.path[:-1])
            present = self.tree.find(operation.path)
            if isinstance(operation, Set):
                if present is None:
                    self.edited.append(parent)
                elif not equal(present.value, operation.value):
                    self.replaced.update(range(present.first, present.last + 1))
            elif present is not None:
                self.edited.append(parent)
                for part in parent.parts:
                    if part is present or (operation.every and part.key == operation.path[-1]):
                        self.removed.update(range(part.lead, part.last + 1))
                        self.removed.update(tree.own_comments(part))

    def _deepest(self, path: tuple[str, ...]) -> Part:
        part = self.tree.root
        for key in path:
            below = part.effective(key)
            if below is None:
                break
            part = below
        return part

    def _separators(self) -> set[int]:
        """The blanks and commas right inside the containers that gain or lose something."""
        free: set[int] = set()
        for container in self.edited:
            inside = set(range(container.first + 1, container.last))
            for part in container.parts:
                inside -= set(range(part.first, part.last + 1))
            free |= {index for index in inside if self.tree.tokens[index].kind in ("blank", "comma")}
        return free

    def survivors(self) -> list[Token]:
        gone = self.removed | self.replaced | self._separators()
        return [token for index, token in enumerate(self.tree.tokens) if index not in gone]

    def words_left(self) -> list[str]:
        """What has to be left when nothing is set, blanks and commas aside."""
        return [
            token.text
            for index, token in enumerate(self.tree.tokens)
            if index not in self.removed and token.kind not in ("blank", "comma")
        ]


def in_order(wanted: Iterable[Token], found: Iterable[Token]) -> Token | None:
    """The first wanted token that is not found behind the ones before it."""
    rest = iter(found)
    for token in wanted:
        if token not in rest:
            return token
    return None


def apply(text: str, planned: list[Operation]) -> jsonc.Document:
    return jsonc.apply(jsonc.parse(text), planned)


@MOST
@given(documents())
def test_the_value_is_the_documents(generated: Generated) -> None:
    text, value = generated
    document = jsonc.parse(text)
    assert equal(document.value, value)
    assert equal(Tree(text).root.value, value)
    assert "".join(token.text for token in Tree(text).tokens) == text


@MOST
@given(st.data(), documents())
def test_an_edit_does_what_it_says_and_nothing_else(data: st.DataObject, generated: Generated) -> None:
    text, value = generated
    planned = data.draw(operations(value))
    try:
        wanted = expected(value, planned, text)
    except BlockedError:
        with pytest.raises(jsonc.JsoncError):
            apply(text, planned)
        return
    edited = apply(text, planned)
    assert equal(edited.value, wanted)
    assert equal(Tree(edited.text).root.value, wanted)
    tree = Tree(text)
    names = Named(tree, planned)
    after = Tree(edited.text).tokens
    assert in_order(names.survivors(), after) is None
    if all(isinstance(operation, Remove) for operation in planned):
        assert [token.text for token in after if token.kind not in ("blank", "comma")] == names.words_left()
    if equal(value, wanted):
        assert edited.text == text


@MOST
@given(st.data(), documents())
def test_a_second_time_changes_nothing(data: st.DataObject, generated: Generated) -> None:
    text, value = generated
    planned = data.draw(operations(value))
    try:
        once = expected(value, planned, text)
        # Operations may undo one another: then the value itself changes once more.
        assume(equal(once, expected(once, planned, text)))
    except BlockedError:
        assume(False)
    edited = apply(text, planned)
    assert jsonc.apply(edited, planned) is edited
    again = apply(edited.text, planned)
    assert again.text == edited.text


@MOST
@given(st.data(), documents())
def test_comments_stay_where_everything_in_an_object_changes(
    data: st.DataObject, generated: Generated
) -> None:
    text, value = generated
    planned = data.draw(exchanges(value))
    assume(planned)
    edited = apply(text, planned)
    assert equal(edited.value, expected(value, planned, text))
    names = Named(Tree(text), planned)
    assert in_order(names.survivors(), Tree(edited.text).tokens) is None


@MOST
@given(st.data(), documents())
def test_setting_and_removing_a_new_key_gives_the_same_bytes(
    data: st.DataObject, generated: Generated
) -> None:
    text, value = generated
    tree = Tree(text)
    objects = [path for path in paths(value) if isinstance(at(value, path), dict)]
    path = data.draw(st.sampled_from(objects))
    part = tree.find(path)
    assert part is not None
    # docs/lossless.md names these: blanks alone in an object do not come back.
    inside = tree.tokens[part.first + 1 : part.last]
    if all(token.kind == "blank" for token in inside):
        assume(not any(token.breaks_line for token in inside) and (path != () or not inside))
    key = data.draw(st.text(max_size=3).filter(lambda key: key not in at(value, path) and key != "__proto__"))
    assume(part.effective(key) is None)
    new = data.draw(st.sampled_from([1, "x", {}, [], {"a": {"b": [1, {"c": None}]}}, ["x", "y"], [{}]]))
    there = apply(text, [Set((*path, key), new)])
    assert there.text != text
    back = jsonc.apply(there, [Remove((*path, key))])
    assert back.text == text


@given(st.data(), documents())
def test_the_second_reader_agrees(data: st.DataObject, generated: Generated) -> None:
    text, value = generated
    planned = data.draw(operations(value))
    try:
        expected(value, planned, text)
    except BlockedError:
        assume(False)
    edited = apply(text, planned)
    crosscheck.check_edit(text, edited.text, planned)


@given(st.data(), documents())
def test_the_second_reader_sees_anything_else(data: st.DataObject, generated: Generated) -> None:
    text, value = generated
    planned = data.draw(operations(value))
    slipped = data.draw(operations(value, most=1))
    try:
        wanted, other = expected(value, planned, text), expected(value, [*planned, *slipped], text)
    except BlockedError:
        assume(False)
    assume(not equal(wanted, other))
    edited = apply(text, [*planned, *slipped])
    try:
        crosscheck.check_edit(text, edited.text, planned)
    except crosscheck.SafeMergeError:
        return
    raise AssertionError("an edit that was not planned got through")


@given(st.data(), documents())
def test_new_text_looks_like_the_old(data: st.DataObject, generated: Generated) -> None:
    text, value = generated
    planned = data.draw(operations(value))
    try:
        expected(value, planned, text)
    except BlockedError:
        assume(False)
    edited = apply(text, planned).text
    assert edited.startswith("\ufeff") == text.startswith("\ufeff")
    tree, after = Tree(text), Tree(edited)
    assert tree.tokens[: tree.root.first] == after.tokens[: after.root.first]
    assert tree.tokens[tree.root.last + 1 :] == after.tokens[after.root.last + 1 :]
    if line_ends(text):
        assert line_ends(edited) <= line_ends(text)


def line_ends(text: str) -> set[str]:
    without = text.replace("\r\n", "")
    return {end for end in ("\r", "\n") if end in without} | ({"\r\n"} if "\r\n" in text else set())


def paths(value: Any) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    if isinstance(value, dict):
        for key in named(value):
            found += [(key, *path) for path in paths(value[key])]
    return found


def at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
