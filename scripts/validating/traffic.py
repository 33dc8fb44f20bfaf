"""Reading recorded traffic: what was asked, and what was answered in how many pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from tests.stand_in import COMPLETIONS, Exchange, Request
from tests.stand_in.records import text_of


@dataclass(frozen=True)
class Traffic:
    """What reached the service while one thing was done."""

    requests: Sequence[Request]
    exchanges: Sequence[Exchange]

    @property
    def completions(self) -> list[Request]:
        """The requests for an answer, session titles left out."""
        return [one for one in self.requests if one.path == COMPLETIONS and not one.is_title]

    @property
    def titles(self) -> list[Request]:
        """The requests for a session title."""
        return [one for one in self.requests if one.is_title]

    @property
    def answers(self) -> list[Exchange]:
        """The streamed answers to `completions`."""
        return [one for one in self.exchanges if not one.request.is_title]

    @property
    def tool_calls(self) -> list[str]:
        """The names of the tools that answers called, in order."""
        calls = [
            call for one in self.answers for delta in deltas(one) for call in delta.get("tool_calls") or ()
        ]
        return [call["function"]["name"] for call in calls if call.get("function", {}).get("name")]


def objects(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """The JSON objects of a streamed answer."""
    for event in exchange.events:
        try:
            value = json.loads(event)
        except ValueError:
            continue  # "[DONE]", or what a real service says besides
        if isinstance(value, dict):
            yield value


def deltas(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """What each chunk added."""
    for value in objects(exchange):
        for choice in value.get("choices") or ():
            yield choice.get("delta") or {}


def pieces(exchange: Exchange) -> list[str]:
    """The pieces of text, in the order in which they were streamed."""
    return [str(delta["content"]) for delta in deltas(exchange) if delta.get("content")]


def answered_as(exchange: Exchange) -> set[str]:
    """The model ids that the answer names."""
    return {str(value["model"]) for value in objects(exchange) if value.get("model")}


def messages(request: Request, role: str) -> list[str]:
    """The texts of a request's messages of one role."""
    return [text_of(message) for message in _messages(request) if message.get("role") == role]


def _messages(request: Request) -> list[Mapping[str, Any]]:
    return list(request.json.get("messages") or ())


def essence(text: str) -> str:
    """Only letters and digits, in lower case: what remains the same when a text is wrapped and framed."""
    return "".join(character for character in text.lower() if character.isalnum())
