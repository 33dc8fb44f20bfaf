"""The provider profile and the curated models, each value with its source.

Other modules of this program read every value of GonkaGate (address, folder, key, models) from a `Profile`.
Its name is also in fixed sentences, and the shape of a key (`gp-`) in `foundation/secrets/scrub.py`. Other
programs repeat what they need, and `tests/contract/artefacts/test_repeated_values.py` compares it. There is
no flag to choose a profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Mapping, Union

# A path into a config, for example ("provider", "gonkagate", "npm").
ConfigPath = tuple[str, ...]


class Transport(str, Enum):
    """The API that a model is called with; install-state.json records these values."""

    CHAT_COMPLETIONS = "chat_completions"
    RESPONSES = "responses"


class Status(str, Enum):
    """VALIDATED models are offered and written; CANDIDATE ones are neither."""

    VALIDATED = "validated"
    CANDIDATE = "candidate"


@dataclass(frozen=True)
class LiveProof:
    """A proof of `scripts/validate_model.py --live`; `file` is its path in this repository."""

    file: str

    def __str__(self) -> str:
        return self.file


@dataclass(frozen=True)
class PublicSource:
    """A public statement, by somebody who may speak for the service, that the model works with opencode."""

    name: str

    def __str__(self) -> str:
        return self.name


Proof = Union[LiveProof, PublicSource]


@dataclass(frozen=True)
class Limit:
    """Token limits; opencode takes both numbers or neither.

    See docs/opencode-facts.md#providers-and-the-keys-that-gate-them.
    """

    context: int
    output: int


@dataclass(frozen=True)
class Model:
    """One curated model.

    `key` follows `gonkagate/` in opencode's model reference, `upstream_id` is sent to the service.
    `compatibility` is a config fragment merged into the model's entry, `migration` names the adapter that
    replaces the current one once the transport changes (None: nothing is planned). `proof` is why the model
    counts as validated. `wiring_proofs` are the opencode versions for which validation/stand-in has a proof:
    that opencode and this config work together. It proves nothing about the model. `sources` says for every
    value where it comes from; `note` is for maintainers and `models`. Raises ValueError for a validated model
    without a proof.
    """

    key: str
    upstream_id: str
    display_name: str
    transport: Transport
    adapter: str
    status: Status
    proof: Proof | None
    sources: Mapping[str, str]
    wiring_proofs: tuple[str, ...] = ()
    limit: Limit | None = None
    compatibility: Mapping[str, Any] = field(default_factory=dict)
    migration: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.status is Status.VALIDATED and self.proof is None:
            raise ValueError(f"{self.key} cannot be validated without a proof")

    def entry(self, provider_adapter: str) -> dict[str, Any]:
        """The model's config under `provider.<id>.models.<key>`; its own adapter only if it differs."""
        entry: dict[str, Any] = {"id": self.upstream_id, "name": self.display_name}
        if self.limit is not None:
            entry["limit"] = {"context": self.limit.context, "output": self.limit.output}
        if self.adapter != provider_adapter:
            entry["provider"] = {"npm": self.adapter}
        entry.update(self.compatibility)
        return entry


@dataclass(frozen=True)
class Retired:
    """A value that a named earlier release wrote. It is removed if it is still unchanged.

    It is kept if the catalogue asks for it again. A model that loses its own adapter, or that gets the
    provider's, needs one for `models.<key>.provider.npm`, or opencode would keep using the old adapter.
    """

    path: ConfigPath
    value: Any
    release: str


