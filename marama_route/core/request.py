"""A chat payload or a routing request, read as what it needs of a model. Its texts are measured, never kept.

Everything else in a chat payload is for the backend and passes unread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from marama_route.core import wishes
from marama_route.core.errors import invalid
from marama_route.core.sizes import estimated_tokens
from marama_route.core.wishes import Wishes
from sovereigncode.core.shapes import Place

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
_HINTS: Final = ("route", "routing")
_PARTS: Final = {
    "image_url": "image",
    "input_image": "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "video_url": "video",
    "file": "file",
}
_ROUTING_KEYS: Final = {*wishes.REQUEST_SHAPE.fields, *_HINTS, "prompt", "model", "metadata"}
MOST_TOKENS: Final = 1_000_000_000
LONGEST_NAME: Final = 256


@dataclass(frozen=True)
class Asked:
    """What was asked: the name of the model, what the request says that it wishes, and what follows from it.

    `needed_tokens` is an estimate of the question's tokens plus the most that the answer may have.
    `model` is None only in a routing request.
    """

    model: str | None
    given: Wishes
    modalities: frozenset[str] = frozenset({"text"})
    needed_tokens: int = 0
    tools: bool = False
    json: bool = False
    stream: bool = False
    include_usage: bool = False


def read(payload: Any, *, routing: bool = False) -> Asked:
    """A chat payload, or for `/v1/route` (`routing`) also a request with a prompt.

    Raises RequestRefusal invalid_request with the field that is wrong.
    """
    if not isinstance(payload, dict):
        raise invalid(None, "the body must be a JSON object")
    if routing and payload.get("messages") is None:
        return _read_routing(payload)
    messages = payload.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages", "messages must be a list with at least one message")
    modalities = {"text"}
    for index, message in enumerate(messages):
        modalities |= _modalities(message, index)
    tools = _has(payload, "tools") or _has(payload, "functions")
    options = _object(payload, "stream_options")
    read_by_model = [payload.get(name) for name in ("messages", "tools", "functions", "response_format")]
    return Asked(
        model=_model(payload),
        given=_given(payload, ()),
        modalities=frozenset(modalities),
        needed_tokens=estimated_tokens(read_by_model) + _answer_tokens(payload),
        tools=tools,
        json=_object(payload, "response_format").get("type") in ("json_object", "json_schema"),
        stream=_flag(payload, "stream", "stream"),
        include_usage=_flag(options, "include_usage", "stream_options.include_usage"),
    )


def _read_routing(payload: dict[str, Any]) -> Asked:
    for name in payload:
        if name not in _ROUTING_KEYS:
            raise invalid(_named((name,)), "a routing request has a field that is not known")
    prompt = payload.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise invalid("prompt", "a routing request needs a prompt or messages")
    return Asked(
        model=None if payload.get("model") is None else _model(payload),
        given=_given(payload, tuple(wishes.REQUEST_SHAPE.fields)),
        needed_tokens=estimated_tokens([prompt]),
    )


def _model(payload: dict[str, Any]) -> str:
    name = payload.get("model")
    if not isinstance(name, str) or not name.strip():
        raise invalid("model", "model must be the name of a model or an alias")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise invalid("model", "model is not a name")
    return name


def _modalities(message: Any, index: int) -> set[str]:
    place = f"messages[{index}]"
    if not isinstance(message, dict):
        raise invalid(place, "a message must be an object")
    if message.get("role") not in ROLES:
        raise invalid(f"{place}.role", f"role must be one of {', '.join(ROLES)}")
    content = message.get("content")
    if content is None or isinstance(content, str):
        return set()
    if not isinstance(content, list):
        raise invalid(f"{place}.content", "content must be a text, a list of parts or null")
    found = set()
    for number, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str):
            raise invalid(f"{place}.content[{number}]", "a part of the content must be an object with a type")
        if kind in _PARTS:
            found.add(_PARTS[kind])
    return found


def _given(payload: dict[str, Any], own: tuple[str, ...]) -> Wishes:
    metadata = payload.get("metadata")
    inner = metadata.get("marama_route") if isinstance(metadata, dict) else None
    places: list[tuple[Place, Any]] = [((name,), payload.get(name)) for name in _HINTS]
    places += [
        (("metadata", "marama_route"), inner),
        ((), {name: payload[name] for name in own if name in payload}),
    ]
    said: dict[str, Any] = {}
    for place, hints in places:
        if hints is None:
            continue
        for problem in wishes.REQUEST_SHAPE.first_problems(hints):
            raise invalid(_named((*place, *problem.place)), problem.message)
        for name, value in hints.items():
            if value is not None and said.setdefault(name, value) != value:
                raise invalid(_named((*place, name)), "this hint is given twice, with different values")
    return wishes.parsed(said)


def _answer_tokens(payload: dict[str, Any]) -> int:
    most = 0
    for name in ("max_tokens", "max_completion_tokens"):
        value = payload.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_TOKENS:
            raise invalid(name, f"{name} must be a whole number from 0 to {MOST_TOKENS}")
        most = max(most, value)
    return most


def _has(payload: dict[str, Any], name: str) -> bool:
    value = payload.get(name)
    if value is None:
        return False
    if not isinstance(value, list):
        raise invalid(name, f"{name} must be a list")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise invalid(f"{name}[{index}]", "a tool must be an object")
    return bool(value)


def _object(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(name, f"{name} must be an object")
    return value


def _flag(payload: dict[str, Any], name: str, param: str) -> bool:
    value = payload.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid(param, f"{param} must be true or false")


def _named(place: Place) -> str | None:
    """The field as OpenAI names one; a name that the request made up is not repeated."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part in _ROUTING_KEYS or part == "marama_route":
            text += f".{part}" if text else part
    return text or None
