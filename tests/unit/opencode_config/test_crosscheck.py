"""The second reader lets the planned edit through and nothing else, at any depth, without a crash."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from foundation import background
from opencode_config._vendor import json5
from opencode_config.jsonc import parse
from opencode_config.jsonc.crosscheck import SafeMergeError, check_edit
from opencode_config.jsonc.operations import Operation, Remove, Set

PASSES: list[tuple[str, str, list[Operation]]] = [
    ("", "{}", []),
    ("", '{"a": 1}', [Set(("a",), 1)]),
    ("\ufeff", '\ufeff{"a": 1}', [Set(("a",), 1)]),
    ('{"a": 1}', '{"a": 1} // c', []),
    ('{"a": 1, "b": 2}', '{"b": 2, "a": 1.0}', []),
    ('{"a": {"b": 1}}', '{"a": {"b": 2, "c": {"d": 3}}}', [Set(("a", "b"), 2), Set(("a", "c", "d"), 3)]),
    ('{"a": 1}', '{"b": 1}', [Remove(("a",)), Remove(("c", "d")), Remove(("b", "c")), Set(("b",), 1)]),
    ('{"a": 1, "a": 2}', "{}", [Remove(("a",))]),
    (r'{"\ud83d\ude00": "\ud83d\ude00"}', '{"😀": "😀", "b": ["😀"]}', [Set(("b",), ["\ud83d\ude00"])]),
    (r'{"\ud83d\ude00": 1, "a": {"😀": [1]}}', '{"a": {}}', [Remove(("😀",)), Remove(("a", "😀"))]),
    (r'{"a": "\ud83d", "n": 1e999}', r'{"a": "\ud83d", "n": 1e999, "b": null}', [Set(("b",), None)]),
    ('{"a": {"__proto__": 0}}', '{"a": {"__proto__": 0}, "b": 1}', [Set(("a",), {}), Set(("b",), 1)]),
    ("{} // \u2028 x", '{"a": 1} // \u2028 x', [Set(("a",), 1)]),
    (
        '{/* \u2029 "a": 2 */ "b": "\u2028//"}',
        '{/* \u2029 "a": 2 */ "b": "\u2028//", "a": 1}',
        [Set(("a",), 1)],
    ),
    ('{"a": ' + "7" * 5000 + "}", '{"a": ' + "7" * 5000 + ', "b": 1}', [Set(("b",), 1)]),
    ('{"a": {env:T}, "b": {env:T}0}', '{"a": {env:T}, "b": {env:T}0, "c": 1}', [Set(("c",), 1)]),
    ("{{env:K}: [{file:~/{env:N}}]}", '{{env:K}: [{file:~/{env:N}}], "c": 1}', [Set(("c",), 1)]),
    (
        '{"a": {env:T}}',
        '{"b": [{env:T}]}',
        [Remove(("a",)), Set(("b",), [parse('{"a": {env:T}}').value["a"]])],
    ),
    ('{"a": "{env:T}", "b": "\\"{env:T}"}', '{"a": 1, "b": "\\"{env:T}"}', [Set(("a",), 1)]),
    ('{"a": [1, [true, null]]}', '{"a": [1, [true, null], "x"]}', [Set(("a",), [1, [True, None], "x"])]),
]
FAILS: list[tuple[str, str, list[Operation], str]] = [
    ('{"a": 1}', '{"a": 2}', [], "at a "),
    ('{"a": 1}', '{"a": true}', [], "at a "),
    ('{"a": true}', '{"a": 1}', [], "at a "),
    ('{"a": null}', '{"a": false}', [], "at a "),
    ('{"a": "1"}', '{"a": 1}', [], "at a "),
    ('{"a": {}}', '{"a": []}', [], "at a "),
    ('{"a": []}', '{"a": {}}', [], "at a "),
    ('{"a": [1, 2]}', '{"a": [2, 1]}', [], "at a."),
    ('{"a": [1, 2]}', '{"a": [1]}', [], "at a "),
    ('{"a": {"b": {"c": 1}}}', '{"a": {"b": {}}}', [], "at a.b.c "),
    ('{"a": 1}', "{}", [], "at a "),
    ("{}", '{"x": 1}', [], "at x "),
    ('{"a": 1, "a": 2}', '{"a": 1}', [Remove(("a",))], "at a "),
    ('{"a": 1}', '{"a": 1}', [Set(("a",), 2)], "at a "),
    ('{"a": 1, "b": 1}', '{"b": 2}', [Remove(("a",))], "at b "),
    ('{"a": 1}', '{"a": 1}', [Set(("a", "b"), 2)], "a contains no object to set b in"),
    ('{"a": {env:T}}', '{"a": {env:U}}', [], "at a "),
    ('{"a": {env:T}}', '{"a": "{env:T}"}', [], "at a "),
    ('{"a": {env:T}}', '{"a": {env:T}0}', [], "at a "),
    ('{"a": 9007199254740992}', '{"a": 9007199254740993}', [], "at a "),
    ("[1]", "[1]", [], "finds no object in the current text"),
    ("{}", "1", [], "finds no object in the edited text"),
    ("{}", "{", [], "cannot read the edited text"),
    ("{", "{}", [], "cannot read the current text"),
]


@pytest.mark.parametrize(("before", "after", "operations"), PASSES, ids=range(len(PASSES)))
def test_passes(before: str, after: str, operations: list[Operation]) -> None:
    check_edit(before, after, operations)


@pytest.mark.parametrize(("before", "after", "operations", "words"), FAILS, ids=range(len(FAILS)))
def test_fails(before: str, after: str, operations: list[Operation], words: str) -> None:
    with pytest.raises(SafeMergeError) as refusal:
        check_edit(before, after, operations)
    assert words in refusal.value.reason + " "
    assert "report this as a bug, with the structure of the config" in refusal.value.next_step


def test_the_plans_values_are_not_changed() -> None:
    value: dict[str, Any] = {"x": {}}
    check_edit("{}", '{"a": {"x": {"y": 1}}}', [Set(("a",), value), Set(("a", "x", "y"), 1)])
    assert value == {"x": {}}


def test_a_refusal_quotes_nothing_of_the_file() -> None:
    for after in ('{"apiKey": "gp-other"}', '{"apiKey": gp-other}', '"gp-other"'):
        with pytest.raises(SafeMergeError) as refusal:
            check_edit('{"apiKey": "gp-first"}', after, [])
        assert "gp-" not in str(refusal.value)
        assert refusal.value.__context__ is None


def nested(kind: str, depth: int) -> str:
    return (
        '{"a":' * depth + "1" + "}" * depth
        if kind == "objects"
        else '{"a":' + "[" * depth + "]" * depth + "}"
    )


def check(before: str, after: str, *, deep: bool) -> str | None:
    """The reason of the refusal, or None, in a thread as the product runs it."""
    try:
        background.start(lambda: check_edit(before, after, []), deep=deep).result()
    except SafeMergeError as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(("kind", "depth"), [("objects", 1_400), ("arrays", 1_400)])
def test_deep_texts_are_read_in_the_deep_thread(kind: str, depth: int) -> None:
    text = nested(kind, depth)
    assert check(text, text, deep=True) is None
    assert check(text, text.replace("1", "2") if kind == "objects" else nested(kind, depth - 1), deep=True)


# The json of Python 3.14 is bound by the stack alone, which 64 MB hold no million levels of.
@pytest.mark.parametrize("kind", ["objects", "arrays"])
@pytest.mark.parametrize(("depth", "deep"), [(200_000, False), (1_000_000, True)])
def test_what_is_too_deep_is_refused_and_crashes_nothing(kind: str, depth: int, deep: bool) -> None:
    text = nested(kind, depth)
    assert check(text, text, deep=deep) == "the current text is nested too deeply for the second parser"
    assert check("{}", text, deep=deep) == "the edited text is nested too deeply for the second parser"


@pytest.mark.large
@pytest.mark.parametrize("head", ["", '{"a":'])
@pytest.mark.parametrize(
    "piece",
    [
        *"\"{[,/\\1-a'\n",
        *("/*", "//", "*/", "/**/", "/*/", '\\"', '"\\"', "[1,", '{"a":', ", ", ",/*", ",//\n", ",/**/"),
        *("{file:", "{env:", "{file:{env:", "{file:{env:a}", "a{env:b", "-{file:}"),
    ],
)
def test_p12_the_tokenizer_takes_linear_time(monkeypatch: pytest.MonkeyPatch, head: str, piece: str) -> None:
    """A square of 200,000 would take minutes; json5, which is slow whatever it reads, is left out."""
    monkeypatch.setattr(json5, "loads", lambda *_, **__: [])
    with pytest.raises(SafeMergeError):
        check_edit("{}", head + piece * (200_000 // len(piece)), [])


@pytest.mark.large
def test_the_slow_way_takes_linear_time_too() -> None:
    for value in ("1" * 50_000, '"' + "{env:" * 10_000 + '"', '"" //' + "{env:" * 10_000 + "\n"):
        check_edit(f'{{"a": {value}}}', f'{{"a": {value}, "b": 1}}', [Set(("b",), 1)])


ENTRY = '"model-{0}": {{ "name": "N {0}", "limit": {{ "context": 1310{0}, "output": 8.5 }}, "on": true, }},\n'


def large(count: int) -> str:
    """A config with that many models, comments and trailing commas."""
    entries = (f"  // number {number}\n  {ENTRY.format(number)}" for number in range(count))
    return '{"provider": {"big": {"models": {\n' + "".join(entries) + "}}}, }\n"


@pytest.fixture
def json5_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that needs json5 is refused."""
    monkeypatch.setattr(json5, "loads", lambda *_, **__: [])


