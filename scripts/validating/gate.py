"""Holds a streamed answer back, to see whether its beginning is shown before its end exists."""

from __future__ import annotations

import threading
from typing import Final, Iterator

from scripts.validating.traffic import essence, messages, pieces
from tests.stand_in import Answerer, Exchange, Request

# Enough to be told from an answer that came whole, and few enough for a short sentence.
PIECES: Final = 3
_CHARACTERS: Final = 8


class Gate:
    """While closed, the next answer (not a title) comes piece by piece from its third one on, until `open`.

    Each piece waits `step` seconds: opencode 1.14.34 now and then draws nothing before the next one comes.
    """

    def __init__(self, step: float = 10.0) -> None:
        self.step = step
        self._armed = False
        self._open = threading.Event()
        self.reached = threading.Event()
        self.beginning = ""

    def close(self) -> None:
        """Hold the next answer."""
        self._armed = True

    def open(self) -> None:
        """Let the rest of the answer through, and hold no other."""
        self._armed = False
        self._open.set()

    def around(self, answerer: Answerer) -> Answerer:
        """The same answerer behind this gate."""

        def answer(request: Request) -> Iterator[str]:
            events = answerer(request)
            if not self._armed or request.is_title:
                return events
            self._armed = False
            return self._hold(request, events)

        return answer

    def _hold(self, request: Request, events: Iterator[str]) -> Iterator[str]:
        asked = essence("".join(messages(request, "user")))
        exchange = Exchange(request)
        for event in events:
            yield event
            exchange.events.append(event)
            seen = pieces(exchange)
            text = essence("".join(seen))
            # What is in the prompt is on the screen anyway.
            if len(seen) < PIECES or len(text) < _CHARACTERS or text in asked:
                continue
            if not self.reached.is_set():
                self.beginning = "".join(seen)
                self.reached.set()
            self._open.wait(self.step)
