"""The interface as an OpenAPI 3.1 document; the shapes are those that requests are judged by."""

from __future__ import annotations

from typing import Any, Final, Mapping

from marama_route import __version__
from marama_route.core import headers, wishes
from marama_route.core.config import DEFAULT_LISTEN
from marama_route.core.errors import CODES
from marama_route.core.request import LONGEST_NAME, MOST_TOKENS, ROLES
from marama_route.http import answers
from sovereigncode.approvals.approval import State
from sovereigncode.core import request as policy_request
from sovereigncode.core.capsule import IDENTIFIER, NAME
from sovereigncode.core.words import Sensitivity, words

_Schema = dict[str, Any]
_OBJECT: Final[_Schema] = {"type": "object"}
_HEADERS: Final[Mapping[str, _Schema]] = {
    headers.TENANT: NAME.schema(),
    headers.CAPSULE: IDENTIFIER.schema(),
    headers.PURPOSE: NAME.schema(),
    headers.CONSENT: NAME.schema(),
    headers.JURISDICTION: NAME.schema(),
    headers.SENSITIVITY: {"type": "string", "enum": list(words(Sensitivity))},
    headers.SESSION: NAME.schema(),
}
_WITH_KEY: Final = (400, 401, 403, 429, 500)
_DECIDED: Final = (404, 413, 422, 503)
_DECIDING: Final = (*_WITH_KEY, *_DECIDED)


