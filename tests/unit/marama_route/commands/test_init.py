"""init: what runs here is found, the file says only what is known, and nothing is overwritten unseen."""

from __future__ import annotations

import re
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Iterator, Mapping

import pytest

from marama_route.commands.init import runtimes, texts
from marama_route.commands.init.looking import Answering, look
from marama_route.core import config
from marama_route.core.config import Config
from marama_route.core.keys import Key, Role
from tests.stand_in.runtimes import LLAMA_CPP, LM_STUDIO, OLLAMA, VLLM, runtime
from tests.unit.marama_route.counter import CONFIG, HASH, OTHER, Counter

KEY = re.compile(r"mr_[A-Za-z0-9_-]{43}")
KEYS = (Key(HASH, Role.CLIENT), Key(OTHER, Role.APPROVER))


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def at(ports: Mapping[str, int]) -> tuple[runtimes.Runtime, ...]:
    return tuple(replace(one, port=ports.get(one.name) or closed_port()) for one in runtimes.RUNTIMES)


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "RUNTIMES", at({}))


@pytest.fixture
def everything_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    answers = {"ollama": OLLAMA, "llama-cpp": LLAMA_CPP, "lm-studio": LM_STUDIO, "vllm": VLLM}
    with ExitStack() as stack:
        ports = {name: stack.enter_context(runtime(table)).port for name, table in answers.items()}
        monkeypatch.setattr(runtimes, "RUNTIMES", at(ports))
        yield


def written(counter: Counter) -> Config:
    read, mistakes = config.read(counter.config.read_bytes(), "config.yaml")
    assert read is not None, mistakes
    return read


@pytest.mark.usefixtures("everything_runs")
def test_what_runs_is_found_and_only_what_is_known_is_said(counter: Counter) -> None:
    ran = counter.run("init", "--yes", "--json", "--jurisdiction", "AU", "--tenant", "acme")
    assert ran.status == 0, ran.stdout
    models = written(counter).registry.models
    said = {
        name: (model.context_tokens, model.supports_tools, sorted(model.modalities), sorted(model.tags))
        for name, model in models.items()
    }
    assert said == {
        "qwen3-coder:30b": (262144, True, ["text"], ["code"]),
        "llava:7b": (32768, False, ["image", "text"], []),
        "llama-cpp/Qwen3-8B-Q4": (16384, False, ["text"], []),
        "openai/gpt-oss-20b": (131072, True, ["text"], []),
        "nomic-embed": (2048, False, ["embedding"], []),
        "deepseek-r1": (65536, False, ["text"], ["reasoning"]),
    }
    # A machine of one's own: the region that was said, and the highest tier.
    assert {(model.residency, model.sovereignty_tier) for model in models.values()} == {(("AU",), 3)}
    assert models["llama-cpp/Qwen3-8B-Q4"].upstream_model == "/srv/Qwen3 8B-Q4.gguf"
    found = {one["runtime"]: one["models"] for one in ran.json["found"]}
    assert found["vllm"] == ["deepseek-r1"]


def test_without_anything_there_is_a_valid_file_with_an_example(counter: Counter) -> None:
    ran = counter.run("init", "--yes")
    assert ran.status == 0, ran.stderr
    made = written(counter)
    assert (made.registry.models, made.backends, made.workspaces) == ({}, {}, ())
    assert counter.config.stat().st_mode & 0o777 == 0o600
    assert counter.config.parent.stat().st_mode & 0o777 == 0o700
    assert "Nothing answers at the ports of Ollama, llama.cpp, LM Studio, vLLM." in ran.stdout
    # The example is a model, if its comment signs are taken away.
    text = (
        counter.config.read_text()
        .replace("models: []\n#  - id", "models:\n  - id")
        .replace("\n#    ", "\n    ")
    )
    text = text.replace("backends: {}", "backends: {ollama: {base_url: 'http://127.0.0.1:11434/v1'}}")
    read, mistakes = config.read(text.encode(), "")
    assert read is not None, mistakes
    assert [*read.registry.models] == ["lumynax/coder"]


def test_two_keys_are_shown_once_and_nowhere_else(counter: Counter) -> None:
    ran = counter.run("init", "--yes", "--json")
    shown = [one["key"] for one in ran.json["keys"].values()]
    assert sorted(KEY.findall(ran.stdout)) == sorted(shown)
    assert len(set(shown)) == 2
    text = counter.config.read_text()
    assert not KEY.search(text + ran.stderr)
    assert {(key.hash, key.role.value) for key, _ in written(counter).keys} == {
        (one["hash"], role) for role, one in ran.json["keys"].items()
    }
    assert len(KEY.findall(counter.run("init", "--yes").stdout)) == 2


