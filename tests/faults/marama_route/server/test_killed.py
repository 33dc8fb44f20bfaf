"""The gateway killed at every call of its store, and at any moment under load.

Nothing was forwarded without its decision and its audit record on disk, no approval was used twice, and the
next gateway gives every decision an outcome, has a chain that holds, and answers.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable, Iterator, Sequence

import pytest

from tests.faults.interception import spread
from tests.faults.marama_route.server import site as sites
from tests.faults.marama_route.server.judging import broken, judged
from tests.faults.marama_route.server.site import Site

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
Figure = Callable[[str, float, str], None]
_CLIENTS = 4


def _nothing(_site: Site) -> str:
    return ""


def _new_command(site: Site) -> str:
    return site.new("shell")


def _waits(site: Site) -> str:
    """A command whose approval waits."""
    what = site.new("shell")
    name = site.waiting(what)
    assert name is not None
    return f"{what} {name}"


def _approved(site: Site) -> str:
    """A command that may pass once."""
    what, name = _waits(site).split()
    assert site.approve(name, what).status == 200
    return what


def _settled(site: Site, what: str) -> list[str]:
    """After the kill: what was approved passes at most once more."""
    for number in range(2):
        site.chat(what, stream=number == 0)
    return []


def _yes(site: Site, what: str) -> int:
    command, name = what.split()
    return site.approve(name, command).status


def _said_yes(site: Site, what: str, status: object) -> list[str]:
    """A yes that was confirmed lets the call pass once; one that was not, at most once."""
    command, _ = what.split()
    _settled(site, command)
    if status == 200 and site.passes[command] != 1:
        return [f"{command} was approved and passed {site.passes[command]} times"]
    return []


def _a_client_asks(site: Site, _: str) -> None:
    """A tool call that the client asks its user about, and the request with what became of it."""
    what = site.new("write")
    if not site.chat(what).passed:
        return
    call = {"id": f"call_{what}.txt", "type": "function", "function": {"name": "write", "arguments": "{}"}}
    said = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    site.chat("hello", messages=[*said, {"role": "tool", "tool_call_id": call["id"], "content": "done"}])


def _no_model(site: Site, headers: dict[str, str]) -> None:
    assert site.chat("hello", headers=headers).status in (0, 403)


@dataclass(frozen=True)
class Scenario:
    """`begin` gives what `act` is about; `after` asks the next gateway, with what `act` gave.

    `points` is at how many calls it is killed in the normal run.
    """

    name: str
    act: Callable[[Site, str], object]
    begin: Callable[[Site], str] = _nothing
    after: Callable[[Site, str, object], list[str]] = lambda *_: []
    points: int = 1


SCENARIOS = (
    Scenario("chat", lambda site, _: site.chat("hello")),
    Scenario("stream", lambda site, _: site.chat("hello", stream=True)),
    Scenario("denied", lambda site, _: _no_model(site, {"X-AbteeX-Purpose": "model_training"})),
    Scenario("no workspace", lambda site, _: _no_model(site, {"X-AbteeX-Workspace-Capsule": "not-there"})),
    Scenario("evaluate", lambda site, _: site.evaluate()),
    Scenario("asked", lambda site, what: site.chat(what), _new_command),
    Scenario("yes", _yes, _waits, _said_yes),
    Scenario(
        "used",
        lambda site, what: site.chat(what),
        _approved,
        lambda site, what, _: _settled(site, what),
        points=3,
    ),
    Scenario(
        "used in a stream",
        lambda site, what: site.chat(what, stream=True),
        _approved,
        lambda site, what, _: _settled(site, what),
    ),
    Scenario("client", _a_client_asks),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.site(tmp_path_factory.mktemp("killed")) as made:
        yield made


def _chosen(calls: int, number: int, *, deep: bool) -> Sequence[int]:
    """At which calls. What comes together is committed together, so the last ones are not always reached."""
    return range(1, calls + 1) if deep else spread(range(1, calls * 2 // 3 + 1), number)


def _told(figure: Figure, name: str, tried: int, calls: int, reached: int, bad: list[str]) -> None:
    figure(f"{name}: points", tried, f"of {calls} calls")
    figure(f"{name}: killed there", reached, "times")
    figure(f"{name}: bad ends", len(bad), "")
    assert not bad, "\n".join(bad[:20])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_at_every_call(scenario: Scenario, site: Site, deep: bool, figure: Figure) -> None:
    what = scenario.begin(site)
    name = site.arm()
    scenario.act(site, what)
    calls = len(site.counted(name))
    site.disarm()
    assert calls > 2
    chosen = _chosen(calls, scenario.points, deep=deep)
    bad, reached = [], 0
    for at in chosen:
        what = scenario.begin(site)
        site.arm(at)
        came = scenario.act(site, what)
        reached += site.ends()
        site.start()
        wrong = [*scenario.after(site, what, came), *judged(site)]
        bad += [f"call {at}: {one}" for one in wrong]
    assert reached
    _told(figure, scenario.name, len(chosen), calls, reached, bad)


def test_killed_while_it_starts(site: Site, deep: bool, figure: Figure) -> None:
    """The one before left a decision without an outcome."""

    def leave() -> None:
        before = len(site.backend.requests)
        client = threading.Thread(target=site.chat, args=("hang",))
        client.start()
        site.backend.wait(before + 1)
        site.ends(0)
        client.join(60)

    leave()
    name = site.arm()
    site.start()
    calls = len(site.counted(name))
    site.disarm()
    chosen = _chosen(calls, 1, deep=deep)
    bad, reached = [], 0
    for at in chosen:
        leave()
        site.arm(at)
        try:
            site.start()
        except AssertionError:
            reached += 1
            site.disarm()
        else:
            site.ends()
        site.start()
        bad += [f"call {at}: {one}" for one in judged(site)]
    assert reached
    _told(figure, "start", len(chosen), calls, reached, bad)


def _one_client(site: Site, number: int, over: threading.Event) -> None:
    """A bit of everything until the gateway is gone; two at once want each approval."""
    turn = number
    while not over.is_set():
        turn += 1
        if turn % 4 == 0:
            site.chat("hello", stream=turn % 8 == 0)
        elif turn % 4 == 1:
            site.chat("hello", headers={"X-AbteeX-Purpose": "model_training"})
        elif turn % 4 == 2:
            site.evaluate()
        else:
            what = site.new("shell")
            name = site.waiting(what)
            if name is None or site.approve(name, what).status != 200:
                continue
            other = threading.Thread(target=site.chat, args=(what,), kwargs={"stream": True})
            other.start()
            site.chat(what)
            other.join(60)


def test_killed_at_any_moment_under_load(site: Site, deep: bool, figure: Figure) -> None:
    rounds = 30 if deep else 3
    chance, bad = random.Random(17), []
    before, approved = len(site.forwarded), len(site.approved)
    for number in range(rounds):
        over, known = threading.Event(), set(site.approved)
        clients = [threading.Thread(target=_one_client, args=(site, who, over)) for who in range(_CLIENTS)]
        for one in clients:
            one.start()
        time.sleep(chance.uniform(0.05, 1.2))
        site.gateway.killed()
        site.kills += 1
        over.set()
        for one in clients:
            one.join(60)
            assert not one.is_alive()
        site.start()
        for what in site.approved - known:
            _settled(site, what)
        bad += [f"round {number}: {one}" for one in judged(site)]
    figure("under load: killed", rounds, "times")
    figure("under load: forwarded", len(site.forwarded) - before, "requests")
    figure("under load: approved", len(site.approved) - approved, "tool calls")
    figure("under load: bad ends", len(bad), "")
    assert not bad, "\n".join(bad[:20])


def test_the_judge_sees_a_chain_that_was_changed(site: Site) -> None:
    site.evaluate()
    chain = site.audited()
    assert broken(chain) is None
    assert broken(chain[1:]) is not None
    assert broken([{**chain[0], "decision": "deny"}, *chain[1:]]) is not None
