"""Registries and requests that both the published original and ours can be asked about."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final, Mapping, Sequence

PROMPTS: Final = (
    "hi",
    "Refactor this function",
    "Prove it",
    "What does the iwi say?",
    "A page about data sovereignty",
    "Describe the image",
)
TASKS: Final = ("general", "code", "reasoning", "multimodal")
ALIASES: Final = ("lumynax/auto", "lumynax/code", "lumynax/reasoning", "lumynax/multimodal", "lumynax/local")
SENSITIVITIES: Final = ("public", "internal", "restricted", "personal", "health", "iwi", "taonga")
LICENSES: Final = ("mit", "apache-2.0", "other")
_TAGS: Final = (*TASKS, "coder", "gguf")
_FAMILIES: Final = ("qwen", "phi", "codegen", "reasoning-labs")
_RUNTIMES: Final = ("vllm", "vllm", "llama_cpp", "gguf-server")
_IMAGE: Final = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
_TOOL: Final = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@dataclass(frozen=True)
class Case:
    """Models as the original's registry has them, and a payload of `/v1/route`."""

    models: Sequence[Mapping[str, Any]]
    payload: Mapping[str, Any]


def model(chance: random.Random, name: str) -> dict[str, Any]:
    """A model near what is wanted: each fact is wrong now and then."""

    def now_and_then(usual: Any, *others: Any) -> Any:
        return chance.choice(others) if chance.random() < 0.15 else usual

    return {
        "model_id": now_and_then(name, f"{name}-coder", f"{name}-reasoning"),
        "family": now_and_then("phi", *_FAMILIES),
        "runtime": chance.choice(_RUNTIMES),
        "modalities": now_and_then(["text", "image"], ["text"]),
        "context_tokens": now_and_then(32768, 2048, 8192),
        "residency": now_and_then(["NZ"], ["AU"], ["AU", "NZ"], ["US"]),
        "license_id": now_and_then("mit", *LICENSES),
        "active_params_b": chance.choice([None, 3.3, 8.0, 8.5, 70.0]),
        "quality_rank": chance.choice([0, 1, 1, 2, 5, 10]),
        "cost_rank": chance.choice([0, 1, 1, 2, 8]),
        "sovereignty_tier": now_and_then(3, 0, 1, 2),
        "supports_tools": now_and_then(True, False),
        "supports_json": now_and_then(True, False),
        "tags": chance.sample(_TAGS, 2),
    }


def registry(chance: random.Random, shipped: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Some made models, now and then twins that differ in their name only; or a part of the shipped ones."""
    if chance.random() < 0.3:
        return chance.sample(list(shipped), 20)
    made = [model(chance, f"m{number:02}") for number in chance.sample(range(100), 8)]
    return [*made, *({**one, "model_id": f"{one['model_id']}x"} for one in made[:3])]


def hints(chance: random.Random) -> dict[str, Any]:
    """Some of the hints that both know."""
    every = {
        "task_type": chance.choice(TASKS),
        "jurisdiction": chance.choice(["NZ", "NZ", "NZ", "AU"]),
        "data_sensitivity": chance.choice(SENSITIVITIES),
        "min_context_tokens": chance.choice([0, 1000, 5000]),
        "requires_local": chance.random() < 0.5,
        "requires_tools": chance.random() < 0.5,
        "requires_json": chance.random() < 0.5,
        "license_allowlist": chance.choice([["mit"], ["mit", "apache-2.0"]]),
        "max_fallbacks": chance.choice([0, 1, 3, 5]),
    }
    often = 0.3 if chance.random() < 0.5 else 0.9
    return {name: value for name, value in every.items() if chance.random() < often}


def named(chance: random.Random, models: Sequence[Mapping[str, Any]]) -> str:
    """What the client names as its model."""
    if chance.random() < 0.15:
        return str(chance.choice(models)["model_id"])
    return chance.choice(ALIASES)


def case(seed: int, shipped: Sequence[Mapping[str, Any]]) -> Case:
    """A case, the same for every run with this seed."""
    chance = random.Random(seed)
    models = registry(chance, shipped)
    prompt = chance.choice(PROMPTS)
    said = hints(chance)
    if chance.random() < 0.5:
        modalities = {"modalities": chance.choice([["text"], ["text", "image"]])}
        model_name = {"model": named(chance, models)} if chance.random() < 0.3 else {}
        return Case(models, {"prompt": prompt, **said, **model_name, **modalities})
    text: Any = prompt
    if chance.random() < 0.2:
        text = [{"type": "text", "text": prompt}, _IMAGE]
    payload: dict[str, Any] = {
        "model": named(chance, models),
        "messages": [{"role": "user", "content": text}],
        **({"tools": [_TOOL]} if chance.random() < 0.4 else {}),
        **({"response_format": {"type": "json_object"}} if chance.random() < 0.2 else {}),
    }
    place = chance.choice(["route", "routing", "metadata"])
    payload[place] = {"marama_route": said} if place == "metadata" else said
    return Case(models, payload)


def plain(seed: int) -> Case:
    """A case in which nothing is decided differently: everything is said, and no number is zero."""
    chance = random.Random(seed)
    made = []
    quality, size = chance.randint(1, 10), chance.choice([None, 3.3, 70.0])
    for cost, number in enumerate(chance.sample(range(100), 8), start=1):
        one = model(chance, f"m{number:02}")
        local = chance.random() < 0.8
        made.append(
            {
                **one,
                "model_id": f"m{number:02}",
                "family": "phi",
                "runtime": "vllm",
                "residency": ["NZ"] if local else ["US"],
                "sovereignty_tier": 3 if local else 2,
                # No two have the same score: 8 costs make less than the points of a tag.
                "quality_rank": quality,
                "cost_rank": cost,
                "active_params_b": size,
                "tags": ["code", "coder"] if chance.random() < 0.5 else ["multimodal", "reasoning"],
            }
        )
    said = {
        "task_type": chance.choice(["code", "reasoning", "multimodal"]),
        "modalities": chance.choice([["text"], ["text", "image"]]),
        "jurisdiction": "NZ",
        "data_sensitivity": chance.choice(SENSITIVITIES),
        "min_context_tokens": chance.choice([1000, 5000]),
        "requires_local": True,
        "requires_tools": chance.random() < 0.5,
        "requires_json": chance.random() < 0.5,
        "license_allowlist": ["mit", "apache-2.0"],
        "max_fallbacks": chance.choice([1, 3, 5]),
    }
    return Case(made, {"prompt": "hi", **said})
