"""Options, fixtures and guards for the whole suite.

`machine` is a throw-away computer with a real opencode behind the stand-in service; a test that also asks
for `opencode_version` runs once per supported version, any other with the newest. After each test every file
of the machine and everything that our program said is searched for the test's keys.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from scripts import opencode_versions
from tests.machine import Machine
from tests.stand_in import HOST, Authority, StandIn

Record = Callable[[str, float, str], None]
_FIGURE = "figure"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gonkagate-setup")
    group.addoption("--deep", action="store_true", help="also run the tests marked deep, and more examples")
    group.addoption("--built", help="the folder with the native binary to test, instead of building one")
    group.addoption("--figures", action="store_true", help="print the figures that tests recorded")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "deep: takes minutes; runs with --deep")
    config.addinivalue_line("markers", "smoke: also runs under every other Python of the machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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


@pytest.fixture(params=opencode_versions.SUPPORTED)
def opencode_version(request: pytest.FixtureRequest) -> str:
    """Each supported opencode version in turn."""
    return str(request.param)


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path, stand_in: StandIn) -> Iterator[Machine]:
    """A throw-away machine; see tests/machine.py."""
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
