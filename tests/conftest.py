"""Options, fixtures and guards for the whole suite.

`machine` is a throw-away computer with a real opencode behind the stand-in service; a test that also asks
for `opencode_version` runs once per supported version, any other with the newest. After each test every file
of the machine and everything that our program said is searched for the test's keys; and after every test of
the suite everything that was printed, and the arguments and environment of every child that our program
started.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from scripts.lib import opencode_versions
from tests.stand_in import HOST, Authority, StandIn
from tests.stand_in.chat import ChatStandIn, chat_stand_in
from tests.support import canary, second_service, watching
from tests.support.machine import ROOT, Machine

Record = Callable[[str, float, str], None]
_FIGURE, _SEARCHED = "figure", "searched for keys"
_GET_OPENCODE = {"machine", "opencode_version", "desk", "quick_desk"}
# These need Python 3.10.
_TOO_OLD = sys.version_info < (3, 10)
collect_ignore_glob = (
    [f"{depth}/{name}" for depth in ("*", "*/*") for name in ("sovereigncode", "marama_route")]
    if _TOO_OLD
    else []
)
_FAST_FOLDERS = {"unit", "golden", "property", "contract"}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gonkagate-setup")
    group.addoption("--deep", action="store_true", help="also run the tests marked deep, and more examples")
    group.addoption("--built", help="the folder with the native binary to test, instead of building one")
    group.addoption("--figures", action="store_true", help="print the figures that tests recorded")


def pytest_report_header() -> list[str]:
    return (
        ["the tests of sovereigncode and marama_route are left out: they need Python 3.10"]
        if _TOO_OLD
        else []
    )


def pytest_configure(config: pytest.Config) -> None:
    # What nohup, or `&` in a script, ignores stays ignored in every child, and then no test can cancel one.
    # A signal with a handler has its default action again in a child.
    for name in ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _GET_OPENCODE & set(getattr(item, "fixturenames", ())):
            item.add_marker("opencode")
    if not config.getoption("--deep"):
        skip = pytest.mark.skip(reason="takes minutes; run with --deep")
        for item in items:
            if item.get_closest_marker("deep"):
                item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.getoption("--figures"):
        return
    terminalreporter.section("figures")
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    for report in reports:
        if getattr(report, "when", None) == "call":
            for name, value in report.user_properties:
                if name == _FIGURE:
                    terminalreporter.write_line(f"{report.nodeid}: {value}")
    searched: Counter[str] = Counter()
    for report in reports:
        if getattr(report, "when", None) == "teardown":
            found = dict(report.user_properties).get(_SEARCHED, {})
            searched.update({"tests": 1, **found} if found else {})
    terminalreporter.write_line(
        f"leaks found: {searched['leaks']}, in {searched['files']} files, {searched['outputs']} outputs,"
        f" arguments and environments of {searched['children']} children, together {searched['bytes']} bytes,"
        f" after {searched['tests']} tests"
    )


@pytest.fixture(scope="session", autouse=True)
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[watching.Watch]:
    """From here on every child that our program starts is noted, and so is what a test takes from capture."""
    watch = watching.begin(tmp_path_factory.mktemp("watching"))
    read = pytest.CaptureFixture.readouterr

    def noted(capture: pytest.CaptureFixture[Any]) -> Any:
        result = read(capture)
        watch.say(f"{result.out}{result.err}")
        return result

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pytest.CaptureFixture, "readouterr", noted)
        yield watch


@pytest.fixture(autouse=True)
def _no_key_leaves(request: pytest.FixtureRequest, _watched: watching.Watch) -> Iterator[None]:
    """Set up before and torn down after all else of a test; see canary.py and watching.py."""
    earlier, first, point = replace(canary.SEARCHED), len(canary.ISSUED), _watched.here()
    yield
    children, said = _watched.since(point)
    said += [text for _, _, text in request.node._report_sections]
    found = []
    for child in children:
        command = os.fsdecode(child.split(b"\0", 1)[0])
        found += canary.in_all(canary.ISSUED, child, f"arguments or environment of {command}")
    for text in filter(None, said):
        canary.SEARCHED.outputs += 1
        found += canary.in_all(canary.ISSUED, text.encode(errors="surrogatepass"), "what was printed")
    canary.SEARCHED.children += len(children)
    del canary.ISSUED[first:]
    request.node.user_properties.append((_SEARCHED, canary.SEARCHED.since(earlier)))
    assert found == []


@pytest.fixture(autouse=True)
def _opencode_is_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`scripts/test.py --fast` leaves out what gets opencode or node, which it knows by a marker."""
    folder = request.path.relative_to(ROOT / "tests").parts[0]
    if folder in _FAST_FOLDERS and request.node.get_closest_marker("opencode") is None:

        def refuse(name: str) -> Path:
            pytest.fail(f"this test gets {name}: mark it with pytest.mark.opencode")

        monkeypatch.setattr(opencode_versions, "executable", refuse)
        monkeypatch.setattr(opencode_versions, "tool", refuse)


