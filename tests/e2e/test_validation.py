"""The validation gate: the proofs that are kept can be made again, and each defect of a service is found."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

from gonkagate_setup.core.catalog import GONKAGATE, Model
from scripts import opencode_versions
from tests.e2e.configs import KIMI
from tests.stand_in import Request
from tests.stand_in.protocol import chat_completions, events
from tests.stand_in.records import is_title
from tests.stand_in.script import Answer, answer

if sys.platform == "win32":
    pytest.skip("the interactive session needs a pseudo-terminal", allow_module_level=True)

from scripts.validating import proofs, services, workflows
from scripts.validating.outcome import Outcome
from scripts.validating.rig import Rig

SECONDS = 300.0


def model_of(key: str) -> Model:
    model = GONKAGATE.model(key)
    assert model is not None
    return model


def remade(key: str, version: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kept proof and the same one made anew, both without their dates."""
    kept = proofs.path(proofs.FOLDER, proofs.Mode.STAND_IN, key, version)
    outcomes: list[Outcome] = []
    opencode = opencode_versions.executable(version)
    with services.rig(GONKAGATE, model_of(key), opencode, SECONDS) as rig:
        workflows.judge(rig, list(workflows.WORKFLOWS), outcomes.append)
    assert [outcome for outcome in outcomes if not outcome.held] == []
    value = proofs.proof(GONKAGATE, model_of(key), proofs.Mode.STAND_IN, version, "2026-01-01", outcomes)
    old = json.loads(kept.read_bytes())
    new = json.loads(proofs.write(folder, value).read_bytes())
    for proof in (old, new):
        # The claims are the workflows; when, and by which release of this product, is who made them.
        del proof["date"], proof["productVersion"]
    return old, new


def test_a_kept_proof_can_be_made_again(tmp_path: Path) -> None:
    old, new = remade(KIMI, opencode_versions.NEWEST, tmp_path)
    assert new == old


@pytest.mark.deep
@pytest.mark.parametrize("version", [opencode_versions.NEWEST, opencode_versions.SUPPORTED[-1]])
@pytest.mark.parametrize("key", [model.key for model in GONKAGATE.validated])
def test_every_kept_proof_can_be_made_again(key: str, version: str, tmp_path: Path) -> None:
    old, new = remade(key, version, tmp_path)
    assert new == old


# -- a service with one defect: exactly the workflow that is about it fails


def calls_no_tools(request: Request) -> Iterator[str]:
    said = answer(request.json)
    text = said.text if said.tool is None else "I have done that for you."
    return events(request.json["model"], Answer(text=text))


def answers_in_one_piece(request: Request) -> Iterator[str]:
    joined: dict[str, Any] | None = None
    for event in chat_completions(request):
        value = None if event == "[DONE]" else json.loads(event)
        delta = value["choices"][0]["delta"] if value and value["choices"] else {}
        if not delta.get("content"):
            if joined is not None and delta.get("content") is None:
                yield json.dumps(joined)
                joined = None
            yield event
        elif joined is None:
            joined = value
        else:
            joined["choices"][0]["delta"]["content"] += delta["content"]


def answers_as_another_model(request: Request) -> Iterator[str]:
    chat_completions(request)  # what it refuses stays refused
    return events("somebody/else", answer(request.json))


def forgets_the_conversation(request: Request) -> Iterator[str]:
    body = request.json
    if is_title(body):
        return chat_completions(request)
    last = max(index for index, message in enumerate(body["messages"]) if message["role"] == "user")
    return events(body["model"], answer({**body, "messages": body["messages"][last:]}))


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """One machine for all defects, with the default model and the newest opencode."""
    opencode = opencode_versions.executable(opencode_versions.NEWEST)
    with services.rig(GONKAGATE, model_of(KIMI), opencode, SECONDS) as made:
        yield made


def failures(rig: Rig, names: Sequence[str]) -> dict[str, Outcome]:
    outcomes = workflows.judge(rig, names, lambda outcome: None)
    assert [outcome.workflow for outcome in outcomes] == list(names)
    return {outcome.workflow: outcome for outcome in outcomes if not outcome.held}


def test_without_tool_calls_only_tools_fails(rig: Rig) -> None:
    rig.answer_with(calls_no_tools)
    failed = failures(rig, ["run", "tools"])
    assert list(failed) == ["tools"]
    assert failed["tools"].expected == "notes.txt holds b'first draft'"
    assert failed["tools"].seen == "None, after the tool calls []"


def test_without_streaming_only_streaming_fails(rig: Rig) -> None:
    rig.answer_with(answers_in_one_piece)
    failed = failures(rig, ["interactive", "streaming"])
    assert list(failed) == ["streaming"]
    assert failed["streaming"].expected == "more than 3 pieces of text"
    assert failed["streaming"].seen == "[1] pieces"


def test_under_another_model_id_only_switching_fails(rig: Rig) -> None:
    rig.answer_with(answers_as_another_model)
    failed = failures(rig, ["run", "switching"])
    assert list(failed) == ["switching"]
    assert failed["switching"].expected == "the answer comes from moonshotai/Kimi-K2.6"
    assert failed["switching"].seen == "['somebody/else']"


def test_with_a_forgotten_conversation_only_continuation_fails(rig: Rig) -> None:
    rig.answer_with(forgets_the_conversation)
    failed = failures(rig, ["run", "continuation"])
    assert list(failed) == ["continuation"]
    assert failed["continuation"].expected == "the answer holds the code word heron42 of the first turn"
    assert "This is turn 1" in failed["continuation"].seen


def test_a_hanging_service_has_an_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(request: Request) -> Iterator[str]:
        rig.service.wait(SECONDS)
        return chat_completions(request)

    rig.set_up("user")
    monkeypatch.setattr(rig, "seconds", 3.0)
    rig.answer_with(hangs)
    assert failures(rig, ["run"])["run"].expected == "it ends within 3 s"
