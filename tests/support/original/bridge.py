"""From the published original's routing to ours: the same decision with each difference turned on or off.

With none it must decide as the original, with all of them as ours; so every difference between the two is one
of `DIFFERENCES`. It reads neither program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Iterator, Mapping

from tests.support.original.cases import Case

# Each with what the original does, and why ours decides otherwise. A numbered fault is one of the thirteen
# that were measured when it was run; the others are in the list of its public shapes.
DIFFERENCES: Final[Mapping[str, str]] = {
    "zero": "fault 6: `x or default` makes 3 fallbacks of 0 and tier 2 of tier 0; a zero is a value",
    "name": "fault 4: the model that is named is ignored; an id pins, and an alias says what is wished",
    "words": "fault 4: the task is guessed from words of the prompt; ours is what the client says",
    "residency": "fault 7: residency is only checked for `requires_local`; data that must stay stays",
    "everywhere": "fault 7: a model that may run in two regions counts as resident in both",
    "local": "fault 12: `requires_local` meant resident, and local meant a word in a name; ours is tier 3",
    "coder": "fault 12: the word coder or reasoning in a name or a tag; ours is the task's own tag",
    "family": "fault 12: a family whose name has the task in it counts as tagged",
    "runtime": "shapes: 2.5 points for a runtime that says gguf; where a model runs is not its quality",
    "iwi": "shapes: 3 points a tier for a word of the prompt; no word of a prompt decides",
    "ties": "shapes: equal scores by id, the last first; ours the first",
    "trust": "shapes: the tier is checked last; ours is the policy's first answer",
    "defaults": "shapes: 4096 tokens and `requires_local` if nothing is said; ours follows from the payload",
    "hints": "shapes: what a chat has (tools, a format) outweighs its hints; ours is the hint",
}
HIGH: Final = ("restricted", "personal", "health", "iwi", "taonga")
_TASK_OF_ALIAS: Final = {
    "lumynax/code": "code",
    "lumynax/reasoning": "reasoning",
    "lumynax/multimodal": "multimodal",
}
_CODE_WORDS: Final = ("refactor", "function")


@dataclass(frozen=True)
class Result:
    """What was decided, in terms that both have."""

    selected: str | None
    fallbacks: tuple[str, ...]
    rejected: Mapping[str, str]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class _Wanted:
    prompt: str
    task: str
    modalities: frozenset[str]
    jurisdiction: str
    regions: frozenset[str]
    high: bool
    context: int
    resident: bool
    local: bool
    tools: bool
    json: bool
    licenses: frozenset[str]
    fallbacks: int


def decide(case: Case, ours: frozenset[str]) -> Result:
    """The decision with these differences."""
    wanted = _wanted(case.payload, ours)
    models = [_numbers(one, ours) for one in case.models]
    name = case.payload.get("model")
    if "name" in ours and name in {one["model_id"] for one in models}:
        models = [one for one in models if one["model_id"] == name]
    rejected = {}
    for one in models:
        reason = next(_refusals(one, wanted, ours), None)
        if reason is not None:
            rejected[one["model_id"]] = reason
    scores = {one["model_id"]: _score(one, wanted, ours) for one in models if one["model_id"] not in rejected}
    ranked = sorted(scores, reverse="ties" not in ours)
    ranked.sort(key=lambda identity: -scores[identity])
    return Result(ranked[0] if ranked else None, tuple(ranked[1 : 1 + wanted.fallbacks]), rejected, scores)


def _wanted(payload: Mapping[str, Any], ours: frozenset[str]) -> _Wanted:
    chat = "messages" in payload
    metadata = payload.get("metadata") or {}
    said = payload.get("route") or payload.get("routing") or metadata.get("marama_route") or {}
    said = said if chat else payload
    content = payload["messages"][0]["content"] if chat else payload["prompt"]
    prompt = content if isinstance(content, str) else content[0]["text"]
    modalities = {"text"} if isinstance(content, str) else {"text", "image"}
    modalities = modalities if chat else set(payload["modalities"])
    name = payload.get("model") if "name" in ours else None
    least, local = (0, False) if "defaults" in ours else (4096, True)
    default_task = _TASK_OF_ALIAS.get(str(name), "general")
    if chat and "words" not in ours:
        default_task = _guessed(prompt, modalities, default_task)
    high = said.get("data_sensitivity", "internal") in HIGH
    local = said.get("requires_local", local)
    if name == "lumynax/local":
        local = True
    places = {said["jurisdiction"]} if "jurisdiction" in said else set()
    if high:
        places.add("NZ")
    jurisdiction = said.get("jurisdiction", "NZ")
    if "residency" not in ours:
        places = {jurisdiction}

    def zero(value: int, otherwise: int) -> int:
        return value if "zero" in ours else value or otherwise

    def needs(hint: str, *, given: bool) -> bool:
        if "hints" in ours:
            return bool(said.get(hint, given))
        return given or bool(said.get(hint))

    return _Wanted(
        prompt=prompt.lower(),
        task=said.get("task_type", default_task),
        modalities=frozenset(modalities),
        jurisdiction=jurisdiction,
        regions=frozenset(places),
        high=high,
        context=zero(said.get("min_context_tokens", least), 4096),
        resident="residency" in ours or local,
        local=local,
        tools=needs("requires_tools", given=chat and "tools" in payload),
        json=needs("requires_json", given=chat and "response_format" in payload),
        licenses=frozenset(said.get("license_allowlist", ())),
        fallbacks=zero(said.get("max_fallbacks", 3), 3),
    )


def _guessed(prompt: str, modalities: set[str], otherwise: str) -> str:
    lower = prompt.lower()
    if "image" in modalities:
        return "multimodal"
    if any(word in lower for word in _CODE_WORDS):
        return "code"
    return "reasoning" if "prove" in lower else otherwise


def _numbers(model: Mapping[str, Any], ours: frozenset[str]) -> dict[str, Any]:
    """The model with its regions in capitals, and with what the original takes for a zero."""
    regions = [region.upper() for region in model["residency"]]
    found = {**model, "residency": regions}
    for name, otherwise in {"quality_rank": 5, "cost_rank": 5, "sovereignty_tier": 2}.items():
        found[name] = model[name] if "zero" in ours else model[name] or otherwise
    return found


def _refusals(model: Mapping[str, Any], wanted: _Wanted, ours: frozenset[str]) -> Iterator[str]:
    untrusted = wanted.high and model["sovereignty_tier"] < 2
    if "trust" in ours and untrusted:
        yield "policy_denied"
    if not wanted.modalities <= set(model["modalities"]):
        yield "modality_mismatch"
    if model["context_tokens"] < wanted.context:
        yield "context_too_small"
    if wanted.tools and not model["supports_tools"]:
        yield "tools_required"
    if wanted.json and not model["supports_json"]:
        yield "json_required"
    if wanted.licenses and model["license_id"] not in wanted.licenses:
        yield "license_not_allowed"
    if wanted.resident and not _stays(set(model["residency"]), wanted, ours):
        yield "residency_mismatch"
    if untrusted or ("local" in ours and wanted.local and model["sovereignty_tier"] != 3):
        yield "sovereignty_tier_too_low"


def _stays(regions: set[str], wanted: _Wanted, ours: frozenset[str]) -> bool:
    return all(regions == {place} if "everywhere" in ours else place in regions for place in wanted.regions)


def _score(model: Mapping[str, Any], wanted: _Wanted, ours: frozenset[str]) -> float:
    tags, task = set(model["tags"]), wanted.task
    score = 8.0 if wanted.jurisdiction in model["residency"] else 0.0
    in_family = "family" not in ours and task in model["family"].lower()
    score += 7 if task in tags or in_family else 0
    for word, of_task, points in (("coder", "code", 10), ("reasoning", "reasoning", 9)):
        marked = word in model["model_id"] or word in tags
        if task == of_task and (of_task in tags if "coder" in ours else marked):
            score += points
    if "iwi" not in ours and ("iwi" in wanted.prompt or "data sovereignty" in wanted.prompt):
        score += 3 * model["sovereignty_tier"]
    runtime = model["runtime"].lower()
    if "runtime" not in ours and ("gguf" in runtime or runtime == "llama_cpp"):
        score += 2.5
    score += 3 if wanted.json and model["supports_json"] else 0
    score += 3 if wanted.tools and model["supports_tools"] else 0
    score += (10 - model["quality_rank"]) * 1.7 - model["cost_rank"] * 0.25
    size = model["active_params_b"]
    return float(round(score + (0.5 if size is not None and size <= 8 else 0), 4))
