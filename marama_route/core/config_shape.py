"""What may be in config.yaml, as one shape: keys, values, and which must be there."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Callable, Final, Iterator

from marama_route.core import addresses
from marama_route.core.keys import HASH_PATTERN, Role
from marama_route.core.registry import LOCAL_TIER, MODALITIES, WORST_RANK
from marama_route.core.wishes import ALIAS_SHAPE
from sovereigncode.core.capsule import IDENTIFIER, NAME
from sovereigncode.core.shapes import Field, Flag, Many, Number, OneOf, Place, Problem, Record, Shape, Text
from sovereigncode.core.words import words

VERSION: Final = 1
_MOST_ENTRIES: Final = 10_000
_LARGEST_TOKENS: Final = 100_000_000
_A_DAY: Final = 86_400
_MOST_REQUESTS: Final = 1_000_000
_LARGEST_B: Final = 1_000_000
MODEL_NAME: Final = Text(
    "1 to 128 letters, digits and . _ : / @ + -, beginning with a letter or digit",
    r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}",
    128,
)
_VARIABLE: Final = Text("the name of an environment variable", r"[A-Za-z_][A-Za-z0-9_]{0,127}", 128)


@dataclass(frozen=True)
class Judged(Shape):
    """A text that a function finds nothing wrong with."""

    wrong: Callable[[str], str | None]

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """What is wrong with every text, else what the function says."""
        usual = [*NAME.problems(value, place)]
        yield from usual
        sentence = None if usual else self.wrong(value)
        if sentence is not None:
            yield Problem(place, sentence)

    def schema(self) -> dict[str, Any]:
        """A string."""
        return NAME.schema()


@dataclass(frozen=True)
class Named(Shape):
    """Entries under names that are free."""

    name: Text
    entry: Shape

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not a map, too long, a name that cannot be one, or an entry that is wrong."""
        if not isinstance(value, dict):
            yield Problem(place, "this must be an object with named keys")
            return
        if len(value) > _MOST_ENTRIES:
            yield Problem(place, f"this has more than {_MOST_ENTRIES} entries")
            return
        for name, inner in value.items():
            for problem in self.name.problems(name, (*place, name)):
                yield Problem(
                    problem.place, f"the name of this entry is wrong: {problem.message}", at_key=True
                )
            yield from self.entry.problems(inner, (*place, name))

    def schema(self) -> dict[str, Any]:
        """An object with entries of one kind."""
        return {
            "type": "object",
            "propertyNames": self.name.schema(),
            "additionalProperties": self.entry.schema(),
        }


@dataclass(frozen=True)
class Amount(Shape):
    """A number that is not negative, whole or not."""

    most: int

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not a number, or out of bounds."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not 0 <= value <= self.most:
            yield Problem(place, f"this must be a number from 0 to {self.most}")

    def schema(self) -> dict[str, Any]:
        """A number with its bounds."""
        return {"type": "number", "minimum": 0, "maximum": self.most}


@dataclass(frozen=True)
class AtLeastOne(Shape):
    """A list that is not empty."""

    item: Shape

    def problems(self, value: Any, place: Place = ()) -> Iterator[Problem]:
        """Not a list, empty, or an item is wrong."""
        if value == []:
            yield Problem(place, "this list must have at least one item")
        yield from Many(self.item).problems(value, place)

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {**Many(self.item).schema(), "minItems": 1}


def _wrong_path(text: str) -> str | None:
    # `~` stays as it is: whoever opens the file knows whose home it is.
    home = re.match(r"~(?:[/\\]|$)", text) is not None
    if home or PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
        return None
    return "this path must be absolute or begin with ~/: the current folder does not count"


def _wrong_listen(text: str) -> str | None:
    return None if addresses.listen(text) else "this must be a host and a port, like 127.0.0.1:8787"


def _wrong_origin(text: str) -> str | None:
    return (
        None
        if addresses.is_origin(text)
        else "this must be one origin, like https://console.example: no wildcard"
    )


