"""The validation gate: the proofs that are kept can be made again, and each defect of a service is found."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import pytest

from gonkagate_setup.catalog import GONKAGATE, Model
from scripts.lib import opencode_versions
from tests.stand_in import Answerer, Request
from tests.stand_in.protocol import chat_completions, events
from tests.stand_in.records import is_title
from tests.stand_in.script import Answer, answer
from tests.support.configs import KIMI

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


def without_catalogue(folder: Path) -> dict[str, str]:
    """opencode without its public catalogue: two fifths of its CPU time, and no model of ours in it."""
    path = folder / "models.json"
    path.write_text("{}", encoding="utf-8")
    return {"OPENCODE_MODELS_PATH": str(path), "OPENCODE_DISABLE_MODELS_FETCH": "1"}


def remade(
    key: str, version: str, folder: Path, environ: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kept proof and the same one made anew, both without their dates."""
    kept = proofs.path(proofs.FOLDER, proofs.Mode.STAND_IN, key, version)
    outcomes: list[Outcome] = []
    opencode = opencode_versions.executable(version)
    with services.rig(GONKAGATE, model_of(key), opencode, SECONDS, environ=environ) as rig:
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
    old, new = remade(KIMI, opencode_versions.NEWEST, tmp_path, without_catalogue(tmp_path))
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


@dataclass(frozen=True)
class Defect:
    """What such a service does, the one workflow that fails then, and how; `near` are its neighbours.

    They see the same conversation or the same screen as the one that fails.
    """

    answerer: Answerer
    fails: str
    expected: str
    seen: str
    near: tuple[str, ...]


CONVERSATION = ("run", "small_model", "compatibility", "transport")
DEFECTS = {
    "no tool calls": Defect(
        calls_no_tools,
        "tools",
        "notes.txt contains b'first draft'",
        "None, after the tool calls []",
        (*CONVERSATION, "continuation"),
    ),
    "no streaming": Defect(
        answers_in_one_piece,
        "streaming",
        "more than 3 pieces of text",
        "[1] pieces",
        (*CONVERSATION, "interactive"),
    ),
    "another model id": Defect(
        answers_as_another_model,
        "switching",
        "the answer comes from moonshotai/Kimi-K2.6",
        "['somebody/else']",
        (*CONVERSATION, "continuation"),
    ),
    "a forgotten conversation": Defect(
        forgets_the_conversation,
        "continuation",
        "the answer contains the code word heron42 of the first turn",
        "This is turn 1",
        (*CONVERSATION, "tools"),
    ),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One machine for all defects, with the default model and the newest opencode."""
    opencode = opencode_versions.executable(opencode_versions.NEWEST)
    environ = without_catalogue(tmp_path_factory.mktemp("without-catalogue"))
    with services.rig(GONKAGATE, model_of(KIMI), opencode, SECONDS, environ=environ) as made:
        yield made


def failures(rig: Rig, names: Sequence[str]) -> dict[str, Outcome]:
    outcomes = workflows.judge(rig, names, lambda outcome: None)
    assert {outcome.workflow for outcome in outcomes} == set(names)
    return {outcome.workflow: outcome for outcome in outcomes if not outcome.held}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_fails_its_workflow_and_none_beside_it(name: str, rig: Rig) -> None:
    defect = DEFECTS[name]
    rig.answer_with(defect.answerer)
    failed = failures(rig, [defect.fails, *defect.near])
    assert list(failed) == [defect.fails]
    assert failed[defect.fails].expected == defect.expected
    assert defect.seen in failed[defect.fails].seen


@pytest.mark.deep
@pytest.mark.parametrize("name", DEFECTS)
def test_of_all_workflows_a_defect_fails_exactly_its_own(name: str, tmp_path: Path) -> None:
    opencode = opencode_versions.executable(opencode_versions.NEWEST)
    environ = without_catalogue(tmp_path)
    with services.rig(GONKAGATE, model_of(KIMI), opencode, SECONDS, environ=environ) as fresh:
        fresh.answer_with(DEFECTS[name].answerer)
        assert list(failures(fresh, list(workflows.WORKFLOWS))) == [DEFECTS[name].fails]


def test_a_hanging_service_has_an_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(request: Request) -> Iterator[str]:
        rig.service.wait(SECONDS)
        return chat_completions(request)

    rig.set_up("user")
    monkeypatch.setattr(rig, "seconds", 3.0)
    rig.answer_with(hangs)
    assert failures(rig, ["run"])["run"].expected == "it ends within 3 s"