@pytest.fixture
def deep(request: pytest.FixtureRequest) -> bool:
    """Whether --deep was given."""
    return bool(request.config.getoption("--deep"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Record:
    """Record a named number with its unit; printed at the end with --figures, never asserted."""

    def record(name: str, value: float, unit: str) -> None:
        request.node.user_properties.append((_FIGURE, f"{name}: {value:g} {unit}".rstrip()))

    return record


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The test certificate authority of this run."""
    return Authority(tmp_path_factory.mktemp("authority"), HOST)


@pytest.fixture
def stand_in(authority: Authority) -> Iterator[StandIn]:
    """A stand-in for the GonkaGate service, running while the test does."""
    with StandIn(authority) as service:
        yield service
    assert service.mishaps == []


@pytest.fixture
def chat_service() -> Iterator[ChatStandIn]:
    """A stand-in for a chat service on plain HTTP, with a canary as its key."""
    with chat_stand_in(key=canary.new_canary().key) as service:
        yield service


@pytest.fixture(scope="session")
def chat_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The test certificate authority for chat services: localhost, and Sakana's by its real name."""
    return Authority(tmp_path_factory.mktemp("authority"), "localhost", "127.0.0.1", "api.sakana.ai")


@pytest.fixture(scope="session")
def _second_service() -> Iterator[second_service.SecondService]:
    with second_service.second_service() as service:
        yield service


@pytest.fixture(name="second_service")
def _second_service_for_a_test(_second_service: second_service.SecondService) -> second_service.SecondService:
    """llmock, a chat service that we did not write; with a canary as the key that a client is to send."""
    _second_service.reset()
    _second_service.key = canary.new_canary().key
    return _second_service


@pytest.fixture(params=opencode_versions.SUPPORTED)
def opencode_version(request: pytest.FixtureRequest) -> str:
    """Each supported opencode version in turn."""
    return str(request.param)


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path, stand_in: StandIn) -> Iterator[Machine]:
    """A throw-away machine; see tests/support/machine.py."""
    version = opencode_versions.NEWEST
    if "opencode_version" in request.fixturenames:
        version = request.getfixturevalue("opencode_version")
    made = Machine(tmp_path / "machine", stand_in, opencode_versions.executable(version))
    yield made
    assert made.leaks() == []


@pytest.fixture(scope="session", autouse=True)
def _real_home_untouched() -> Iterator[None]:
    before = _real_home()
    yield
    assert _real_home() == before, "a test touched the real home folder"


def _real_home() -> dict[str, tuple[int, int]]:
    folders = [Path.home() / ".config" / "opencode", Path.home() / ".gonkagate"]
    paths = [path for folder in folders for path in (folder, *folder.rglob("*")) if path.exists()]
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}
