"""The tables of docs/marama-route.md: configuration, gates, scores, errors; write_docs.py writes them.

What a row says is taken from the program: the shape of the configuration with its defaults, the gates, and
scores that are measured by routing two models that differ in one thing.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any, Final, Iterator, Mapping, Sequence

from marama_route import command_line
from marama_route.core import config, gates, wishes
from marama_route.core.config import Backend, Tenant, Timeouts
from marama_route.core.config_shape import SHAPE, Amount, AtLeastOne, Named
from marama_route.core.errors import CODES, Exit
from marama_route.core.headers import Headers
from marama_route.core.hints import Hints, understood
from marama_route.core.judged import request_of
from marama_route.core.keys import Key
from marama_route.core.registry import Model, Registry
from marama_route.core.request import read
from marama_route.core.routing import route
from marama_route.errors import KINDS
from scripts.lib.cache import ROOT
from scripts.lib.command_tables import commands, filled, statuses
from sovereigncode.core import capsule
from sovereigncode.core.combined import Combined, combine
from sovereigncode.core.shapes import Flag, Many, Number, OneOf, Record, Shape

PAGE: Final = ROOT / "docs" / "marama-route.md"
_DEFAULTS: Final[Mapping[str, type]] = {
    "tenants[].": Tenant,
    "tenants[].keys[].": Key,
    "backends{}.": Backend,
    "backends{}.timeouts.": Timeouts,
    "models[].": Model,
}
_ALSO: Final[Mapping[str, str]] = {
    "listen": f"{config.DEFAULT_LISTEN.host}:{config.DEFAULT_LISTEN.port}",
    "store": config.DEFAULT_STORE,
    "models[].upstream_model": "its id",
    "aliases": "the five of `marama-route models`",
}
_WISHES: Final[Mapping[str, str]] = {
    "task": "what it is for; a model with that tag scores more",
    "modalities": "what the model must take",
    "jurisdiction": "where the model must run",
    "data_sensitivity": "counts if it is stricter than the capsule's",
    "min_context_tokens": "how many tokens the model must have",
    "requires_local": "only models of tier 3",
    "requires_tools": "only models that call tools",
    "requires_json": "only models that answer in JSON",
    "license_allowlist": "only models with one of these licences",
    "max_fallbacks": "how many other models may be tried; 0 is a value",
}
_GATES: Final[Mapping[str, str]] = {
    "policy_denied": "capsule and policy allow the model, in every region where it may run",
    "modality_mismatch": "it takes texts, images or audio as the request has them",
    "context_too_small": "its context holds the question, as estimated, and the answer that is asked for",
    "tools_required": "it calls tools, if the request has some",
    "json_required": "it answers in JSON, if `response_format` asks for it",
    "license_not_allowed": "its licence is in the list that the request gives",
    "residency_mismatch": "it runs in the jurisdiction and nowhere else, if the sensitivity is high, the "
    "policy names regions, or the request names a jurisdiction",
    "sovereignty_tier_too_low": "its tier is 3 for `requires_local`, 2 or more for high sensitivity",
    "backend_unavailable": "its backend did not fail three times in a row in the last 30 seconds",
}
_ERRORS: Final[Mapping[str, str]] = {
    "invalid_request": "the request is not one; `param` names the field",
    "invalid_api_key": "there is no valid key",
    "policy_denied": "capsule and policy allow no model for this; the message has the codes",
    "model_denied": "the model that is named may not be used",
    "tenant_mismatch": "`X-AbteeX-Tenant` is not the key's tenant",
    "personal_details_found": "personal details are in what would leave; kinds and counts, never values",
    "credentials_found": "keys or passwords are in it",
    "approver_key_required": "a client's key cannot decide about tool calls",
    "model_not_found": "no model and no alias has this name",
    "decision_not_found": "there is no such decision of this tenant",
    "approval_not_found": "there is no such approval of this tenant",
    "approval_decided": "somebody has answered already",
    "request_too_large": "more than 16 MiB",
    "no_eligible_model": "no model can take it; the message has each with its reason",
    "rate_limited": "the tenant has sent as many as it may",
    "internal_error": "a fault of the gateway, which its log names",
    "backend_failed": "every eligible model was tried, and the last backend failed",
    "not_ready": "the store or the audit chain cannot be written: nothing is forwarded, no call passed on",
    "backend_timeout": "every eligible model was tried, and the last one was too slow",
}
_MEANINGS: Final[Mapping[Exit, str]] = {
    Exit.DONE: "done, or allowed",
    Exit.FAULT: "a fault of this program or of a backend, or the store cannot be used",
    Exit.USAGE: "a wrong command line, or an answer that nobody could give",
    Exit.FILE: "a file is missing, invalid or cannot be written; nothing was changed",
    Exit.DENIED: "denied, declined, or no model can take it",
    Exit.HANGUP: "the terminal was closed",
    Exit.INTERRUPTED: "cancelled with Ctrl-C",
    Exit.TERMINATED: "ended by SIGTERM; `serve` then ends with 0",
}
_PLAIN: Final = Model("m", "b", "m", ("NZ",), 1000, sovereignty_tier=3, quality_rank=10, cost_rank=0)


def page(text: str) -> str:
    """The page with its tables as the program has them."""
    return filled(
        text,
        {
            "configuration": _configuration(),
            "wishes": _table(
                ("key", "what it wishes"),
                [(f"`{name}`", _WISHES[name]) for name in wishes.ALIAS_SHAPE.fields],
            ),
            "gates": _table(
                ("reason", "a model passes if"), [(f"`{name}`", _GATES[name]) for name in gates.ORDER]
            ),
            "scores": _scores(),
            "errors": _errors(),
            "commands": commands(command_line.COMMAND_LINE.parsers()),
            "statuses": statuses(dict(KINDS.values()), _MEANINGS),
        },
    )


def _configuration() -> str:
    rows = [
        (f"`{path}`", _kind(shape), "needed" if needed else _default(path), meaning)
        for path, shape, meaning, needed in _keys(SHAPE)
    ]
    return _table(("key", "is", "without it", "what it means"), rows)


def _keys(shape: Record, before: str = "") -> Iterator[tuple[str, Shape, str, bool]]:
    for name, field in shape.fields.items():
        path = f"{before}{name}"
        yield path, field.shape, field.meaning, field.needed
        if name != "aliases":
            inner, mark = _inner(field.shape)
            if inner is not None:
                yield from _keys(inner, f"{path}{mark}.")


def _inner(shape: Shape) -> tuple[Record | None, str]:
    if isinstance(shape, Record):
        return shape, ""
    if isinstance(shape, Many) and isinstance(shape.item, Record):
        return shape.item, "[]"
    if isinstance(shape, Named) and isinstance(shape.entry, Record):
        return shape.entry, "{}"
    return None, ""


def _kind(shape: Shape) -> str:
    """The kind of a value in a few words."""
    if isinstance(shape, Number):
        return f"{shape.least} to {shape.most}" if shape.least != shape.most else str(shape.least)
    if isinstance(shape, OneOf):
        return " or ".join(shape.values)
    if isinstance(shape, (Many, AtLeastOne)):
        inner = _kind(shape.item)
        return "list" if inner in ("text", "map") else f"list of {inner}"
    kinds: tuple[tuple[type, str], ...] = (
        (Flag, "true or false"),
        (Amount, "number"),
        (Record, "map"),
        (Named, "map"),
    )
    return next((word for kind, word in kinds if isinstance(shape, kind)), "text")


def _default(path: str) -> str:
    if path in _ALSO:
        return _ALSO[path]
    before, _, name = path.rpartition(".")
    of = _DEFAULTS.get(f"{before}.")
    value = next((field.default for field in fields(of) if field.name == name), None) if of else None
    if value is MISSING or value in (None, (), frozenset()):
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return "these" if isinstance(value, Timeouts) else str(getattr(value, "value", value))


def _scores() -> str:
    rows = [
        ("it runs in the request's jurisdiction", _points({}, _PLAIN, residency=("AU",))),
        (
            "it has the task's tag",
            _points({"task_type": "multimodal"}, _tagged("multimodal"), tags=frozenset()),
        ),
        (
            "it has the tag code, and the task is code: both together",
            _points({"task_type": "code"}, _tagged("code"), tags=frozenset()),
        ),
        (
            "it has the tag reasoning, and the task is reasoning: both together",
            _points({"task_type": "reasoning"}, _tagged("reasoning"), tags=frozenset()),
        ),
        (
            "it answers in JSON, where that is wanted",
            _points({"requires_json": True}, replace(_PLAIN, supports_json=True)),
        ),
        (
            "it calls tools, where that is wanted",
            _points({"requires_tools": True}, replace(_PLAIN, supports_tools=True)),
        ),
        ("its quality rank is one lower", _points({}, replace(_PLAIN, quality_rank=9), quality_rank=10)),
        ("its cost rank is one higher", _points({}, replace(_PLAIN, cost_rank=1), cost_rank=0)),
        (
            "it has at most 8 thousand million active parameters",
            _points({}, replace(_PLAIN, active_params_b=8.0), active_params_b=9.0),
        ),
    ]
    return _table(("what", "points"), [(what, f"{points:+g}") for what, points in rows])


def _tagged(tag: str) -> Model:
    return replace(_PLAIN, tags=frozenset({tag}))


def _points(wished: Mapping[str, Any], model: Model, **without: Any) -> float:
    """How much more this model scores than the one without it; what a gate asks for counts from its base."""
    one = _score(wished, model)
    if without:
        return round(one - _score(wished, replace(model, **without)), 2)
    return round(one - _score({}, model), 2)


def _score(wished: Mapping[str, Any], model: Model) -> float:
    rules = _rules()
    asked = read({"prompt": "hi", **wished}, routing=True)
    registry = Registry({model.id: model}, {})
    hints: Hints = understood(asked, registry.resolve(None).wishes, Headers(), rules)
    found = route(
        registry.resolve(None),
        replace(hints, must_be_in=frozenset()),
        rules,
        request_of(Headers(), rules, "", "x"),
    )
    return dict(found.scores)[model.id]


def _rules() -> Combined:
    stated, _ = capsule.parse(
        {
            "capsule_id": "c",
            "subject_id": "s",
            "jurisdiction": "NZ",
            "sensitivity": "public",
            "resident_regions": ["NZ", "AU"],
        }
    )
    if stated is None:
        raise ValueError("the capsule of the scores is not valid")
    return combine(stated, None)


def _errors() -> str:
    rows = [
        (str(kind.status), f"`{code}`", _ERRORS[code], "yes" if kind.retry_after else "")
        for code, kind in CODES.items()
    ]
    return _table(("status", "code", "when", "`Retry-After`"), rows)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