_PATH: Final = Judged(_wrong_path)
_SECONDS: Final = Number(1, _A_DAY)
_KEY: Final = Record(
    {
        "hash": Field(
            Text("sha256: and 64 hex digits in small letters", HASH_PATTERN),
            "the SHA-256 of the key; the key itself is nowhere",
            needed=True,
        ),
        "role": Field(OneOf(words(Role)), "an approver also decides about tool calls"),
    }
)
_TENANT: Final = Record(
    {
        "id": Field(IDENTIFIER, "what the tenant is called in headers, policies and records", needed=True),
        "keys": Field(Many(_KEY), "who may ask"),
        "purpose": Field(NAME, "what a request is for, if neither its header nor the policy says so"),
        "requests_per_minute": Field(
            Number(0, _MOST_REQUESTS), "more are answered with 429; 0 lets none through"
        ),
    }
)
_BACKEND: Final = Record(
    {
        "base_url": Field(
            Judged(addresses.wrong_base_url),
            "where its OpenAI-compatible interface is; http only to loopback and private addresses",
            needed=True,
        ),
        "api_key_env": Field(_VARIABLE, "the variable that has its key"),
        "api_key_file": Field(_PATH, "the file that has its key; ~ is your home"),
        "timeouts": Field(
            Record(
                {
                    "connect": Field(_SECONDS, "until the connection is made"),
                    "first_byte": Field(_SECONDS, "until the first byte of the answer"),
                    "silence": Field(_SECONDS, "between two bytes"),
                }
            ),
            "limits in seconds",
        ),
    }
)
_MODEL: Final = Record(
    {
        "id": Field(
            MODEL_NAME, "its name here; a request that names it gets this model or none", needed=True
        ),
        "backend": Field(NAME, "which backend runs it", needed=True),
        "upstream_model": Field(NAME, "its name there"),
        "license": Field(NAME, "its licence, for policies that list licences"),
        "modalities": Field(AtLeastOne(OneOf(MODALITIES)), "what it takes"),
        "context_tokens": Field(
            Number(1, _LARGEST_TOKENS), "how many tokens question and answer may have together", needed=True
        ),
        "max_output_tokens": Field(Number(1, _LARGEST_TOKENS), "how many the answer may have"),
        "residency": Field(AtLeastOne(NAME), "every region where it may run", needed=True),
        "jurisdiction": Field(NAME, "whose law counts for who runs it"),
        "sovereignty_tier": Field(
            Number(0, LOCAL_TIER),
            "3 this machine or this organisation, 2 a provider resident in the jurisdiction, 1 a "
            "resident region of a foreign provider, 0 elsewhere",
        ),
        "tags": Field(Many(NAME), "tasks that it is good at: code, reasoning"),
        "supports_tools": Field(Flag(), "whether it calls tools"),
        "supports_json": Field(Flag(), "whether it can be made to answer in JSON"),
        "quality_rank": Field(Number(0, WORST_RANK), "0 is the best"),
        "cost_rank": Field(Number(0, WORST_RANK), "0 is the cheapest"),
        "active_params_b": Field(Amount(_LARGEST_B), "active parameters in thousand millions"),
    }
)
SHAPE: Final = Record(
    {
        "version": Field(Number(VERSION, VERSION), "the form of this file", needed=True),
        "listen": Field(Judged(_wrong_listen), "host and port"),
        "store": Field(Judged(addresses.wrong_store), "sqlite, or a URL of PostgreSQL"),
        "tenants": Field(Many(_TENANT), "organisations with their keys"),
        "workspaces": Field(Many(_PATH), "folders with a capsule"),
        "backends": Field(Named(IDENTIFIER, _BACKEND), "servers that run models, by name"),
        "models": Field(Many(_MODEL), "what can be asked for"),
        "aliases": Field(
            Named(MODEL_NAME, ALIAS_SHAPE),
            "names that leave a choice, each with what it wishes; all of them, if any is given",
        ),
        "tools": Field(
            Named(NAME, NAME), "more tools of clients, each with its class or the known tool that it is like"
        ),
        "cors": Field(Many(Judged(_wrong_origin)), "origins of pages that may ask from a browser"),
    }
)
