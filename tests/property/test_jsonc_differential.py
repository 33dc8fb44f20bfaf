"""We accept, refuse and read what jsonc-parser does as opencode calls it, and what opencode itself does.

One disagreement is known, and left out of the comparison: behind `"__proto__": null`, JavaScript makes the
next `__proto__` of the object an ordinary key. We leave every `__proto__` out of the value; its text stays.

References outside strings are filled in for jsonc-parser as opencode fills them in; a mutant with one is not
compared, for what is written between the tokens may be anything then.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
from pathlib import Path
from typing import Any, Iterator

import pytest
from hypothesis import given, settings

from opencode_config import jsonc
from opencode_config.jsonc import crosscheck
from opencode_config.jsonc.operations import Operation, Remove, Set
from opencode_config.jsonc.scan import Reference
from tests.property import jsonc_parser
from tests.property.jsonc_documents import documents
from tests.property.jsonc_tokens import tokenize
from tests.property.test_jsonc import equal
from tests.support.machine import Finished, Machine

# jsonc-parser runs in node.
pytestmark = pytest.mark.opencode

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
FILES = sorted(path for path in CORPUS.glob("*.json*"))
needs_corpus = pytest.mark.skipif(not FILES, reason=f"the corpus of real configs is not at {CORPUS}")

SETUP: list[Operation] = [
    Set(("$schema",), "https://opencode.ai/config.json"),
    Set(("provider", "gonkagate", "name"), "GonkaGate"),
    Set(("provider", "gonkagate", "npm"), "@ai-sdk/openai-compatible"),
    Set(("provider", "gonkagate", "options", "baseURL"), "https://api.gonkagate.com/v1"),
    Set(("provider", "gonkagate", "models", "kimi-k2.6", "name"), "Kimi K2.6"),
    Set(("model",), "gonkagate/kimi-k2.6"),
    Set(("small_model",), "gonkagate/kimi-k2.6"),
    Remove(("provider", "gonkagate", "api")),
]
# What a mutation puts in: every character that means something, and those that look as if they did.
PIECES = [
    *"{}[],:\"'\\/*#-+.eE01 \t\n\r\x00\x0b\x0c\x1f\x7f\u00a0\ufeff\u2028é😀",
    "//", "/*", "*/", "/**/", "// c\n", "/* c */", '"', '""', "'a'", '"\\', "\\u", "\\ud800", "\\x", "\r\n",
    "true", "false", "null", "NaN", "Infinity", "undefined", "01", "1.", "1e", "-", "0x1", "1e999",
    '"a":1,', ",,", "[]", "{}", '"__proto__":', "{env:X}", "{file:~/x}",
]  # fmt: skip


FILLED_IN = {"{env:T}": "5", "{file:~/n}": "7", "{env:KEY}": '"k"'}


def filled(text: str) -> str:
    """As opencode fills those references in that generated documents have outside strings, and only there."""
    for reference, value in FILLED_IN.items():
        text = text.replace(reference, value)
    return text


def bare(text: str) -> bool:
    """Whether a reference stands outside strings in a text that we accept."""
    return any(token.kind == "scalar" and "{" in token.text for token in tokenize(text))


def with_values(value: Any) -> Any:
    """The same with what opencode would read at every reference."""
    if isinstance(value, dict):
        return {with_values(key): with_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(with_values, value))
    if isinstance(value, Reference):
        return json.loads(filled(str(value)))
    return value


def plain(value: Any) -> Any:
    """As JSON.stringify writes it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isinf(value) else value


def read(text: str) -> jsonc_parser.Answer:
    try:
        return jsonc_parser.Answer(True, jsonc.parse(text).value)
    except jsonc.JsoncError:
        return jsonc_parser.Answer(False)


def disagreements(texts: list[str]) -> list[str]:
    return [
        text
        for text, theirs in zip(texts, jsonc_parser.ask(texts))
        for ours in [read(text)]
        if ours.accepted != theirs.accepted or not equal(plain(ours.value), theirs.value)
        if not (ours.accepted and bare(text))
    ]


def corpus() -> list[str]:
    return [jsonc.decode(path.read_bytes()) for path in FILES]


