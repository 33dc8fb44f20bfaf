"""The model runtimes that may run on this machine: where each listens, and what it says of its models.

What a runtime does not say is not guessed: the configuration gets the least capable value and a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Final, Iterator, Mapping, Sequence

_LONGEST_NAME: Final = 256
_MOST_MODELS: Final = 100
_MOST_TOKENS: Final = 100_000_000


@dataclass(frozen=True)
class Found:
    """A model as its runtime describes it; None is what the runtime does not say."""

    name: str
    context_tokens: int | None = None
    tools: bool | None = None
    modalities: tuple[str, ...] = ("text",)


@dataclass(frozen=True)
class Runtime:
    """A program that serves models on loopback.

    `listing` is asked first; `detail` for each model, with a body made from its name, or once if `body` is
    None. `json`: it can be made to answer in JSON. `tools_if`: what makes it pass on tool calls.
    `context_note`: what to know about the number of tokens.
    """

    name: str
    title: str
    port: int
    listing: str
    models: Callable[[Any], Iterator[Found]]
    detail: str | None = None
    body: Callable[[str], Mapping[str, Any]] | None = None
    detailed: Callable[[Found, Any], Found] | None = None
    json: bool = False
    tools_if: str = ""
    context_note: str = ""

    @property
    def base_url(self) -> str:
        """Where its OpenAI-compatible interface is."""
        return f"http://127.0.0.1:{self.port}/v1"


def named(answer: Any, key: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and entry of each model in a list under `key`; entries that cannot be used are left out."""
    entries = answer.get(key) if isinstance(answer, dict) else None
    for entry in entries[:_MOST_MODELS] if isinstance(entries, list) else ():
        text = entry.get(name) if isinstance(entry, dict) else None
        if isinstance(text, str) and text.strip() and text.isprintable() and len(text) <= _LONGEST_NAME:
            yield text, entry


def _tokens(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value <= _MOST_TOKENS else None


def _words(value: Any) -> Sequence[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else ()


# Ollama: the API page of https://github.com/ollama/ollama, "List Local Models", "Show Model Information".
def _of_ollama(answer: Any) -> Iterator[Found]:
    for name, _ in named(answer, "models", "name"):
        yield Found(name)


def _shown_by_ollama(found: Found, answer: Any) -> Found:
    facts = answer.get("model_info") if isinstance(answer, dict) else None
    limits = [
        _tokens(value)
        for key, value in (facts.items() if isinstance(facts, dict) else ())
        if isinstance(key, str) and key.endswith(".context_length")
    ]
    can = _words(answer.get("capabilities") if isinstance(answer, dict) else None)
    return Found(
        found.name,
        next(iter(limits), None),
        "tools" in can if can else None,
        _modalities(embedding="embedding" in can and "completion" not in can, image="vision" in can),
    )


# llama.cpp: the page of its server in https://github.com/ggml-org/llama.cpp, GET /v1/models and GET /props.
def _of_llama_cpp(answer: Any) -> Iterator[Found]:
    for name, entry in named(answer, "data", "id"):
        meta = entry.get("meta")
        yield Found(name, _tokens(meta.get("n_ctx_train")) if isinstance(meta, dict) else None)


def _shown_by_llama_cpp(found: Found, answer: Any) -> Found:
    settings = answer.get("default_generation_settings") if isinstance(answer, dict) else None
    limit = _tokens(settings.get("n_ctx")) if isinstance(settings, dict) else None
    sees = answer.get("modalities") if isinstance(answer, dict) else None
    image = isinstance(sees, dict) and sees.get("vision") is True
    return Found(found.name, limit or found.context_tokens, found.tools, _modalities(image=image))


# LM Studio: https://lmstudio.ai/docs/developer/rest/endpoints, `GET /api/v0/models`.
def _of_lm_studio(answer: Any) -> Iterator[Found]:
    for name, entry in named(answer, "data", "id"):
        kind, can = entry.get("type"), _words(entry.get("capabilities"))
        yield Found(
            name,
            _tokens(entry.get("loaded_context_length")) or _tokens(entry.get("max_context_length")),
            "tool_use" in can if "capabilities" in entry else None,
            _modalities(embedding=kind == "embeddings", image=kind == "vlm"),
        )


# vLLM: its OpenAI-compatible server in https://github.com/vllm-project/vllm, ModelCard.
def _of_vllm(answer: Any) -> Iterator[Found]:
    for name, entry in named(answer, "data", "id"):
        yield Found(name, _tokens(entry.get("max_model_len")))


def _modalities(*, embedding: bool = False, image: bool = False) -> tuple[str, ...]:
    return ("embedding",) if embedding else ("text", "image") if image else ("text",)


RUNTIMES: Final = (
    Runtime(
        name="ollama",
        title="Ollama",
        port=11434,
        listing="/api/tags",
        models=_of_ollama,
        detail="/api/show",
        body=lambda name: {"model": name},
        detailed=_shown_by_ollama,
        json=True,
        context_note="the model's own limit; Ollama cuts longer requests to OLLAMA_CONTEXT_LENGTH",
    ),
    Runtime(
        name="llama-cpp",
        title="llama.cpp",
        port=8080,
        listing="/v1/models",
        models=_of_llama_cpp,
        detail="/props",
        detailed=_shown_by_llama_cpp,
        json=True,
        tools_if="llama-server runs with --jinja",
    ),
    Runtime(
        name="lm-studio",
        title="LM Studio",
        port=1234,
        listing="/api/v0/models",
        models=_of_lm_studio,
        tools_if="the model was trained to call tools",
    ),
    Runtime(
        name="vllm",
        title="vLLM",
        port=8000,
        listing="/v1/models",
        models=_of_vllm,
        json=True,
        tools_if="vLLM runs with --enable-auto-tool-choice",
    ),
)


def tags(name: str) -> tuple[str, ...]:
    """What a model is good for, as far as its name says."""
    guesses = {"code": r"cod(e|er|ing|estral)|devstral", "reasoning": r"reason|think|qwq|\br1\b|magistral"}
    return tuple(tag for tag, pattern in guesses.items() if re.search(pattern, name.lower()))
