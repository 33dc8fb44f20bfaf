"""The order of `places.py` against opencode itself: every pair of places, in one start per version."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from opencode_config.layers import merge
from opencode_config.places import Environment, Kind, Place, places
from opencode_config.program.find import find
from opencode_config.program.opencode import Opencode
from opencode_config.program.surveying import take_survey
from tests.support.machine import Machine


def arranged(machine: Machine, *, git: bool) -> tuple[Host, list[Place]]:
    """A machine on which every place can be filled, and those places, low to high."""
    root = machine.project if git else machine.home / "plain"
    cwd = root / "nested"
    cwd.mkdir(parents=True)
    environ = {
        **machine.environment,
        "OPENCODE_CONFIG": str(machine.home / "custom.json"),
        "OPENCODE_CONFIG_DIR": str(machine.home / "directory"),
        "OPENCODE_CONFIG_CONTENT": "{}",
        "OPENCODE_TEST_MANAGED_CONFIG_DIR": str(machine.home / "managed"),
    }
    host = Host(environ, machine.home, cwd, "linux")
    around = take_survey(host, cwd, GONKAGATE.id).surroundings
    inside = machine.root
    found = [
        place
        for place in places(around)
        if place.kind is not Kind.REMOTE and (place.path is None or inside in place.path.parents)
    ]
    return host, found


def fill(host: Host, found: list[Place]) -> Host:
    """Each pair of places disagrees about the model of one agent, whose name is the pair."""
    for number, place in enumerate(found):
        pairs = [pair for pair in combinations(range(len(found)), 2) if number in pair]
        agents = {f"p{low}x{high}": {"model": f"place/{number}"} for low, high in pairs}
        if place.kind is Kind.INLINE:
            environ = {**host.environ, "OPENCODE_CONFIG_CONTENT": json.dumps({"agent": agents})}
            host = Host(environ, host.home, host.cwd, host.platform)
        elif place.kind is Kind.AGENTS:
            _markdown(Path(str(place.path)), agents)
        else:
            path = Path(str(place.path))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"$schema": "https://opencode.ai/config.json", "agent": agents}))
    return host


def _markdown(folder: Path, agents: dict[str, dict[str, str]]) -> None:
    (folder / "agents").mkdir(parents=True, exist_ok=True)
    for name, agent in agents.items():
        text = f"---\ndescription: x\nmodel: {agent['model']}\n---\nHello.\n"
        (folder / "agents" / f"{name}.md").write_text(text)


@pytest.mark.parametrize("git", [True, False], ids=["git", "plain"])
def test_a_later_place_wins_over_every_earlier_one(
    machine: Machine, opencode_version: str, git: bool
) -> None:
    host, found = arranged(machine, git=git)
    host = fill(host, found)
    assert len(found) >= 21, opencode_version
    resolved = Opencode(find(host), host.cwd, host.hidden).config(host.environ)
    wrong = []
    for low, high in combinations(range(len(found)), 2):
        model = resolved["agent"][f"p{low}x{high}"]["model"]
        if model != f"place/{high}":
            wrong.append(
                f"{found[high].layer} {found[high].path} loses to {found[low].layer} {found[low].path}"
            )
    assert wrong == []


def test_our_own_merge_gives_the_same(machine: Machine) -> None:
    host, found = arranged(machine, git=True)
    host = fill(host, found)
    merged = merge(take_survey(host, host.cwd, GONKAGATE.id).layers(Environment.SESSION))
    names = [f"p{low}x{high}" for low, high in combinations(range(len(found)), 2)]
    assert {name: merged["agent"][name]["model"] for name in names} == {
        name: f"place/{name.rpartition('x')[2]}" for name in names
    }


@pytest.mark.deep
def test_peeling_the_places_one_by_one(machine: Machine) -> None:
    host, found = arranged(machine, git=True)
    host = fill(host, found)
    remaining = list(range(len(found)))
    while len(remaining) > 1:
        resolved = Opencode(find(host), host.cwd, host.hidden).config(host.environ)
        highest, next_one = remaining[-1], remaining[-2]
        assert resolved["agent"][f"p{next_one}x{highest}"]["model"] == f"place/{highest}"
        host = _peel(host, found[highest])
        remaining.pop()


def _peel(host: Host, place: Place) -> Host:
    if place.kind is Kind.INLINE:
        environ = {name: value for name, value in host.environ.items() if name != "OPENCODE_CONFIG_CONTENT"}
        return Host(environ, host.home, host.cwd, host.platform)
    path = Path(str(place.path))
    for file in (path / "agents").glob("*.md") if place.kind is Kind.AGENTS else [path]:
        file.unlink()
    return host