def document() -> dict[str, Any]:
    """The document, as JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MaramaRoute",
            "version": __version__,
            "description": "One OpenAI-compatible address in front of every model.",
        },
        "servers": [{"url": f"http://{DEFAULT_LISTEN.host}:{DEFAULT_LISTEN.port}"}],
        "security": [{"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Chat": _chat(), "Error": _error(), "Routing": _routing(), "Policy": _policy()},
        },
    }


def _paths() -> dict[str, Any]:
    # A chat may also end with what a backend says of the request itself: any 4xx.
    return {
        "/v1/models": {"get": _get("What this tenant may ask for", _list())},
        "/v1/models/{id}": {"get": _get("One of them", _OBJECT, 404, path=True)},
        "/v1/chat/completions": {
            "post": {
                **_post("A chat", _ref("Chat"), (*_DECIDING, 502, 504, "4XX"), decided=True),
                "responses": {
                    "200": {
                        "description": "The answer",
                        "headers": _answer_headers(decided=True),
                        "content": {
                            answers.JSON: {"schema": _OBJECT},
                            "text/event-stream": {"schema": {"type": "string"}},
                        },
                    },
                    **_errors((*_DECIDING, 502, 504, "4XX")),
                },
            }
        },
        "/v1/route": {
            "post": _post(
                "The decision about a chat or a routing request; no model is run",
                {"anyOf": [_ref("Chat"), _ref("Routing")]},
                _DECIDING,
                decided=True,
            )
        },
        "/v1/route/{id}": {"get": _get("The stored decision", _OBJECT, 404, 503, path=True)},
        "/v1/policy/evaluate": {"post": _post("One request judged", _ref("Policy"), (*_WITH_KEY, 413, 503))},
        "/v1/approvals": {
            "get": _get("Approvals", _list(), 503, query={"state": {"enum": [one.value for one in State]}})
        },
        "/v1/approvals/{id}": {
            "get": _get("One approval with its diff", _OBJECT, 404, 503, path=True),
            "post": {
                **_post("Approve or reject", _verdict(), (*_WITH_KEY, 404, 409, 413, 503)),
                "parameters": [_ID],
            },
        },
        "/v1/audit": {
            "get": _get(
                "Records of the audit chain, newest last",
                _list(),
                503,
                query={"after": _whole(2**53 - 1), "limit": _whole(1000)},
                named=True,
            )
        },
        "/v1/audit/verify": {"get": _get("Whether the chain holds", _OBJECT, 503, named=True)},
        "/healthz": {"get": _open("The process answers")},
        "/readyz": {"get": _open("Store and configuration can be used", 503)},
        "/metrics": {"get": _open("Numbers for Prometheus", 401, 403, content="text/plain")},
        "/openapi.json": {"get": _open("This document")},
    }


_ID: Final = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _get(
    summary: str,
    schema: _Schema,
    *statuses: int,
    path: bool = False,
    query: Mapping[str, _Schema] | None = None,
    named: bool = False,
) -> _Schema:
    parameters = [_ID] if path else []
    parameters += [{"name": name, "in": "query", "schema": shape} for name, shape in (query or {}).items()]
    return {
        "summary": summary,
        "parameters": [*parameters, *(_named() if named else [])],
        "responses": {"200": _good(schema), **_errors((*_WITH_KEY, *statuses))},
    }


def _post(
    summary: str, schema: _Schema, statuses: tuple[int | str, ...], *, decided: bool = False
) -> _Schema:
    return {
        "summary": summary,
        "parameters": _named(),
        "requestBody": {"required": True, "content": {answers.JSON: {"schema": schema}}},
        "responses": {"200": _good(_OBJECT, decided=decided), **_errors(statuses)},
    }


def _open(summary: str, *statuses: int, content: str = answers.JSON) -> _Schema:
    good = {"description": "Yes", "headers": _answer_headers(), "content": {content: {"schema": {}}}}
    return {"summary": summary, "security": [], "responses": {"200": good, **_errors((*statuses, 500))}}


def _good(schema: _Schema, *, decided: bool = False) -> _Schema:
    content = {answers.JSON: {"schema": schema}}
    return {"description": "The answer", "headers": _answer_headers(decided=decided), "content": content}


def _errors(statuses: tuple[int | str, ...]) -> dict[str, _Schema]:
    content = {answers.JSON: {"schema": _ref("Error")}}
    return {
        str(status): {
            "description": ", ".join(code for code, kind in CODES.items() if kind.status == status)
            or "What a backend says of the request itself",
            "headers": _answer_headers(),
            "content": content,
        }
        for status in dict.fromkeys(statuses)
    }


def _answer_headers(*, decided: bool = False) -> _Schema:
    names = [answers.REQUEST_ID]
    names += [answers.DECISION_ID, answers.MODEL, answers.POLICY] if decided else []
    return {name: {"schema": {"type": "string"}} for name in names}


def _named() -> list[_Schema]:
    # An empty header is a missing one.
    empty = {"const": ""}
    return [
        {"name": name, "in": "header", "schema": {"anyOf": [schema, empty]}}
        for name, schema in _HEADERS.items()
    ]


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list() -> _Schema:
    properties = {"object": {"const": "list"}, "data": {"type": "array", "items": _OBJECT}}
    return {"type": "object", "required": ["object", "data"], "properties": properties}


def _whole(most: int) -> _Schema:
    return {"type": "integer", "minimum": 0, "maximum": most}


def _maybe(*kinds: str, **more: Any) -> _Schema:
    return {"type": [*kinds, "null"], **more}


def _model() -> _Schema:
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": "^[!-~]+$"}


def _hints() -> dict[str, _Schema]:
    hints = {"anyOf": [wishes.REQUEST_SHAPE.schema(), {"type": "null"}]}
    return {"route": hints, "routing": hints, "metadata": {}}


def _chat() -> _Schema:
    part = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}}
    content = {"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "array", "items": part}]}
    message = {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"enum": list(ROLES)}, "content": content},
    }
    tokens = _maybe("integer", minimum=0, maximum=MOST_TOKENS)
    return {
        "type": "object",
        "description": "OpenAI's; fields that are not described here are passed on.",
        "required": ["model", "messages"],
        "properties": {
            "model": _model(),
            "messages": {"type": "array", "minItems": 1, "items": message},
            "tools": _maybe("array", items=_OBJECT),
            "functions": _maybe("array", items=_OBJECT),
            "stream": _maybe("boolean"),
            "stream_options": _maybe("object", properties={"include_usage": _maybe("boolean")}),
            "response_format": _maybe("object"),
            "max_tokens": tokens,
            "max_completion_tokens": tokens,
            **_hints(),
        },
    }


def _routing() -> _Schema:
    hints = wishes.REQUEST_SHAPE.schema()["properties"]
    return {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            **hints,
            **_hints(),
            "prompt": {"type": "string", "pattern": "[!-~]"},
            "model": {"anyOf": [_model(), {"type": "null"}]},
        },
        "additionalProperties": False,
    }


def _policy() -> _Schema:
    return policy_request.SHAPE.schema()


def _verdict() -> _Schema:
    return {
        "type": "object",
        "required": ["decision"],
        "properties": {"decision": {"enum": ["approve", "reject"]}, "note": _maybe("string", maxLength=2000)},
        "additionalProperties": False,
    }


def _error() -> _Schema:
    text = _maybe("string")
    fields = {
        "message": {"type": "string"},
        "type": {"type": "string"},
        "param": text,
        "code": text,
        "decision_id": text,
    }
    inner = {"type": "object", "required": list(fields), "properties": fields}
    return {"type": "object", "required": ["error"], "properties": {"error": inner}}