@dataclass(frozen=True)
class Profile:
    """A provider: identity, connection, key, files on the machine, and its models.

    `folder` is relative to the home folder. `default_model` is the recommended key.
    """

    id: str
    display_name: str
    base_url: str
    adapter: str
    transport: Transport
    key_prefix: str
    key_variable: str
    folder: tuple[str, ...]
    key_file: str
    state_file: str
    register_url: str
    models: tuple[Model, ...]
    default_model: str
    default_model_reason: str
    retired: tuple[Retired, ...] = ()

    @property
    def key_binding(self) -> str:
        """The one text that is written at `options.apiKey`; opencode expands `~/` itself."""
        return "{file:~/" + "/".join((*self.folder, self.key_file)) + "}"

    @property
    def hidden(self) -> dict[str, str]:
        """The variables that no other program is given, each with what it is given instead."""
        return {self.key_variable: "placeholder-of-gonkagate-setup"}

    @property
    def validated(self) -> tuple[Model, ...]:
        """The models that are offered and written, in catalogue order."""
        return tuple(model for model in self.models if model.status is Status.VALIDATED)

    def model(self, key: str) -> Model | None:
        """The validated model with that key, or None."""
        return next((model for model in self.validated if model.key == key), None)

    def reference(self, key: str) -> str:
        """What opencode calls the model: `<provider id>/<key>`."""
        return f"{self.id}/{key}"

    def provider_config(self) -> dict[str, Any]:
        """The whole of `provider.<id>` as the catalogue defines it."""
        return {
            "name": self.display_name,
            "npm": self.adapter,
            "options": {"baseURL": self.base_url, "apiKey": self.key_binding},
            "models": {model.key: model.entry(self.adapter) for model in self.validated},
        }


_CURATED: Final = "GonkaGate's published opencode setup tool, May 2026"
# The opencode versions for which validation/stand-in has a proof of each model.
_WIRED: Final = ("1.14.34", "1.18.33")

GONKAGATE: Final = Profile(
    id="gonkagate",
    display_name="GonkaGate",
    base_url="https://api.gonkagate.com/v1",
    adapter="@ai-sdk/openai-compatible",
    transport=Transport.CHAT_COMPLETIONS,
    key_prefix="gp-",
    key_variable="GONKAGATE_API_KEY",
    folder=(".gonkagate", "opencode"),
    key_file="api-key",
    state_file="install-state.json",
    register_url="https://gonkagate.com/en/register",
    models=(
        Model(
            key="kimi-k2.6",
            upstream_id="moonshotai/Kimi-K2.6",
            display_name="Kimi K2.6",
            transport=Transport.CHAT_COMPLETIONS,
            adapter="@ai-sdk/openai-compatible",
            status=Status.VALIDATED,
            proof=PublicSource(_CURATED),
            wiring_proofs=_WIRED,
            sources={
                "key": _CURATED,
                "upstream_id": _CURATED,
                "display_name": _CURATED,
                "transport": _CURATED,
                "adapter": _CURATED,
            },
            note=(
                "Another GonkaGate tool has spelled the id moonshotai/kimi-k2.6 since 2026-05-12 "
                '("to align with the catalog"); unresolved. Its codex tool names a context of 240000 '
                "without an output limit, so no limit is written."
            ),
        ),
        Model(
            key="qwen3-235b-a22b-instruct-2507-fp8",
            upstream_id="qwen/qwen3-235b-a22b-instruct-2507-fp8",
            display_name="Qwen3 235B A22B Instruct 2507 FP8",
            transport=Transport.CHAT_COMPLETIONS,
            adapter="@ai-sdk/openai-compatible",
            status=Status.VALIDATED,
            proof=PublicSource(_CURATED),
            wiring_proofs=_WIRED,
            sources={
                "key": _CURATED,
                "upstream_id": _CURATED,
                "display_name": _CURATED,
                "transport": _CURATED,
                "adapter": _CURATED,
                "limit": "GonkaGate's kilo setup tool: context 262144, output 8192",
                "compatibility.tool_call": "GonkaGate's kilo setup tool",
            },
            limit=Limit(context=262144, output=8192),
            compatibility={"tool_call": True},
        ),
        Model(
            key="minimax-m2.7",
            upstream_id="minimaxai/minimax-m2.7",
            display_name="MiniMax M2.7",
            transport=Transport.CHAT_COMPLETIONS,
            adapter="@ai-sdk/openai-compatible",
            status=Status.VALIDATED,
            proof=PublicSource(_CURATED),
            wiring_proofs=_WIRED,
            sources={
                "key": _CURATED,
                "upstream_id": _CURATED,
                "display_name": _CURATED,
                "transport": _CURATED,
                "adapter": _CURATED,
            },
            note="No limits are published, so none are written.",
        ),
    ),
    default_model="kimi-k2.6",
    default_model_reason="GonkaGate's own default for opencode",
    retired=(
        Retired(
            path=("provider", "gonkagate", "api"),
            value="chat_completions",
            release="@gonkagate/opencode-setup 0.2.5",
        ),
    ),
)