@pytest.mark.large
@pytest.mark.usefixtures("json5_fails")
def test_p12_a_megabyte_with_ten_thousand_entries_needs_no_json5() -> None:
    text = large(10_000)
    assert len(text) > 1_000_000
    check_edit(text, text.replace('{"provider"', '{"model": "a/b", "provider"', 1), [Set(("model",), "a/b")])


LOSSES: list[tuple[str, str, str]] = [
    ("a value", '"name": "N 700"', '"name": "N 701"'),
    ("a number", "131070.5", "131070.6"),
    ("a key", '"model-700": {', '"model-7OO": {'),
    ("a whole entry", ENTRY.format(700), ""),
    ("an entry, by a comment", '  "model-700"', '  // "model-700"'),
    ("an entry, by a block comment", ENTRY.format(700), f"/* {ENTRY.format(700)} */"),
    ("the end of a comment", "// number 700\n", "// number 700 "),
    ("the order of two with one key", '"x": 1, "x": 2', '"x": 2, "x": 1'),
    ("the one of two that counts", '"x": 1, "x": 2', '"x": 1'),
    ("true", '"on": true', '"on": 1'),
    ("a string", '"81.5"', "81.5"),
    ("a blank in a string", '"N  x"', '"N x"'),
    ("what looks like a comment", '"a // b"', '"a // c"'),
    ("what looks like a trailing comma", '"[1,]"', '"[1]"'),
    ("a reference", "{env:T}", "{env:U}"),
    ("a reference outside strings", "{env:T}", '"{env:T}"'),
    ("an element", "[1, 2, ]", "[1, ]"),
    ("the order of a list", "[1, 2, ]", "[2, 1, ]"),
    ("an escape", '"\\u00e9"', '"\\u00e8"'),
]
TAIL = (
    '"n": 131070.5, "two": {"x": 1, "x": 2}, "s": "81.5", "t": "N  x", "u": "a // b", "v": "[1,]", '
    '"w": {env:T}, "l": [1, 2, ], "e": "\\u00e9"'
)


