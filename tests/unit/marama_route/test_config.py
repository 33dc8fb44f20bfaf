"""config.yaml: the contract's example, the defaults, and every mistake at once with its place."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from marama_route.core.addresses import Listen
from marama_route.core.config import Config, read
from marama_route.core.keys import Key, Role
from marama_route.core.registry import DEFAULT_ALIASES, Model
from marama_route.core.wishes import TaskType

HASH = "sha256:" + "0a" * 32
OTHER = "sha256:" + "0b" * 32
EXAMPLE = f"""\
version: 1
listen: 127.0.0.1:8787
store: sqlite                       # the user's data folder
tenants:
  - {{id: local, keys: [{{hash: "{HASH}", role: client}}, {{hash: "{OTHER}", role: approver}}],
     purpose: software_engineering, requests_per_minute: 600}}
workspaces: [/home/ada/shop]
backends:
  ollama: {{base_url: "http://127.0.0.1:11434/v1"}}
  gonkagate: {{base_url: "https://api.gonkagate.com/v1", api_key_file: "~/.gonkagate/opencode/api-key"}}
models:
  - {{id: lumynax/coder, backend: ollama, upstream_model: "qwen3-coder:30b", license: apache-2.0,
     modalities: [text], context_tokens: 131072, max_output_tokens: 8192, residency: [NZ], jurisdiction: NZ,
     sovereignty_tier: 3, tags: [code], supports_tools: true, supports_json: true, quality_rank: 2,
     cost_rank: 1, active_params_b: 3.3}}
aliases: {{lumynax/auto: {{}}, lumynax/code: {{task: code}}, lumynax/reasoning: {{task: reasoning}},
  lumynax/multimodal: {{task: multimodal}}, lumynax/local: {{requires_local: true}}}}
"""


def valid(text: str) -> Config:
    config, mistakes = read(text.encode(), "config.yaml")
    assert mistakes == ()
    assert config is not None
    return config


def wrong(text: str) -> list[str]:
    config, mistakes = read(text.encode(), "config.yaml")
    assert config is None
    return [f"{mistake.where.line}:{mistake.where.column} {mistake.message}" for mistake in mistakes]


def test_the_example_of_the_contract() -> None:
    config = valid(EXAMPLE)
    assert config.listen == Listen("127.0.0.1", 8787)
    assert config.listen.loopback
    assert config.keys == ((Key(HASH, Role.CLIENT), "local"), (Key(OTHER, Role.APPROVER), "local"))
    assert config.tenants[0].purpose == "software_engineering"
    assert config.backends["gonkagate"].api_key_file == "~/.gonkagate/opencode/api-key"
    model = config.registry.models["lumynax/coder"]
    assert (model.upstream_model, model.residency, model.active_params_b) == ("qwen3-coder:30b", ("NZ",), 3.3)
    assert config.registry.aliases == DEFAULT_ALIASES


def test_what_is_missing_has_the_defaults() -> None:
    config = valid("version: 1\n")
    assert (str(config.listen.host), config.listen.port, config.store) == ("127.0.0.1", 8787, "sqlite")
    assert (config.tenants, config.workspaces, config.backends, config.cors) == ((), (), {}, ())
    assert {
        name: (wish.task_type, wish.requires_local) for name, wish in config.registry.aliases.items()
    } == {
        "lumynax/auto": (None, None),
        "lumynax/code": (TaskType.CODE, None),
        "lumynax/reasoning": (TaskType.REASONING, None),
        "lumynax/multimodal": (TaskType.MULTIMODAL, None),
        "lumynax/local": (None, True),
    }


def test_a_model_that_says_little_is_the_least_trusted_and_least_capable() -> None:
    config = valid(
        "version: 1\nbackends: {b: {base_url: https://x.example/v1}}\n"
        "models: [{id: m, backend: b, residency: [NZ], context_tokens: 1}]\n"
    )
    model = config.registry.models["m"]
    assert model == Model(
        id="m",
        backend="b",
        upstream_model="m",
        residency=("NZ",),
        context_tokens=1,
        license=None,
        modalities=frozenset({"text"}),
        max_output_tokens=None,
        jurisdiction=None,
        sovereignty_tier=0,
        tags=frozenset(),
        supports_tools=False,
        supports_json=False,
        quality_rank=10,
        cost_rank=10,
        active_params_b=None,
    )
    with pytest.raises(FrozenInstanceError):
        model.sovereignty_tier = 3  # type: ignore[misc]


def test_zero_is_a_value() -> None:
    config = valid(
        "version: 1\ntenants: [{id: t, requests_per_minute: 0}]\naliases: {a: {max_fallbacks: 0}}\n"
    )
    assert config.tenants[0].requests_per_minute == 0
    assert config.registry.aliases["a"].max_fallbacks == 0


def test_every_mistake_is_said_at_once_with_its_place() -> None:
    text = """\
version: 2
lissten: 127.0.0.1:1
tenants:
  - {id: local, keys: [{hash: mr_secret}]}
  - {id: local}
workspaces: [shop, /a, /a]
backends:
  b: {base_url: "http://example.com/v1", api_key: sk-secret}
  b: {base_url: "https://example.com/v1"}
models:
  - {id: m, backend: c, residency: [NZ], context_tokens: 8, context_tokens: 9}
  - {id: m, backend: b, residency: [], supports_tools: "yes"}