def mutants(texts: list[str], count: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(count):
        text = chance.choice(texts)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            start = chance.randint(0, len(text))
            end = min(len(text), start + chance.choice((0, 0, 1, 1, 2, 20)))
            piece = chance.choice(PIECES)
            if chance.random() < 0.1:
                other = chance.choice(texts)
                piece = other[(at := chance.randint(0, len(other))) : at + chance.randint(0, 40)]
            text = text[:start] + ("" if chance.random() < 0.3 else piece) + text[end:]
        yield text


def generated(count: int) -> list[str]:
    texts: list[str] = []

    @settings(max_examples=count, database=None)
    @given(documents())
    def collect(document: tuple[str, dict[str, Any]]) -> None:
        texts.append(document[0])

    collect()
    return texts


@needs_corpus
def test_the_corpus() -> None:
    assert len(FILES) == 74
    texts = corpus()
    assert disagreements(texts) == []
    assert [path.name for path, text in zip(FILES, texts) if not read(text).accepted] == ["008.jsonc"]


@needs_corpus
def test_the_corpus_with_our_edits() -> None:
    before = [text for text in corpus() if read(text).accepted]
    edited = [jsonc.apply(jsonc.parse(text), SETUP) for text in before]
    for text, document, theirs in zip(before, edited, jsonc_parser.ask([one.text for one in edited])):
        assert theirs.accepted
        assert equal(plain(document.value), theirs.value)
        rest = {key: item for key, item in theirs.value.items() if key not in {one.path[0] for one in SETUP}}
        assert equal(rest, {key: item for key, item in jsonc.parse(text).value.items() if key in rest})
        crosscheck.check_edit(text, document.text, SETUP)
        lines = iter(document.text.splitlines())
        ours = ("model", "small_model", "provider", "$schema")
        for line in text.splitlines():
            if line.strip(" \t\ufeff{},") and not any(f'"{key}"' in line for key in ours):
                assert any(line.rstrip(", \t}") in there for there in lines), line


def test_generated_documents(deep: bool) -> None:
    texts = generated(5_000 if deep else 200)
    for text, theirs in zip(texts, jsonc_parser.ask([filled(text) for text in texts])):
        assert theirs.accepted, text
        assert equal(plain(with_values(jsonc.parse(text).value)), theirs.value), text
    assert any(bare(text) for text in texts)


def test_mutants(deep: bool) -> None:
    seeds = [*corpus(), *generated(300)]
    texts = list(mutants(seeds, 100_000 if deep else 4_000, seed=1))
    assert disagreements(texts) == []
    accepted = [text for text in texts if read(text).accepted]
    # Otherwise one side of the comparison would be empty.
    assert len(texts) * 0.1 < len(accepted) < len(texts) * 0.9


def test_edited_mutants(deep: bool) -> None:
    seeds = [*corpus(), *generated(300)]
    edited = []
    for text in mutants(seeds, 20_000 if deep else 1_000, seed=2):
        with contextlib.suppress(jsonc.JsoncError):
            edited.append(jsonc.apply(jsonc.parse(text), SETUP))
    assert edited
    edited = [document for document in edited if not bare(document.text)]
    for document, theirs in zip(edited, jsonc_parser.ask([document.text for document in edited])):
        assert theirs.accepted
        assert equal(plain(document.value), theirs.value)


@pytest.mark.parametrize("head", ["", '{"a":', '{"a":"x",', '{"a":['])
@pytest.mark.parametrize(
    "piece", ["[", "{", "/*", "//", '"', "\\", '{"a":', "[[],", "-", "1", "/", "/*/", "\n", ",", '"\\']
)
def test_a_megabyte_of_one_thing(head: str, piece: str) -> None:
    text = head + piece * (1_000_000 // len(piece))
    with pytest.raises(jsonc.JsoncError):
        jsonc.parse(text)
    bytes_refused(text.encode()[:-1] + b"\xff")


def bytes_refused(data: bytes) -> None:
    with pytest.raises(jsonc.JsoncError):
        jsonc.decode(data)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"' + "\\n" * 500_000 + '"}',
        '{"a":"' + "/*" * 500_000 + '"}',
        "{" + "/**/" * 250_000 + "}",
        "{" + "//\n" * 330_000 + "}",
        "{" + " \n" * 500_000 + "}",
        "/*" + "*" * 1_000_000 + "/{}",
        '{"a":[' + "1," * 200_000 + "]}",
        '{"a":[' + "{}," * 150_000 + "]}",
        '{"a":' + "1" * 1_000_000 + "}",
        "{}//" + "{env:" * 200_000,
        "{}//" + "{file:" * 160_000,
        "{}" + "/*{file:x}*/" * 80_000,
        "{}/*" + "{file:{env:a}" * 75_000 + "*/",
        '{"a":[' + "{env:a}," * 120_000 + "]}",
    ],
    ids=range(14),
)
def test_large_texts_that_are_accepted(text: str) -> None:
    document = jsonc.parse(text)
    edited = document.set(("b",), 1)
    assert edited.remove(("b",)).text in (text, text.replace(" \n" * 500_000, ""))
    jsonc.reference_tokens(edited)