@pytest.mark.usefixtures("json5_fails")
@pytest.mark.parametrize(("was", "now"), [loss[1:] for loss in LOSSES], ids=[loss[0] for loss in LOSSES])
def test_p12_what_an_edit_loses_in_a_large_config_is_found(was: str, now: str) -> None:
    text = large(1_000).replace("}}}, }", "}}}, " + TAIL + ", }")
    assert was in text
    check_edit(text, text, [])
    with pytest.raises(SafeMergeError, match="differs at"):
        check_edit(text, text.replace(was, now, 1), [])


@pytest.mark.parametrize(
    "text",
    ["{,}", '{"a": [,]}', '{"a": [1,,]}', '{"a": 1,,}', '{"a":,}', "{} /*/", "{} /*", '{"a": 1/**/2}'],
)
def test_p12_no_more_is_taken_out_than_trailing_commas_and_comments(text: str) -> None:
    with pytest.raises(SafeMergeError, match="cannot read the edited text"):
        check_edit("{}", text, [])


@pytest.mark.parametrize(
    "text",
    ["{'a': 1}", "{a: 1}", '{"a": 0x1}', '{"a": +1}', '{"a": "\t"}', '{"a": .5}', '\ufeff\ufeff{"a": 1}'],
)
def test_p12_what_only_json5_reads_is_read(text: str) -> None:
    check_edit(text, text, [])
    with pytest.raises(SafeMergeError, match="differs at b "):
        check_edit(text, text.replace("a", "b"), [Remove(("a",))])


def test_what_is_too_deep_is_not_called_a_bug() -> None:
    with pytest.raises(SafeMergeError) as refusal:
        check_edit("{}", nested("objects", 200_000), [])
    assert "reduce the nesting in this config" in refusal.value.next_step


def test_the_recursion_limit_is_given_back() -> None:
    usual = sys.getrecursionlimit()
    assert background.start(sys.getrecursionlimit, deep=True).result() > usual
    assert sys.getrecursionlimit() == usual


def test_the_limit_stays_while_any_deep_call_runs() -> None:
    usual = sys.getrecursionlimit()

    def outer() -> int:
        background.start(lambda: None, deep=True).result()
        return sys.getrecursionlimit()

    assert background.start(outer, deep=True).result() > usual
    assert sys.getrecursionlimit() == usual


def test_a_task_raises_what_the_call_raised() -> None:
    def call() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        background.start(call).result()
    assert background.start(lambda: 5).result() == 5