"""
    assert wrong(text) == [
        "1:10 version: this must be a whole number from 1 to 1",
        "2:1 this key is not known; did you mean listen?",
        "4:31 tenants.0.keys.0.hash: this must be sha256: and 64 hex digits in small letters",
        "5:10 tenants.1.id: this tenant appears a second time",
        "6:14 workspaces.0: this path must be absolute or begin with ~/: the current folder does not count",
        "6:24 workspaces.2: this workspace appears a second time",
        "8:17 backends.base_url: http is only for loopback and private addresses; use https",
        "8:42 this key is not known; did you mean api_key_env?",
        "9:3 this key appears a second time",
        "11:22 models.0.backend: there is no backend of this name",
        "11:61 this key appears a second time",
        "12:5 models.1: the key context_tokens is missing",
        "12:10 models.1.id: this model appears a second time",
        "12:36 models.1.residency: this list must have at least one item",
        "12:56 models.1.supports_tools: this must be true or false",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("version: 1\nversion: 1\n", "2:1 this key appears a second time"),
        ('version: 1\n"version": 1\n', "2:1 this key appears a second time"),
        ("version: 1\n? version\n: 1\n", "2:3 this key appears a second time"),
        ("version: 1\nx: 1\nx: 2\n", "3:1 this key appears a second time"),
        ("version: 1\naliases: {a: &x {}}\n", "2:14 an anchor is not allowed here"),
        ("version: 1\n---\nversion: 1\n", "2:1 a second document begins here, and only one is read"),
        ("version: [\n", "2:1 this is not YAML: the line cannot be understood"),
        ("", "1:1 this file is empty"),
        ("[]", "1:1 this must be an object with named keys"),
    ],
)
def test_a_text_that_is_not_a_configuration(text: str, mistake: str) -> None:
    assert mistake in wrong(text)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("listen: 8787", "2:9 listen: this must be a text that is not empty"),
        ("listen: localhost", "2:9 listen: this must be a host and a port, like 127.0.0.1:8787"),
        ("store: mysql://h/d", "2:8 store: this must be sqlite, or a URL like postgresql://user@host/db"),
        (
            "store: postgresql://u:pw@h/d",
            "2:8 store: a password must not be in this file: put it into PGPASSWORD or a .pgpass file",
        ),
        ("cors: ['*']", "2:8 cors.0: this must be one origin, like https://console.example: no wildcard"),
        ("aliases: {a: {task: coding}}", "2:21 aliases.task: this must be one of general, code, reasoning,"),
        ("aliases: {a: {requires_loacl: true}}", "2:15 this key is not known; did you mean requires_local?"),
        ("tools: {bash: read}", "2:15 tools: this must be a tool class or a known tool"),
        ("tools: {mine: shell, Mine: read}", "2:22 this tool appears a second time"),
        (
            f"tenants: [{{id: a, keys: [{{hash: '{HASH}'}}]}}, {{id: b, keys: [{{hash: '{HASH}'}}]}}]",
            "2:133 tenants.1.keys.0.hash: this key appears a second time",
        ),
        (
            "backends: {b: {base_url: https://h/v1, api_key_env: A, api_key_file: /k}}",
            "2:70 backends.api_key_file: api_key_env is also given, and only one can count",
        ),
        (
            "backends: {b: {base_url: https://h/v1, timeouts: {connect: 0}}}",
            "2:60 backends.timeouts.connect:",
        ),
    ],
)
def test_one_mistake(line: str, mistake: str) -> None:
    (found,) = wrong(f"version: 1\n{line}\n")
    assert found.startswith(mistake)


def test_keys_that_appear_twice_are_said_also_if_the_rest_cannot_be_read() -> None:
    assert wrong("version: 1\nversion: 1\nlisten: [\n") == [
        "2:1 this key appears a second time",
        "4:1 this is not YAML: the line cannot be understood",
    ]
    many = wrong("version: 1\naliases:\n" + "  i: {}\n" * 40)
    assert many[0] == "4:3 this key appears a second time"
    assert len(many) >= 25


def test_a_model_must_not_have_the_name_of_an_alias() -> None:
    text = (
        "version: 1\nbackends: {b: {base_url: https://h/v1}}\n"
        "models: [{id: lumynax/code, backend: b, residency: [NZ], context_tokens: 9}]\n"
    )
    assert wrong(text) == ["3:15 models.0.id: this model has the name of an alias"]
    assert "lumynax/code" in valid(f"{text}aliases: {{}}\n").registry.models


def test_no_mistake_repeats_a_value() -> None:
    secret = "sk-Very-Secret-0123456789"
    for line in (
        f"listen: {secret}",
        f"store: {secret}",
        f"workspaces: [{secret}]",
        f"backends: {{b: {{base_url: 'http://u:{secret}@h', api_key_file: {secret}}}}}",
        f"backends: {{'{secret} {secret}': {{api_key: 1}}}}",
        f"tools: {{{secret}: {secret}}}",
        f"models: [{{id: m, backend: {secret}, residency: {secret}}}]",
        f"{secret}: 1",
        f"{secret}: 1\n{secret}: 2",
    ):
        assert secret not in "\n".join(wrong(f"version: 1\n{line}\n"))


def test_the_hash_counts_values_and_not_their_order() -> None:
    lines = EXAMPLE.replace("store: sqlite                       # the user's data folder\n", "")
    moved = EXAMPLE.replace("listen: 127.0.0.1:8787\n", "") + "listen: 127.0.0.1:8787\n"
    assert valid(moved).hash == valid(EXAMPLE).hash
    assert valid(lines).hash != valid(EXAMPLE).hash
    assert valid(EXAMPLE.replace("sovereignty_tier: 3", "sovereignty_tier: 2")).hash != valid(EXAMPLE).hash
