"""Runs in the states that commands are killed and broken in, each made by real commands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from tests.faults.overlord.place import Place
from tests.faults.overlord.victims import Fate, How, Victims
from tests.stand_in.chat import ChatStandIn

_LONG_AGO = "2026-01-01T00:00:00.000Z"


class Stage:
    """A place whose commands are victims."""

    def __init__(self, place: Place, victims: Victims) -> None:
        self.place = place
        self.victims = victims

    def run(self, *argv: str, how: How | None = None, **environ: str) -> Fate:
        """Run one command, with these variables too; see `Victims.run`."""
        place = self.place
        return self.victims.run(argv, place.worktree, place.environ(**environ), how or {})

    def do(self, *argv: str, status: int = 0) -> Fate:
        """Run a command that ends with this status."""
        fate = self.run(*argv)
        assert fate.status == status, fate
        return fate


@dataclass(frozen=True)
class Scenario:
    """`prepare` makes the runs; `service` is what the service does meanwhile; `argv` ends with `status`."""

    name: str
    argv: tuple[str, ...]
    prepare: Callable[[Stage], None]
    service: Callable[[ChatStandIn], None]
    status: int = 0


def _nothing(_stage: Stage) -> None:
    """A fresh machine."""


def _healthy(_service: ChatStandIn) -> None:
    """It answers everything."""


def _one_fails(service: ChatStandIn) -> None:
    service.fail(400, slot="normal-1", times=1)


def _started(stage: Stage) -> None:
    stage.do("start")
    stage.do("send", "all", "The first message.")


def _one_blocked(stage: Stage) -> None:
    _started(stage)
    _one_fails(stage.place.service)
    stage.do("send", "all", "The second message.", status=7)


def _startup_failed(stage: Stage) -> None:
    stage.place.service.fail(400, slot="normal-1", times=1)
    stage.place.service.fail(400, slot="normal-2", times=1)
    stage.do("start", status=6)


def _lease_out(stage: Stage) -> None:
    _started(stage)
    path = stage.place.only_run().folder / "registry.json"
    registry = json.loads(path.read_bytes())
    for servant in registry["servants"]:
        servant["lastUsefulSignalAt"] = _LONG_AGO
    path.write_bytes(json.dumps(registry).encode())


def _killed_while_sending(stage: Stage) -> None:
    _started(stage)
    calls = stage.run("send", "all", "The second message.").calls
    place = [at for at, name in enumerate(calls, 1) if name == "socket.recv_into"]
    stage.run("send", "all", "The third message.", how={"at": place[0], "act": "kill"})


SCENARIOS = (
    Scenario("start", ("start",), _nothing, _healthy),
    Scenario("start that fails", ("start", "--normal", "1"), _nothing, _one_fails, 6),
    Scenario("send", ("send", "all", "A message."), _started, _healthy),
    Scenario("send with a failure", ("send", "all", "A message."), _started, _one_fails, 7),
    Scenario("send to a blocked one", ("send", "normal-1", "A message."), _one_blocked, _healthy),
    Scenario(
        "send and then to Ultra", ("send", "normals", "A message.", "--then", "ultra"), _started, _healthy
    ),
    Scenario("retry", ("retry",), _one_blocked, _healthy),
    Scenario("recover a startup", ("recover",), _startup_failed, _healthy),
    Scenario("recover a servant", ("recover",), _one_blocked, _healthy),
    Scenario("replace", ("replace", "normal-1", "--note", "Be brief."), _one_blocked, _healthy),
    Scenario("stop", ("stop",), _killed_while_sending, _healthy),
    Scenario("status with liveness", ("status",), _lease_out, _healthy),
)


def stage_in(root: Path, service: ChatStandIn, victims: Victims) -> Stage:
    """An empty stage."""
    return Stage(Place(root, service), victims)
