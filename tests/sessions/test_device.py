"""Asking on a real pseudo-terminal: what reaches the program, the screen and whoever reads next."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from foundation.terminal.device import EchoError, PosixTerminal
from tests.sessions.screen import CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_Z, Screen, python
from tests.support.machine import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="pseudo-terminals are POSIX; Windows has test_console"
)
KEY = "gp-typed-0123456789abcdef"
PICK, CONFIRM, SECRET = "? help]: ", "? help]: ", "Key [? help]: "
Asked = Callable[..., Screen]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Start the child of tests/sessions/questions.py, `shell` with {} for its command around it."""

    def start(*questions: str, shell: str | None = None) -> Screen:
        command = python("-m", "tests.sessions.questions", str(tmp_path / "answers"), *questions)
        if shell is not None:
            command = ["/bin/sh", "-c", shell.format(" ".join(command))]
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "dumb", "LANG": "C.UTF-8"}
        return Screen(command, environ=environ, cwd=tmp_path)

    return start


def answers(tmp_path: Path) -> list[Any]:
    found = json.loads((tmp_path / "answers").read_text())
    assert isinstance(found, list)
    return found


def test_a_typed_key_is_not_on_the_screen(asked: Asked, tmp_path: Path) -> None:
    screen = asked("secret")
    screen.answer(SECRET, KEY)
    assert screen.end() == 0
    assert answers(tmp_path) == [KEY, ""]
    assert screen.raw.replace("\r", "") == "\nKey [? help]: \n"


def test_a_picked_answer_is_on_the_screen_as_typed(asked: Asked, tmp_path: Path) -> None:
    screen = asked("pick")
    screen.answer(PICK, "2")
    screen.end()
    assert answers(tmp_path) == ["b2", ""]
    assert screen.text.split("\n")[-1] == "1 to 2, Enter for 1 [? help]: 2"


@pytest.mark.parametrize(
    ("pasted", "read"),
    [
        (f"  {KEY}  \r", f"  {KEY}  "),
        (f"\r{KEY}\r", f"\n{KEY}"),
        (f"{KEY}\r\r", f"{KEY}\n"),
        (f"{KEY}\rsecond line\rthird\r", f"{KEY}\nsecond line\nthird"),
        (f"{KEY}\rrm -rf unfinished", f"{KEY}\nrm -rf unfinished"),
    ],
)
def test_a_pasted_key_is_one_answer_and_leaves_nothing_behind(
    asked: Asked, tmp_path: Path, pasted: str, read: str
) -> None:
    screen = asked("secret")
    screen.wait_for(SECRET)
    screen.type(pasted)
    screen.end()
    assert answers(tmp_path) == [read, ""]
    assert "line" not in screen.raw
    assert "rm" not in screen.raw
    assert KEY not in screen.raw


def test_a_paste_that_comes_in_pieces_is_one_answer(asked: Asked, tmp_path: Path) -> None:
    screen = asked("secret", "confirm")
    screen.wait_for(SECRET)
    for piece in (KEY, "\r", "sec", "ond\r", "\r"):
        screen.type(piece)
        time.sleep(0.02)
    screen.answer("Write this? [Enter or y: yes, n: no, ? help]: ", "n")
    screen.end()
    assert answers(tmp_path) == [f"{KEY}\nsecond\n", False, ""]


def test_a_text_pasted_at_a_choice_does_not_answer_the_next_question(asked: Asked, tmp_path: Path) -> None:
    screen = asked("pick", "confirm")
    screen.wait_for(PICK)
    screen.type("2\r\ry\r")
    screen.wait_for("That was more than one line.")
    screen.answer(PICK, "2")
    screen.answer("Write this? [Enter or y: yes, n: no, ? help]: ", "n")
    screen.end()
    assert answers(tmp_path) == ["b2", False, ""]


def test_what_was_typed_before_the_question_is_no_answer(asked: Asked, tmp_path: Path) -> None:
    screen = asked(f"wait:{tmp_path / 'go'}", "confirm")
    screen.type("\r\ry\r")
    time.sleep(0.3)
    (tmp_path / "go").touch()
    screen.answer("? help]: ", "n")
    screen.end()
    assert answers(tmp_path) == ["waited", False, ""]


@pytest.mark.parametrize("question", ["pick", "confirm", "secret"])
def test_ctrl_c_interrupts_and_leaves_the_terminal_as_it_was(
    asked: Asked, tmp_path: Path, question: str
) -> None:
    screen = asked(question)
    screen.wait_for("? help]: ")
    screen.type("gp-half")
    if question == "secret":
        time.sleep(0.2)
    else:
        screen.wait_for("gp-half")
    screen.type(CTRL_C)
    until = time.monotonic() + 10
    while not (tmp_path / "answers").exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert screen.modes_restored
    screen.end()
    assert answers(tmp_path) == ["KeyboardInterrupt", ""]
    if question == "secret":
        assert "half" not in screen.raw


@pytest.mark.parametrize("question", ["pick", "confirm", "secret"])
def test_the_end_of_input_cancels(asked: Asked, tmp_path: Path, question: str) -> None:
    screen = asked(question)
    screen.wait_for("? help]: ")
    screen.type(CTRL_D)
    screen.end()
    assert answers(tmp_path) == ["cancelled", ""]


def test_a_hidden_prompt_cannot_be_suspended_or_killed_with_the_echo_off(
    asked: Asked, tmp_path: Path
) -> None:
    screen = asked("secret")
    screen.wait_for(SECRET)
    screen.type(f"a{CTRL_Z}b{CTRL_BACKSLASH}c\r")
    screen.end()
    assert answers(tmp_path) == [f"a{CTRL_Z}b{CTRL_BACKSLASH}c", ""]


def test_the_terminal_is_asked_while_stdin_is_a_pipe(asked: Asked, tmp_path: Path) -> None:
    screen = asked("pick", "secret", shell="printf piped | {}")
    screen.answer(PICK, "2")
    screen.answer(SECRET, KEY)
    screen.end()
    assert answers(tmp_path) == ["b2", KEY, "piped"]
    assert KEY not in screen.raw


def test_the_terminal_is_asked_while_the_output_goes_to_files(asked: Asked, tmp_path: Path) -> None:
    screen = asked("pick", shell="{} >out 2>err")
    screen.answer(PICK, "2")
    screen.end()
    assert answers(tmp_path) == ["b2", ""]
    assert (tmp_path / "out").read_text() + (tmp_path / "err").read_text() == ""


def test_a_terminal_that_is_not_the_controlling_one_is_used_as_it_is(asked: Asked, tmp_path: Path) -> None:
    screen = asked("secret", shell="setsid -w {}")
    screen.answer(SECRET, KEY)
    screen.end()
    assert answers(tmp_path) == [KEY, ""]
    assert KEY not in screen.raw


@pytest.mark.parametrize(
    "shell", ["{} </dev/null", "printf x | {} >out 2>err", "{} <&-", "setsid -w {} </dev/null 2>err"]
)
def test_nobody_is_asked_where_nobody_answers(asked: Asked, tmp_path: Path, shell: str) -> None:
    assert asked("pick", shell=shell).end() in (0, 1)
    assert answers(tmp_path)[0] == "not interactive"


def test_what_cannot_hide_its_input_is_not_asked_for_a_secret() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(EchoError):
            PosixTerminal(reading, writing, "utf-8").read("? ", hidden=True)
        with pytest.raises(OSError, match="ioctl"):
            PosixTerminal(reading, writing, "utf-8").read("? ", hidden=False)
    finally:
        os.close(reading)
        os.close(writing)
