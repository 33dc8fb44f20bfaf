"""The Windows console's key-by-key reading, which needs no Windows: keys in, answer out."""

from __future__ import annotations

import io
from typing import Iterable

import pytest

from foundation.terminal.device import WindowsConsole, read_keys


class Keys:
    """msvcrt's getwch and kbhit over a list: typed ones come one by one, pasted ones are waiting."""

    def __init__(self, typed: Iterable[str], *, pasted: bool = False) -> None:
        self.typed = list(typed)
        self.pasted = pasted

    def getwch(self) -> str:
        return self.typed.pop(0)

    def kbhit(self) -> bool:
        return self.pasted and bool(self.typed)


def read(keys: Keys) -> str:
    return read_keys(keys.getwch, keys.kbhit)


def test_typed_keys_become_the_answer_at_enter() -> None:
    keys = Keys("gp-ax\bbc\rleft")
    assert read(keys) == "gp-abc"
    assert keys.typed == list("left")


def test_a_paste_is_one_answer() -> None:
    keys = Keys("\rgp-abc\rsecond\r", pasted=True)
    assert read(keys) == "\ngp-abc\nsecond"
    assert keys.typed == []


def test_arrow_and_function_keys_type_nothing() -> None:
    assert read(Keys(["a", "\xe0", "H", "\x00", ";", "b", "\r"])) == "ab"


def test_backspace_at_the_start_does_nothing() -> None:
    assert read(Keys("\b\ba\r")) == "a"


def test_ctrl_c_interrupts_and_ctrl_z_ends() -> None:
    with pytest.raises(KeyboardInterrupt):
        read(Keys("gp\x03"))
    with pytest.raises(EOFError):
        read(Keys("\x1a"))


def test_the_console_shows_nothing_of_a_hidden_answer() -> None:
    shown = io.StringIO()
    console = WindowsConsole(io.StringIO(), shown, Keys("gp-abc\r"))
    assert console.read("Key: ", hidden=True) == "gp-abc"
    assert shown.getvalue() == "Key: \n"


def test_keys_from_before_the_question_are_thrown_away() -> None:
    keys = Keys("\r\r", pasted=True)
    console = WindowsConsole(io.StringIO("2\n"), io.StringIO(), keys)
    assert console.read("? ", hidden=False) == "2"
    assert keys.typed == []


def test_the_end_of_the_console_s_input_is_the_end() -> None:
    for text in ("", "\x1a\n"):
        with pytest.raises(EOFError):
            WindowsConsole(io.StringIO(text), io.StringIO(), Keys("")).read("? ", hidden=False)
