"""Progress is appended: who has answered, and on a terminal who is still waited for."""

from __future__ import annotations

from overlord.ui.progress import Progress
from tests.support.overlord_runs import failed


def shown(*, on_terminal: bool) -> tuple[Progress, list[str]]:
    pieces: list[str] = []
    return Progress(pieces.append, on_terminal=on_terminal), pieces


def test_who_has_answered_is_one_line() -> None:
    progress, pieces = shown(on_terminal=False)
    progress.settled("normal-1", 3.2, None)
    progress.waiting([("ultra", 1000.0)])
    progress.settled("normal-2", 0.0, None)
    progress.settled("ultra", 41.4, failed())
    progress.end()
    progress.end()
    assert "".join(pieces) == "      normal-1 3 s, normal-2 1 s, ultra 41 s: no answer\n"


def test_on_a_terminal_waiting_shows_the_seconds_of_each_now_and_then() -> None:
    progress, pieces = shown(on_terminal=True)
    progress.settled("normal-1", 3.2, None)
    for second in range(100):
        progress.waiting([("ultra", float(second)), ("normal-2", second / 2)])
    progress.settled("ultra", 100.0, None)
    progress.end()
    lines = "".join(pieces).split("\n")
    assert lines[0] == "      normal-1 3 s"
    assert [line.split(",")[0] for line in lines[1:-2]] == [
        f"      waiting for ultra {seconds} s" for seconds in (5, 10, 20, 30, 60, 90)
    ]
    assert lines[2].endswith(", normal-2 5 s")
    assert lines[-2:] == ["      ultra 100 s", ""]


def test_nothing_is_shown_of_nobody() -> None:
    progress, pieces = shown(on_terminal=True)
    progress.waiting([])
    progress.end()
    assert pieces == []
