"""The table of routes is the contract's, and so is the OpenAPI document."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from marama_route.core.errors import CODES
from marama_route.http import openapi, routes

# Section 5 of the contract, by hand; the console is not there yet.
CONTRACT = {
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{id}"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/route"),
    ("GET", "/v1/route/{id}"),
    ("POST", "/v1/policy/evaluate"),
    ("GET", "/v1/approvals"),
    ("GET", "/v1/approvals/{id}"),
    ("POST", "/v1/approvals/{id}"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/audit/verify"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}
OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json"}


def test_the_routes_are_those_of_the_contract() -> None:
    assert {(one.method, one.path) for one in routes.ROUTES} == CONTRACT | {("GET", "/openapi.json")}
    assert {one.path for one in routes.ROUTES if one.open} == OPEN


@pytest.mark.parametrize(
    ("method", "path", "found", "argument"),
    [
        ("GET", "/v1/models", "/v1/models", ""),
        ("GET", "/v1/models/lumynax/coder", "/v1/models/{id}", "lumynax/coder"),
        ("GET", "/v1/audit/verify", "/v1/audit/verify", ""),
        ("POST", "/v1/approvals/ap_1", "/v1/approvals/{id}", "ap_1"),
        ("GET", "/v1/approvals/", None, ""),
        ("GET", "/v1/audit/other", None, ""),
        ("DELETE", "/v1/models", None, ""),
        ("get", "/v1/models", None, ""),
        ("GET", "/V1/models", None, ""),
        ("GET", "//v1/models", None, ""),
        ("GET", "/", None, ""),
    ],
)
def test_finding(method: str, path: str, found: str | None, argument: str) -> None:
    result = routes.find(method, path)
    assert (None if result.route is None else result.route.path) == found
    assert result.argument == argument


def test_the_document_has_every_route_and_no_other() -> None:
    described = {
        (method.upper(), path) for path, methods in openapi.document()["paths"].items() for method in methods
    }
    assert described == {(one.method, one.path) for one in routes.ROUTES}


def test_the_document_has_no_status_that_the_contract_does_not_have() -> None:
    known = {"200", "4XX"} | {str(kind.status) for kind in CODES.values()}
    for methods in openapi.document()["paths"].values():
        for operation in methods.values():
            assert set(operation["responses"]) <= known


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = openapi.document()
    found = list(_references(document))
    assert found
    for reference in found:
        value: Any = document
        for part in reference.removeprefix("#/").split("/"):
            value = value[part]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
