"""What goes to which stream, in which colour and width, and what never does."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import Any, Mapping

import pytest

from foundation.errors import Refusal, Where
from foundation.secrets import Secret
from foundation.terminal.terminal import Terminal, error_text
from foundation.terminal.text import style
from tests.support.scripted_device import Answer, ScriptedDevice, terminal_on

KEY = "gp-unit-0123456789abcdef"
REFUSAL = Refusal(
    "managed_config_parse_failed", "A brace is missing", where=Where("/o.json", 3, 7), next_step="add it"
)


class Stream(io.TextIOWrapper):
    """A text stream with an encoding, on a terminal or not."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


class Broken(Stream):
    """A stream that takes nothing."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure
        self.tries = 0

    def write(self, _text: str) -> int:
        self.tries += 1
        raise self.failure


def make(
    out: Any, err: Any, environ: Mapping[str, str] | None = None, stdin: Any = None, **options: Any
) -> Terminal:
    settings = {"json": False, "quiet": False, "platform": "linux", **options}
    return Terminal.from_streams(stdin, out, err, environ or {}, **settings)


def test_results_go_to_stdout_and_everything_else_to_stderr() -> None:
    out, err = Stream(), Stream()
    terminal = make(out, err)
    terminal.say("a note")
    terminal.error(REFUSAL)
    with terminal.progress("asking opencode") as step:
        step("reading it")
    terminal.result("done\n")
    assert out.text == "done\n"
    assert err.text == (
        "a note\nerror: A brace is missing\nwhere: /o.json:3:7\nnext: add it\n"
        "asking opencode ...\nreading it ...\n"
    )


def test_a_result_is_set_apart_from_what_the_same_screen_shows() -> None:
    out, err = Stream(terminal=True), Stream(terminal=True)
    make(out, err).result("done")
    assert err.text == ""
    terminal = make(out, err)
    terminal.say("a note")
    terminal.result("done")
    assert err.text == "a note\n\n"
    assert out.text == "done\n" * 2


def test_an_error_without_a_place_has_no_where() -> None:
    assert "where:" not in error_text(Refusal("usage_error", "No", next_step="see --help"))


def test_quiet_leaves_results_and_errors() -> None:
    out, err = Stream(), Stream(terminal=True)
    terminal = make(out, err, quiet=True, color="never")
    terminal.say("a note")
    with terminal.progress("asking opencode") as step:
        step("reading it")
    terminal.error(REFUSAL)
    terminal.result("done")
    assert (out.text, err.text.split("\n")[0]) == ("done\n", "error: A brace is missing")


def test_with_json_a_piped_stderr_stays_empty() -> None:
    out, err = Stream(), Stream()
    terminal = make(out, err, json=True)
    terminal.say("a note")
    terminal.error(REFUSAL)
    with terminal.progress("asking opencode") as step:
        step("reading it")
    terminal.json({"ok": True, "files": ({"path": "é\udc80"},), "none": None, "n": 1})
    assert err.text == ""
    assert json.loads(out.text) == {"ok": True, "files": [{"path": "é\udc80"}], "none": None, "n": 1}
    assert out.text.isascii()


def test_with_json_a_person_at_stderr_still_sees_what_goes_on() -> None:
    err = Stream(terminal=True)
    terminal = make(Stream(), err, json=True, color="never")
    terminal.say("a note")
    terminal.error(REFUSAL)
    assert err.text.startswith("a note\nerror: A brace")


def test_a_guarded_key_leaves_in_no_way() -> None:
    out, err = Stream(), Stream()
    terminal = make(out, err)
    secret = "odd value that no pattern knows"
    terminal.guard(Secret(secret))
    terminal.say(f"x {secret}")
    terminal.result(f"x{secret}")
    terminal.json({"a": [f"y {secret}"], secret: 1})
    terminal.error(Refusal("usage_error", secret, where=Where(secret), next_step=secret))
    with terminal.progress(secret) as step:
        step(secret)
    assert "odd value" not in out.text + err.text
    assert len(json.loads(out.text[out.text.index("{") :])) == 2


def test_a_key_that_nobody_guards_does_not_leave_either() -> None:
    out, err = Stream(), Stream()
    make(out, err).result(f"found {KEY} there")
    assert KEY not in out.text
    assert out.text.startswith("found ")


def test_json_stays_json_whatever_is_scrubbed() -> None:
    out = Stream()
    value = {
        "key": "provider.gonkagate.options.apiKey",
        "apiKey": f"{KEY}",
        "token": 'a"b',
        "n": [None, True],
    }
    make(out, Stream()).json(value)
    assert set(json.loads(out.text)) == set(value)
    assert json.loads(out.text)["key"] == "provider.gonkagate.options.apiKey"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "utf-16-le"])
def test_no_encoding_makes_output_fail(encoding: str) -> None:
    out, err = Stream(encoding), Stream(encoding)
    terminal = make(out, err)
    terminal.result("漢字 \udc80 é")
    terminal.say("漢字 \udc80 é")
    assert out.text == err.text
    assert out.text.startswith("漢字" if encoding.startswith("utf") else "\\u6f22\\u5b57")


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    out, err = Stream(terminal=True), Stream(terminal=True)
    terminal = make(out, err)
    terminal.result("\x1b]0;owned\x07")
    terminal.error(Refusal("usage_error", "a\x1b[2Jb\nnext: rm", next_step="x"))
    assert "\x1b]" not in out.text
    assert "\x1b[2J" not in err.text
    assert [line.split(" ")[0] for line in err.text.replace("\x1b[0m", "").splitlines()] == [
        "\x1b[1;31merror:",
        "\x1b[1mnext:",
    ]


@pytest.mark.parametrize(
    ("color", "environ", "terminal", "coloured"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_there_is_colour(color: str, environ: dict[str, str], terminal: bool, coloured: bool) -> None:
    err = Stream(terminal=terminal)
    make(Stream(), err, environ, color=color).error(REFUSAL)
    assert ("\x1b[" in err.text) is coloured


def test_each_stream_has_its_own_colour() -> None:
    out, err = Stream(), Stream(terminal=True)
    terminal = make(out, err)
    terminal.result(style("done", "heading"))
    terminal.say(style("done", "heading"))
    assert (out.text, err.text) == ("done\n", "\x1b[1mdone\x1b[0m\n")


@pytest.mark.parametrize(
    "failure",
    [BrokenPipeError(32, "Broken pipe"), OSError(5, "I/O"), ValueError("I/O operation on closed file")],
)
def test_a_closed_stream_never_raises_and_is_tried_once(failure: Exception) -> None:
    out, err = Broken(failure), Broken(failure)
    terminal = make(out, err)
    for _ in range(2):
        terminal.result("x")
        terminal.json({})
        terminal.say("x")
        terminal.error(REFUSAL)
        with terminal.progress("x") as step:
            step("y")
    assert (out.tries, err.tries) == (1, 1)


def test_a_full_disk_behind_stdout_is_said() -> None:
    terminal = make(Broken(OSError(28, "No space left on device")), Stream())
    terminal.result("x")
    assert terminal.undelivered == "No space left on device"


@pytest.mark.parametrize(
    "failure", [BrokenPipeError(32, "Broken pipe"), OSError(9, "Bad file descriptor"), ValueError("closed")]
)
def test_a_reader_that_went_away_is_no_loss(failure: OSError | ValueError) -> None:
    terminal = make(Broken(failure), Stream())
    terminal.result("x")
    assert terminal.undelivered is None


def test_missing_streams_are_no_reason_to_fail() -> None:
    terminal = make(None, None)
    terminal.say("x")
    terminal.result("x")
    assert not terminal.interactive


@pytest.mark.parametrize(
    ("columns", "width"), [("20", 40), ("72", 72), ("500", 120), ("0", 80), ("wide", 80), ("", 80)]
)
def test_the_width_is_bounded(columns: str, width: int) -> None:
    assert make(Stream(), Stream(), {"COLUMNS": columns}).width == width


def test_progress_on_a_terminal_ends_its_line_and_its_thread() -> None:
    err = Stream(terminal=True)
    before = threading.active_count()

    def fails() -> None:
        with make(Stream(), err).progress("asking") as step:
            step("reading")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert err.text == "asking ...\nreading ...\n"
    assert threading.active_count() == before


def test_progress_on_a_terminal_appends_the_elapsed_second() -> None:
    err = Stream(terminal=True)
    with make(Stream(), err).progress("asking"):
        until = time.monotonic() + 10
        while " 1 s" not in err.text and time.monotonic() < until:
            time.sleep(0.01)
    assert err.text == "asking ... 1 s\n"
    assert "\r" not in err.text


def test_the_device_is_looked_for_once_and_only_when_needed() -> None:
    device = ScriptedDevice([Answer("name", "me")])
    looked = []

    def find() -> ScriptedDevice:
        looked.append(1)
        return device

    terminal = terminal_on(device)
    terminal._find_device = find
    assert looked == []
    assert terminal.interactive
    assert terminal.ask("name? ") == "me"
    assert looked == [1]


def test_asking_where_nobody_is_ends_the_input() -> None:
    with pytest.raises(EOFError):
        terminal_on(None).ask("name? ")
