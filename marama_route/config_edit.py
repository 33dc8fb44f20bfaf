"""A key added to the text of config.yaml, or removed from it; every other byte stays as it is.

The places come from PyYAML's marks, and what the new text means is read again: it must be what the old one
meant, with the key or without it.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any, Final, Iterable, Iterator, Sequence

import yaml

from marama_route.core import config_text
from marama_route.core.keys import Key

_BOM: Final = "\ufeff"
_STEP: Final = "  "


class NotEditableError(ValueError):
    """The text has a form in which this cannot be done."""


@dataclass(frozen=True)
class _Insertion:
    at: int
    text: str


def with_key(data: bytes, tenant: str, key: Key) -> bytes:
    """The text with one more key of this tenant. KeyError: there is no such tenant; NotEditableError.

    `data` is a configuration that was read without a mistake.
    """
    line = entry(key)
    wanted = _meaning(data)
    place = _tenant(wanted, tenant)
    place.setdefault("keys", []).append({"hash": key.hash, "role": key.role.value})
    bom, text = _decoded(data)
    node = _tenant_node(_root(text), tenant)
    made = (bom + _inserted(text, _adding(text, node, line))).encode("utf-8")
    if _meaning(made) != wanted:
        raise NotEditableError
    return made


def without_key(data: bytes, hash_: str) -> bytes:
    """The text without the key that has this hash. NotEditableError; KeyError: there is no such key."""
    wanted = _meaning(data)
    tenant, index = _found(wanted, hash_)
    del tenant["keys"][index]
    bom, text = _decoded(data)
    keys = _value(_tenant_node(_root(text), tenant["id"]), "keys")
    made = (bom + _removed(text, keys, index)).encode("utf-8")
    if _meaning(made) != wanted:
        raise NotEditableError
    return made


def entry(key: Key) -> str:
    """A key as it is written in a list of keys."""
    return f"{{hash: {json.dumps(key.hash)}, role: {key.role.value}}}"


def _meaning(data: bytes) -> Any:
    document, mistakes = config_text.read(data, "")
    if document is None or mistakes:
        return None
    return copy.deepcopy(document.value)


def _tenant(value: Any, name: str) -> dict[str, Any]:
    for tenant in value.get("tenants", ()) if isinstance(value, dict) else ():
        if tenant["id"] == name:
            found: dict[str, Any] = tenant
            return found
    raise KeyError(name)


def _found(value: Any, hash_: str) -> tuple[dict[str, Any], int]:
    for tenant in value.get("tenants", ()) if isinstance(value, dict) else ():
        for index, key in enumerate(tenant.get("keys", ())):
            if key["hash"] == hash_:
                return tenant, index
    raise KeyError(hash_)


def _decoded(data: bytes) -> tuple[str, str]:
    text = data.decode("utf-8")
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def _root(text: str) -> yaml.MappingNode:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise NotEditableError
    return node


def _tenant_node(root: yaml.MappingNode, name: str) -> yaml.MappingNode:
    tenants = _value(root, "tenants")
    for node in tenants.value if isinstance(tenants, yaml.SequenceNode) else ():
        if isinstance(node, yaml.MappingNode):
            id_ = _value(node, "id")
            if isinstance(id_, yaml.ScalarNode) and id_.value == name:
                return node
    raise NotEditableError


def _value(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def _adding(text: str, tenant: yaml.MappingNode, entry: str) -> list[_Insertion]:
    keys = _value(tenant, "keys")
    if isinstance(keys, yaml.SequenceNode):
        return _into_flow(text, keys, entry) if keys.flow_style else _into_block(text, keys, f"- {entry}")
    if keys is not None:
        raise NotEditableError
    if tenant.flow_style:
        return [_Insertion(_end(tenant.value[-1][1]), f", keys: [{entry}]")]
    line_end = _line_end(text)
    return _into_block(text, tenant, f"keys:{line_end}{_indent(tenant)}{_STEP}- {entry}")


def _into_flow(text: str, keys: yaml.SequenceNode, entry: str) -> list[_Insertion]:
    """Behind the last item, on a line of its own if that item has one."""
    if not keys.value:
        return [_Insertion(_start(keys) + 1, entry)]
    last = keys.value[-1]
    end = _end(last)
    begin = text.rfind("\n", 0, _start(last)) + 1
    lead = text[begin : _start(last)]
    if lead.strip(" \t") or begin <= _start(keys):
        return [_Insertion(end, f", {entry}")]
    rest = text[end : _line_stop(text, end)]
    after = rest.lstrip(" \t")
    fresh = f"{_line_end(text)}{lead}{entry}"
    if after.startswith(","):
        behind = after[1:].lstrip(" \t")
        if behind and not behind.startswith("#"):
            return [_Insertion(end, f", {entry}")]
        return [_Insertion(_line_stop(text, end), f"{fresh},")]
    if after and not after.startswith("#"):
        return [_Insertion(end, f",{fresh}")]
    return [_Insertion(end, ","), _Insertion(_line_stop(text, end), fresh)]


def _into_block(text: str, node: yaml.CollectionNode, line: str) -> list[_Insertion]:
    """A line of its own behind the last line of a block."""
    stop = _line_stop(text, _end(node))
    return [_Insertion(stop, f"{_line_end(text)}{_indent(node)}{line}")]


def _removed(text: str, keys: yaml.Node | None, index: int) -> str:
    if not isinstance(keys, yaml.SequenceNode):
        raise NotEditableError
    item = keys.value[index]
    tokens = list(_tokens(text))
    start, end = _start(item), _end(item)
    gone = [span for span in tokens if start <= span.start and span.stop <= end]
    before = [span for span in tokens if span.stop <= start]
    after = [span for span in tokens if span.start >= end]
    if not keys.flow_style:
        dash = before[-1]
        gone.insert(0, dash)
        if len(keys.value) > 1:
            return _without(text, gone)
        colon = before[-2]
        return _without(text[: colon.stop] + " []" + text[colon.stop :], [_moved(span, 3) for span in gone])
    if after and text[after[0].start : after[0].stop] == ",":
        stop = after[0].stop
        while text[stop : stop + 1] in (" ", "\t"):
            stop += 1
        gone += [after[0], range(after[0].stop, stop)]
    elif index:
        gone.insert(0, before[-1])
    return _without(text, gone)


def _tokens(text: str) -> Iterator[range]:
    """Where each token is that takes room; comments and blanks are none."""
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if token.start_mark.index < token.end_mark.index:
            yield range(token.start_mark.index, token.end_mark.index)


def _moved(span: range, by: int) -> range:
    return range(span.start + by, span.stop + by)


def _without(text: str, gone: Iterable[range]) -> str:
    """The text without these spans, the blanks between them, and the lines of which nothing is left."""
    spans: list[range] = []
    for span in sorted((span for span in gone if span), key=lambda span: span.start):
        if spans and not text[spans[-1].stop : span.start].strip(" \t"):
            spans[-1] = range(spans[-1].start, span.stop)
        else:
            spans.append(span)
    for span in reversed(spans):
        begin = text.rfind("\n", 0, span.start) + 1
        stop = _line_stop(text, span.stop)
        if text[begin : span.start].strip(" \t") or text[span.stop : stop].strip(" \t"):
            text = text[: span.start] + text[span.stop :]
        else:
            text = text[:begin] + text[_next_line(text, stop) :]
    return text


def _inserted(text: str, insertions: Sequence[_Insertion]) -> str:
    for one in reversed(insertions):
        text = text[: one.at] + one.text + text[one.at :]
    return text


def _start(node: yaml.Node) -> int:
    return int(node.start_mark.index)


def _end(node: yaml.Node) -> int:
    """Where the node's own text ends; the mark of a block is behind comments and blank lines."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _indent(node: yaml.Node) -> str:
    return " " * int(node.start_mark.column)


def _line_stop(text: str, at: int) -> int:
    """Where the line of a position ends, before its line end."""
    stop = text.find("\n", at)
    if stop < 0:
        return len(text)
    return stop - 1 if stop > at and text[stop - 1] == "\r" else stop


def _next_line(text: str, stop: int) -> int:
    return stop + 2 if text.startswith("\r\n", stop) else min(stop + 1, len(text))


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
