"""The gateway's demo does what it shows, and its benchmark's client counts no wrong answer as one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmarks import BenchmarkError, Row
from scripts.benchmarks.gateway import bodies, rig
from scripts.lib import cache
from tests.stand_in.model_backend import Answer, Close, ModelBackend, chunk, completion, stream, whole

if not sys.version_info >= (3, 10):
    pytest.skip("marama-route needs Python 3.10", allow_module_level=True)

WHY_NOT = rig.why_not()
measures = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


@pytest.mark.skipif(sys.platform == "win32", reason="the demo needs a pseudo-terminal")
@pytest.mark.opencode
def test_the_demo_shows_a_governed_turn(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(cache.ROOT / "scripts" / "demo.py"), "gateway"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "GONKAGATE_SETUP_CACHE": str(cache.folder())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in (
        "+price = 2",
        "is approved.",
        "class publish; rejected",
        "The file is changed, and nothing was pushed.",
        "the one abroad never.",
        "not chosen\n  giant/abroad: policy_denied (region_not_resident, model_not_trusted)",
        "The chain holds: ",
    ):
        assert shown in done.stdout, done.stdout
    assert "mr_" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def client(tmp_path: Path) -> rig.Client:
    return rig.Client(rig.compiled("load", tmp_path), tmp_path)


@measures
def test_client_and_runtime_agree(client: rig.Client, tmp_path: Path) -> None:
    ports = rig.free_ports(2)
    with rig.stub(rig.compiled("stub", tmp_path), ports, tmp_path):
        for port, wanted, connections in ((ports[0], False, 1), (ports[0], True, 4), (ports[1], True, 8)):
            body = bodies.small("m", stream=wanted)
            cell = client.run(port, body, connections=connections, seconds=5, most=8, fifo=False)
            assert cell.requests == 8
            # 103 events, and 10 ms between two.
            assert (cell.p50 > 1_000_000) is (port == ports[1])


@measures
@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (stream(chunk("Hello")), False),
        (stream(chunk("Hello"), done=False), True),
        (stream(chunk("Hello"), ended=False, done=False), True),
        (whole(completion()), False),
        (whole(completion(), 500), True),
    ],
    ids=["stream", "no [DONE]", "cut", "whole", "500"],
)
def test_an_answer_counts_if_it_is_right(client: rig.Client, answer: Answer, wrong: bool) -> None:
    expected = pytest.raises(BenchmarkError, match="1 wrong answers") if wrong else contextlib.nullcontext()
    with ModelBackend([[*answer, Close()]]) as backend, expected:
        client.run(backend.port, bodies.small("m"), connections=1, seconds=5, most=1, fifo=False)


def test_a_row_misses_its_target_on_the_wrong_side_only() -> None:
    assert Row("x", 34, "x", 35).met
    assert not Row("x", 36, "x", 35).met
    assert Row("x", 36, "x", 35, at_least=True).met
    assert not Row("x", 34, "x", 35, at_least=True).met
    assert Row("x", None, "x", 35, at_least=True).met