def test_a_workspace_is_taken_if_it_is_one_or_is_named(counter: Counter) -> None:
    other = counter.home / "other: #1"
    other.mkdir()
    counter.workspace()
    assert counter.run("init", "--yes", "--workspace", str(other), "--workspace", ".").status == 0
    assert written(counter).workspaces == (str(other), str(counter.project))


def test_a_key_of_gonkagate_is_named_and_never_read(counter: Counter) -> None:
    key = counter.home / ".gonkagate" / "opencode" / "api-key"
    key.parent.mkdir(parents=True)
    key.write_text("gp-hunter2")
    key.chmod(0o000)
    ran = counter.run("init", "--yes", "--json")
    assert ran.json["gonkagate_key"] is True
    made = written(counter)
    assert made.backends["gonkagate"].api_key_file == "~/.gonkagate/opencode/api-key"
    # Nobody says where a request runs: that is the least trusted.
    assert {(model.residency, model.sovereignty_tier) for model in made.registry.models.values()} == {
        (("GLOBAL",), 0)
    }
    assert "hunter2" not in ran.stdout + ran.stderr + counter.config.read_text()


def test_what_is_there_is_shown_kept_and_only_replaced_with_a_yes(counter: Counter) -> None:
    counter.configure()
    refused = counter.run("init", "--tenant", "a", "--jurisdiction", "NZ")
    assert refused.status == 2
    assert "-      - {hash: " in refused.stderr
    assert "its keys stop working" in refused.stderr
    assert counter.config.read_text() == CONFIG
    assert counter.run("init", "--json").json["error"]["code"] == "answer_required"
    done = counter.run("init", "--yes", "--json").json
    (copy,) = counter.config.parent.glob("config.yaml.bak-*")
    assert done["replaced"] == str(copy)
    assert copy.read_text() == CONFIG
    assert copy.stat().st_mode & 0o777 == 0o600


def test_an_invalid_file_can_be_replaced_too(counter: Counter) -> None:
    counter.configure("version: [\n")
    assert counter.run("init", "--yes").status == 0
    assert written(counter).tenants[0].id == "local"


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b"null", b'{"models": 1}',
     b'{"models": [1, {}, {"name": 1}, {"name": "a\\u0007"}]}', 302, 500, {"models": [{"name": "x" * 300}]}],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_is_not_a_list_of_models_finds_none(answer: Any) -> None:
    with runtime({"/api/tags": answer, "/elsewhere": OLLAMA["/api/tags"]}) as there:
        (ollama, *_) = at({"ollama": there.port})
        assert [model for one in look([ollama]) for model in one.models] == []
        assert "/elsewhere" not in [path for _, path, _ in there.requests]


def test_a_runtime_that_is_slow_is_left_out_and_nobody_waits_for_it() -> None:
    with runtime(OLLAMA, delay=3.0) as slow, runtime(VLLM) as quick:
        began = time.monotonic()
        found = look(at({"ollama": slow.port, "vllm": quick.port}))
        assert time.monotonic() - began < 2.5
    assert [one.runtime.name for one in found] == ["vllm"]


def test_no_key_and_no_cookie_is_sent_to_a_runtime() -> None:
    with runtime(OLLAMA) as there:
        look(at({"ollama": there.port}))
    assert there.requests
    for _, _, headers in there.requests:
        assert not {"authorization", "cookie", "x-api-key"} & set(headers)


def test_details_that_do_not_come_leave_what_is_known() -> None:
    with runtime({"/api/tags": OLLAMA["/api/tags"], "/api/show": 500}) as there:
        (one,) = look(at({"ollama": there.port})[:1])
    assert [(model.name, model.context_tokens, model.tools) for model in one.models] == [
        ("qwen3-coder:30b", None, None),
        ("llava:7b", None, None),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "NO",
        "yes",
        "1e3",
        "0x1F",
        "~",
        "null",
        "a: b",
        "# c",
        "é",
        "'",
        '"',
        "a\\b",
        "-",
        "[",
        "lumynax/code",
        "2026-01-01",
    ],
)
def test_any_name_of_a_model_or_a_region_is_read_as_it_was_written(name: str) -> None:
    ollama = runtimes.RUNTIMES[0]
    answering = (Answering(ollama, (runtimes.Found(name), runtimes.Found(name))),)
    text = texts.configuration(texts.Start("local", name, KEYS, (f"/x/{name}",), answering))
    read, mistakes = config.read(text.encode(), "")
    assert read is not None, mistakes
    assert read.workspaces == (f"/x/{name}",)
    assert {model.upstream_model for model in read.registry.models.values()} == {name}
    assert {model.residency for model in read.registry.models.values()} == {(name,)}
