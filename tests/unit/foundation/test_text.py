"""Text made visible, wrapped and shortened."""

from __future__ import annotations

import pytest

from foundation.terminal import text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[2Jgone\x07", "\\x1b[2Jgone\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("left\u202eright", "left\\u202eright"),
        ("line\u2028end", "line\\u2028end"),
        ("\udc80\udcff", "\\x80\\xff"),
        ("Grüße 漢字", "Grüße 漢字"),
    ],
)
def test_every_control_character_is_shown_as_its_escape(raw: str, shown: str) -> None:
    assert text.visible(raw) == shown


def test_no_control_character_survives_visible() -> None:
    everything = "".join(map(chr, range(0x2100)))
    shown = text.visible(everything)
    harmful = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    assert not harmful & set(map(ord, shown))


def test_settle_drops_our_colours_where_the_stream_has_none() -> None:
    styled = text.style("error:", "error") + " no"
    assert text.settle(styled, encoding="utf-8", colour=False) == "error: no"


def test_settle_keeps_our_colours_and_escapes_every_other_sequence() -> None:
    styled = text.style("a\x1b[8mb", "error") + "\x1b]0;title\x07"
    settled = text.settle(styled, encoding="utf-8", colour=True)
    assert settled == "\x1b[1;31ma\\x1b[8mb\x1b[0m\\x1b]0;title\\x07"


def test_settle_keeps_line_ends_and_tabs() -> None:
    assert text.settle("a\n\tb\r", encoding="utf-8", colour=False) == "a\n\tb\\r"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "no-such-encoding"])
def test_settle_escapes_what_the_encoding_lacks(encoding: str) -> None:
    settled = text.settle("~/漢/opencode.json", encoding=encoding, colour=False)
    assert settled == "~/\\u6f22/opencode.json"


def test_settle_takes_lone_surrogates_and_a_missing_encoding() -> None:
    assert text.settle("\ud800 \udc80", encoding=None, colour=False) == "\\ud800 \\x80"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_wrapped_lines_fit_and_lose_no_word(width: int) -> None:
    words = "every word of a long sentence must arrive, in order, on lines that fit " * 4
    wrapped = text.wrap(words, width, first="  1. ")
    assert all(len(line) <= width for line in wrapped.split("\n"))
    assert wrapped.split()[1:] == words.split()
    assert all(line.startswith("     ") for line in wrapped.split("\n")[1:])


def test_a_word_longer_than_the_line_is_not_broken() -> None:
    path = "/" + "x" * 60
    assert text.wrap(f"in {path} now", 40).split("\n") == ["in", path, "now"]


def test_wide_characters_count_twice() -> None:
    assert text.columns("漢字") == 4
    assert text.columns("é") == 1
    assert text.columns("e\u0301") == 1
    # 28 + 1 + 16 cells do not fit in 40, though 23 characters would
    assert text.wrap("漢字漢字漢字漢字漢字漢字漢字 漢字漢字漢字漢字", 40).count("\n") == 1


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("kimi-2.6", "kimi-k2.6"),
        ("KIMI-K2.6", "kimi-k2.6"),
        ("minimax", "minimax-m2.7"),
        ("zzz", None),
        ("", None),
    ],
)
def test_a_mistyped_word_gets_the_candidate_that_is_near(word: str, meant: str | None) -> None:
    assert text.closest(word, ["kimi-k2.6", "qwen3-235b", "minimax-m2.7"]) == meant


def test_lists_read_as_sentences() -> None:
    assert [text.listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]
