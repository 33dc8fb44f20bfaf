"""The real opencode in a governed project: edits through the gate, denials, what it does on each fault."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest

from scripts.lib import opencode_versions
from tests.stand_in.model_backend import (
    Answer,
    Answerer,
    ModelBackend,
    Received,
    call,
    chunk,
    error,
    finish,
    stream,
)
from tests.support import canary
from tests.support.gateway import CAPSULE, POLICY, Gateway, Workspace, model
from tests.support.machine import ROOT, Finished, Machine

EXAMPLE = ROOT / "examples" / "opencode.marama-route.json"
BEFORE, AFTER = "price = 1\n", "price = 2\n"
VERSIONS = [version for version in opencode_versions.SUPPORTED if version >= "1.17"]
# What opencode asks after a fault: six tries of the turn, and as many of its title.
MOST_TRIES = 12


@dataclass
class Desk:
    """opencode in a project, the gateway, and the model's server behind it."""

    machine: Machine
    gateway: Gateway
    backend: ModelBackend

    @property
    def file(self) -> Path:
        """What the model wants to change."""
        return self.machine.project / "app.py"

    def opencode(self, text: str, *more: str, timeout: float = 120) -> Finished:
        """A turn, to its end."""
        environ = {
            "ABTEEX_MARAMA_API_KEY": self.gateway.key,
            "ABTEEX_TENANT_ID": "local",
            "SOVEREIGNCODE_CAPSULE_ID": "shop",
            # opencode would ask the machine's proxy for the gateway on loopback, too.
            "NO_PROXY": "127.0.0.1",
        }
        command = ["run", "--format", "json", "--model", "abteex-marama/lumynax/code", *more, text]
        return self.machine.opencode(*command, env=environ, timeout=timeout)

    @contextmanager
    def turn(self, text: str) -> Iterator[Future[Finished]]:
        """A turn that goes on meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.opencode, text)

    @property
    def turns(self) -> list[Received]:
        """What the model was asked, without the questions for a title."""
        return [one for one in self.backend.requests if one.json().get("tools")]

    @property
    def chats(self) -> int:
        """How many chats the gateway answered."""
        return sum(line.get("route") == "/v1/chat/completions" for line in self.gateway.logged)


def said(done: Finished) -> str:
    """All texts and errors of a turn."""
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    texts = [event["part"]["text"] for event in events if event["type"] == "text"]
    errors = [event["error"]["data"]["message"] for event in events if event["type"] == "error"]
    return "\n".join([*texts, *errors])


def wants(name: str, arguments: Mapping[str, Any], *, again: bool = False) -> Answerer:
    """A model that calls this tool once (or `again` for every question), and then is done."""

    def answered(request: Received) -> Answer:
        asked = request.json()
        if not asked.get("tools"):
            return stream(chunk("A title"), finish())
        messages = asked["messages"]
        results = [one for one in messages if one["role"] == "tool"]
        if messages[-1]["role"] == "user" and (again or not results):
            text = json.dumps(arguments)
            half = len(text) // 2
            return stream(
                chunk(role="assistant", content=""),
                chunk("I will do that. "),
                call(0, text[:half], name, f"call_{len(messages)}"),
                call(0, text[half:]),
                finish("tool_calls"),
            )
        return stream(chunk("All done."), finish())

    return answered


@contextmanager
def desk(
    machine: Machine,
    answerer: Answerer,
    *,
    policy: Mapping[str, Any] | None = None,
    capsule: Mapping[str, Any] | None = None,
    **of_the_model: Any,
) -> Iterator[Desk]:
    config = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    # The gateway asks, not opencode: `opencode run` has nobody who could be asked.
    config["permission"] = dict.fromkeys(config["permission"], "allow")
    rules = {"approvals": {"hold_seconds": 60}, **(policy or {})}
    workspace = Workspace({**CAPSULE, **(capsule or {})}, {**POLICY, **rules}, folder=machine.project)
    with ModelBackend(answerer=answerer) as backend:
        gateway = Gateway(
            machine.root / "gateway",
            backends={"b": {"base_url": backend.base_url}},
            models=[model(**of_the_model)],
            workspaces={"shop": workspace},
        )
        config["provider"]["abteex-marama"]["options"]["baseURL"] = gateway.base_url
        machine.project_config.write_text(json.dumps(config), encoding="utf-8")
        (machine.project / "app.py").write_text(BEFORE, encoding="utf-8")
        with gateway.running():
            yield Desk(machine, gateway, backend)
    # opencode keeps what it was asked, but never the key.
    assert canary.leaks(gateway.canaries[:2], [machine.home, machine.project, machine.temp], set()) == []


def edit(machine: Machine) -> dict[str, Any]:
    path = str(machine.project / "app.py")
    return {"filePath": path, "oldString": BEFORE.strip(), "newString": AFTER.strip()}


@pytest.fixture(params=VERSIONS)
def versioned(request: pytest.FixtureRequest, machine: Machine) -> Machine:
    """The machine with each opencode whose turns are promised."""
    machine.use_opencode(opencode_versions.executable(request.param))
    return machine


def test_an_edit_waits_for_a_yes_and_then_the_turn_goes_on(versioned: Machine) -> None:
    # opencode refuses to edit a file that it has not read, so the model writes it.
    path = str(versioned.project / "app.py")
    with desk(versioned, wants("write", {"filePath": path, "content": AFTER})) as it:
        with it.turn(f"Raise the price {it.gateway.word}") as turn:
            approval = it.gateway.wait_for_approval()
            assert it.file.read_text() == BEFORE
            assert (approval["class"], approval["tool"]) == ("file_write", "write")
            assert "-price = 1" in approval["diff"]
            assert "+price = 2" in approval["diff"]
            assert it.gateway.decide(approval["id"]).status == 200
            done = turn.result()
        assert done.status == 0, done.output
        assert "All done." in said(done)
        assert it.file.read_text() == AFTER
        assert len(it.turns) == 2
        (used,) = it.gateway.approvals("used")
        assert used["session_id"].startswith("ses_")
        decision = it.gateway.decision(used["decision_id"])
        assert (decision["session_id"], decision["capsule_id"]) == (used["session_id"], "shop")
        assert decision["approvals"] == [used["id"]]
        assert {"route", "tool", "approval", "outcome"} <= {one["kind"] for one in it.gateway.audited()}
        assert it.gateway.ask("GET", "/v1/audit/verify").json["holds"] is True


def test_a_no_leaves_the_file_and_ends_the_turn(machine: Machine) -> None:
    path = str(machine.project / "app.py")
    with desk(machine, wants("write", {"filePath": path, "content": AFTER})) as it:
        with it.turn("Raise the price") as turn:
            approval = it.gateway.wait_for_approval()
            assert it.gateway.decide(approval["id"], "reject", "not before Monday").status == 200
            done = turn.result()
        assert done.status == 0, done.output
        assert approval["id"] in said(done)
        assert "All done." not in said(done)
        assert it.file.read_text() == BEFORE
        assert len(it.turns) == 1


def test_a_denied_class_is_refused_at_once_without_an_approval(machine: Machine) -> None:
    push = {"command": "git push origin main", "description": "push"}
    with desk(machine, wants("bash", push), policy={"tools": {"publish": "deny"}}) as it:
        done = it.opencode("Publish it")
        assert done.status == 0, done.output
        assert "publish" in said(done)
        assert len(it.turns) == 1
        assert it.gateway.approvals() == []


def test_what_is_approved_later_passes_once_when_it_is_asked_again(machine: Machine) -> None:
    path = str(machine.project / "app.py")
    write = wants("write", {"filePath": path, "content": AFTER}, again=True)
    with desk(machine, write, policy={"approvals": {"hold_seconds": 0}}) as it:
        first = it.opencode("Raise the price")
        (approval,) = it.gateway.approvals()
        assert first.status == 0, first.output
        assert approval["id"] in said(first)
        assert it.file.read_text() == BEFORE
        assert it.gateway.decide(approval["id"]).status == 200
        again = it.opencode("Go on", "--continue")
        assert again.status == 0, again.output
        assert it.file.read_text() == AFTER
        assert [one["id"] for one in it.gateway.approvals("used")] == [approval["id"]]


def test_no_model_that_may_be_asked_stops_it_at_once_with_our_words(machine: Machine) -> None:
    with desk(machine, wants("write", {}), capsule={"sensitivity": "restricted"}, sovereignty_tier=1) as it:
        done = it.opencode("Raise the price")
        assert done.status == 1, done.output
        assert "model_not_trusted" in said(done)
        assert it.backend.requests == []
        assert it.chats <= 2


def test_a_model_that_is_too_small_stops_it_at_once_with_our_words(machine: Machine) -> None:
    with desk(machine, wants("write", {}), context_tokens=20_000) as it:
        done = it.opencode("Raise the price")
        assert done.status == 1, done.output
        assert "context_too_small" in said(done)
        assert it.backend.requests == []
        assert it.chats <= 2


def test_a_backend_that_fails_is_asked_a_few_times_only(machine: Machine) -> None:
    def failing(request: Received) -> Answer:
        return error(500, headers=[("retry-after", "1")])

    with desk(machine, failing) as it:
        done = it.opencode("Raise the price")
        assert done.status == 1, done.output
        assert "lumynax/coder" in said(done)
        assert len(it.backend.requests) <= MOST_TRIES


def test_a_stream_that_ends_too_early_does_not_make_it_loop(machine: Machine) -> None:
    def ending(request: Received) -> Answer:
        return stream(chunk("Half an ans"), done=False)

    with desk(machine, ending) as it:
        # Behind the published original it asked about every second, without end. Now it waits 2, 4, 8 s, and
        # after three failures the backend is left out, which ends it.
        done = it.opencode("Raise the price", timeout=120)
        assert done.status == 1, done.output
        assert 1 <= len(it.turns) <= 5
