"""Holds a streamed answer back in the middle, to see whether its beginning is shown before its end exists."""

from __future__ import annotations

import threading
from typing import Final, Iterator

from scripts.validating.traffic import essence, pieces
from tests.stand_in import Answerer, Exchange, Request

# Enough to be told from an answer that came whole, and few enough for a short sentence.
PIECES: Final = 3
_CHARACTERS: Final = 8


class Gate:
    """While closed, the next answer that is no title stops after its first pieces until `open`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._armed = False
        self._open = threading.Event()
        self.reached = threading.Event()
        self.held_text = ""

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
        exchange = Exchange(request)
        for event in events:
            yield event
            exchange.events.append(event)
            seen = pieces(exchange)
            text = "".join(seen)
            if len(seen) >= PIECES and len(essence(text)) >= _CHARACTERS and not self.reached.is_set():
                self.held_text = text
                self.reached.set()
                self._open.wait(self._seconds)