# -- the real opencode


def resolve(machine: Machine, data: bytes) -> Finished:
    machine.config_folder.mkdir(parents=True, exist_ok=True)
    machine.user_config.write_bytes(data)
    return machine.opencode("debug", "config", "--pure", timeout=120)


def syntax_error(done: Finished) -> bool:
    return "is not valid JSON(C)" in re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)


SAMPLE = [
    "", '{"model":"a/b",}', '\ufeff{"model":"a/b"}', '{"model":"a/b" // c\r}', '{"zzz":null}',
    '{"a":"\\ud800"}', "\ufeff", '{"__proto__":{"model":"a/b"}}', '{"model":"x/y","model":"a/b"}',
    '{"zzz":1e999}', "/* c */{}//", "\ufeff\ufeff{}", "{}\x00", "\x0b{}", " ", "// c", "{,}", "{'a':1}",
    '{"a":01}', '{"a":1 "b":2}', "{}}", '{"a":"\t"}', "{} /*/", '{"zzz":' + "[" * 40_000 + "]" * 40_000 + "}",
]  # fmt: skip


def test_opencode_itself_accepts_and_refuses_the_same(machine: Machine, deep: bool) -> None:
    for text in SAMPLE if deep else SAMPLE[::6]:
        done = resolve(machine, text.encode("utf-8", "surrogatepass"))
        assert syntax_error(done) == (not read(text).accepted), (text[:50], done.output)
        if done.status == 0 and text:
            assert done.json.get("model") == jsonc.parse(text).value.get("model"), text[:50]


@pytest.mark.parametrize(
    ("text", "variables", "model"),
    [
        (
            '{"provider":{"a":{"options":{"timeout":1{env:T}0}}},"model":{env:V}}',
            {"T": "60", "V": '"a/b"'},
            "a/b",
        ),
        ('{{env:K}:"a/b","zzz":{file:NUMBER}}', {"K": '"model"'}, "a/b"),
    ],
    ids=["values", "keys and files"],
)
def test_opencode_itself_fills_in_references(
    machine: Machine, text: str, variables: dict[str, str], model: str
) -> None:
    (machine.home / "number").write_text("7")
    text = text.replace("NUMBER", "~/number")
    edited = jsonc.parse(text).set(("small_model",), "c/d").text
    machine.config_folder.mkdir(parents=True, exist_ok=True)
    machine.user_config.write_text(edited)
    done = machine.opencode("debug", "config", "--pure", env=variables)
    assert done.status == 0, done.output
    assert (done.json["model"], done.json["small_model"]) == (model, "c/d")


@needs_corpus
def test_opencode_itself_resolves_the_same_rest_before_and_after(machine: Machine, deep: bool) -> None:
    compared = 0
    for path in FILES if deep else FILES[::37]:
        text = jsonc.decode(path.read_bytes())
        before = resolve(machine, text.encode())
        assert syntax_error(before) == (not read(text).accepted), path.name
        if before.status != 0:
            continue
        after = resolve(machine, jsonc.apply(jsonc.parse(text), SETUP).text.encode())
        assert after.status == 0, after.output
        ours = {"model", "small_model", "$schema"}
        old, new = before.json, after.json
        assert new["model"] == new["small_model"] == "gonkagate/kimi-k2.6"
        assert new["provider"].pop("gonkagate")["name"] == "GonkaGate"
        old.setdefault("provider", {}).pop("gonkagate", None)
        for key in ours:
            old.pop(key, None), new.pop(key, None)
        assert new == old, path.name
        compared += 1
    assert compared > (40 if deep else 0)
