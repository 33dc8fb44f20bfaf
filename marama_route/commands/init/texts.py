"""The text of a starting configuration, with a comment at each part."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Iterator, Sequence

from marama_route import config_edit
from marama_route.commands.init.looking import Answering
from marama_route.commands.init.runtimes import Found, Runtime, tags
from marama_route.core.config_shape import MODEL_NAME
from marama_route.core.keys import Key
from marama_route.core.registry import DEFAULT_ALIASES, LOCAL_TIER

UNKNOWN_TOKENS: Final = 8192
ANYWHERE: Final = "GLOBAL"
_HEAD: Final = """\
# The configuration of marama-route, the gateway in front of your models.
# After a change: `marama-route check`, then `kill -HUP` for a gateway that runs.
version: 1

# Only this machine can reach the gateway. Another address needs something in front that ends TLS.
listen: 127.0.0.1:8787

# Decisions are kept in a file in your data folder. They never contain a prompt.
store: sqlite

# Who may ask. A key is shown once, and this file has only its hash: `marama-route key create` makes one,
# `marama-route key revoke` removes one. An approver also decides about tool calls.
tenants:
  - id: {tenant}
    purpose: software_engineering
    requests_per_minute: 600
    keys:
{keys}

# Folders with a capsule. `sovereigncode init` makes a project's folder one. Without a capsule everything is
# denied.
workspaces:{workspaces}

# Servers that run models. A key is read from a file (api_key_file) or a variable (api_key_env).
backends:{backends}

# Models. Sovereignty tier: 3 this machine or this organisation, 2 a provider in the jurisdiction, 1 a foreign
# provider's region there, 0 elsewhere. What is missing is the least trusted or least capable value.
models:{models}
"""
_EXAMPLE: Final = """ []
#  - id: lumynax/coder
#    backend: ollama
#    upstream_model: "qwen3-coder:30b"
#    context_tokens: 131072
#    residency: [NZ]
#    jurisdiction: NZ
#    sovereignty_tier: 3
#    tags: [code]
#    supports_tools: true"""
# Curated by GonkaGate's own setup in May 2026; limits of its codex and kilo tools (docs/npm-tool.md).
_GONKAGATE: Final = (
    Found("moonshotai/Kimi-K2.6", 240_000),
    Found("qwen/qwen3-235b-a22b-instruct-2507-fp8", 262_144, tools=True),
)
_GONKAGATE_URL: Final = "https://api.gonkagate.com/v1"


@dataclass(frozen=True)
class Start:
    """What the configuration is made from; `gonkagate_key` is the file's name if there is one."""

    tenant: str
    jurisdiction: str
    keys: tuple[Key, ...]
    workspaces: tuple[str, ...]
    answering: tuple[Answering, ...]
    gonkagate_key: str | None = None


def configuration(start: Start) -> str:
    """The whole text."""
    backends = [*_backends(start)]
    models = [*_models(start)]
    return _HEAD.format(
        tenant=quoted(start.tenant),
        keys="\n".join(f"      - {config_edit.entry(key)}" for key in start.keys),
        workspaces="".join(f"\n  - {quoted(path)}" for path in start.workspaces) or " []",
        backends="".join(backends) or " {}",
        models="".join(models) or _EXAMPLE,
    )


def quoted(text: str) -> str:
    """A text as a YAML scalar that every reader takes for this text (JSON is YAML)."""
    plain = re.fullmatch(r"[a-z][a-z0-9]*(?:[._/-][a-z0-9]+)*", text) and text not in _AMBIGUOUS
    return text if plain else json.dumps(text, ensure_ascii=False)


# Readers of YAML 1.1 take these for booleans or nothing.
_AMBIGUOUS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _backends(start: Start) -> Iterator[str]:
    for one in start.answering:
        yield f"\n  {one.runtime.name}:   # {one.runtime.title}\n    base_url: {quoted(one.runtime.base_url)}"
    if start.gonkagate_key is not None:
        yield "\n  gonkagate:   # the key that gonkagate-setup stored"
        yield f"\n    base_url: {quoted(_GONKAGATE_URL)}\n    api_key_file: {quoted(start.gonkagate_key)}"


def _models(start: Start) -> Iterator[str]:
    used: set[str] = set(DEFAULT_ALIASES)
    for one in start.answering:
        for model in one.models:
            name = _name(model.name, one.runtime.name, used)
            used.add(name)
            yield _entry(name, model, one.runtime.name, [
                f"residency: [{quoted(start.jurisdiction)}]",
                f"jurisdiction: {quoted(start.jurisdiction)}",
                f"sovereignty_tier: {LOCAL_TIER}",
            ], one.runtime)  # fmt: skip
    if start.gonkagate_key is not None:
        for model in _GONKAGATE:
            name = _name(model.name, "gonkagate", used)
            used.add(name)
            where = "   # a network of many hosts: nobody says where a request runs"
            yield _entry(name, model, "gonkagate", [f"residency: [{ANYWHERE}]{where}", "sovereignty_tier: 0"])


def _entry(
    name: str, model: Found, backend: str, place: Sequence[str], runtime: Runtime | None = None
) -> str:
    """One model, a line a value."""
    lines = [f"backend: {backend}"]
    if name != model.name:
        lines.append(f"upstream_model: {quoted(model.name)}")
    note = "" if runtime is None or not runtime.context_note else f"   # {runtime.context_note}"
    if model.context_tokens is None:
        note = "   # not known: correct it"
    lines += [f"context_tokens: {model.context_tokens or UNKNOWN_TOKENS}{note}", *place]
    if model.modalities != ("text",):
        lines.append(f"modalities: [{', '.join(model.modalities)}]")
    if tags(model.name):
        lines.append(f"tags: [{', '.join(tags(model.name))}]   # from its name")
    if model.tools is not None:
        lines.append(f"supports_tools: {'true' if model.tools else 'false'}")
    elif runtime is not None and runtime.tools_if and "text" in model.modalities:
        lines.append(f"supports_tools: false   # true, if {runtime.tools_if}")
    if runtime is not None and runtime.json and "text" in model.modalities:
        lines.append("supports_json: true")
    return f"\n  - id: {quoted(name)}" + "".join(f"\n    {line}" for line in lines)


def _name(upstream: str, backend: str, used: set[str]) -> str:
    """The upstream name if it can be a model's id here and is free, else one that is made from it."""
    if not [*MODEL_NAME.problems(upstream)] and upstream not in used:
        return upstream
    # llama.cpp names a model by the path of its file.
    last = re.split(r"[/\\]", upstream)[-1].removesuffix(".gguf")
    clean = re.sub(r"[^A-Za-z0-9._:+-]+", "-", last).strip("-.")[:64] or "model"
    wanted = f"{backend}/{clean}"
    number = 2
    name = wanted
    while name in used:
        name, number = f"{wanted}-{number}", number + 1
    return name
