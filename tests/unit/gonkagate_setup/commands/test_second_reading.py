"""Waiting for the second reader: silent while it is quick, with a line and the seconds when it is not."""

from __future__ import annotations

import threading
from io import StringIO

import pytest

from foundation import background
from foundation.errors import Refusal
from foundation.terminal import progress
from foundation.terminal.terminal import Outlet, Terminal
from gonkagate_setup.commands import second_reading


def on_terminal(screen: StringIO) -> Terminal:
    return Terminal(
        Outlet(None, terminal=True, colour=False),
        Outlet(screen, terminal=True, colour=False),
        json=False,
        quiet=False,
        find_device=lambda: None,
        find_width=lambda: 80,
    )


def test_p12_a_long_second_reading_shows_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_reading, "_UNNOTICED_SECONDS", 0)
    monkeypatch.setattr(progress, "_MARKS_SECONDS", (0, 1))
    shown = threading.Event()

    class Screen(StringIO):
        def write(self, text: str) -> int:
            if " 0 s" in text:
                shown.set()
            return super().write(text)

    screen = Screen()

    def reading() -> None:
        shown.wait(60)

    check = background.start(reading, deep=True)
    second_reading.await_end(check, on_terminal(screen))
    assert screen.getvalue().startswith("checking the edit with a second parser ... 0 s")


def test_p12_a_short_one_says_nothing() -> None:
    screen = StringIO()
    second_reading.await_end(background.start(lambda: None), on_terminal(screen))
    assert screen.getvalue() == ""


def test_p12_what_it_finds_is_raised() -> None:
    def call() -> None:
        raise Refusal("managed_config_merge_failed", "x", next_step="y")

    with pytest.raises(Refusal):
        second_reading.await_end(background.start(call), on_terminal(StringIO()))
