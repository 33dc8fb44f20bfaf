"""What scripts/test.py runs: --fast and named tests get no opencode, and --fast leaves out what is slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from scripts import test as test_script
from scripts.lib import cache, opencode_versions, pythons
from scripts.lib.pythons import Interpreter

Started = Callable[..., "tuple[int, list[str]]"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What would be started and got by a command line, nothing of which is."""

    def run(*arguments: str, failing: str = "") -> tuple[int, list[str]]:
        said: list[str] = []

        def environment(python: str, requirements: str) -> Path:
            said.append(f"get {requirements}")
            return Path(f"{python}-{requirements}")

        def step(name: str, command: list[str]) -> bool:
            said.append(" ".join(command).partition(" ")[2])
            return name != failing

        two = [Interpreter("python3.13", (3, 13)), Interpreter("python3.9", (3, 9))]
        monkeypatch.setattr(pythons, "find", lambda: two)
        monkeypatch.setattr(sys, "version_info", (3, 13, 0))
        monkeypatch.setattr(cache, "python_environment", environment)
        monkeypatch.setattr(opencode_versions, "executable", lambda version: said.append(f"get {version}"))
        monkeypatch.setattr(test_script, "_step", step)
        return test_script.main(arguments), said

    return run


FAST = " ".join(["-m pytest -n 2 --dist worksteal", *test_script.FAST_TESTS])
LINT = ["-m ruff check", "-m ruff format --check", "-m mypy"]


def test_fast_gets_the_tests_packages_and_nothing_else(started: Started) -> None:
    assert started("--fast") == (0, ["get test.txt", *LINT, FAST])


@pytest.mark.parametrize("failing", ["ruff check", "mypy", "tests without opencode, Python 3.13"])
def test_fast_fails_when_a_part_of_it_does_and_runs_the_rest(started: Started, failing: str) -> None:
    assert started("--fast", failing=failing) == (1, ["get test.txt", *LINT, FAST])


def test_named_tests_get_no_opencode_before_one_asks_for_it(started: Started) -> None:
    for arguments in (("tests/unit", "-x"), ("-k", "plan"), ("--deep", "--built", "dist", "tests/e2e")):
        pytest_command = " ".join(["-m pytest -n 2 --dist worksteal", *arguments])
        assert started(*arguments) == (0, ["get test.txt", pytest_command])


@pytest.mark.parametrize("arguments", [(), ("--deep",), ("--deep", "--figures")])
def test_the_whole_run_gets_every_opencode_and_has_a_leg_for_every_other_python(
    started: Started, arguments: tuple[str, ...]
) -> None:
    versions = (*opencode_versions.SUPPORTED, opencode_versions.TOO_OLD)
    status, said = started(*arguments)
    assert status == 0
    assert said == [
        "get test.txt",
        "get chat.txt",
        *(f"get {version}" for version in versions),
        *LINT,
        "scripts/lint.py",
        "get legs.txt",
        "-m pytest -n 2 --dist worksteal -q -m not large tests/unit tests/e2e/test_smoke.py",
        " ".join(["-m pytest -n 2 --dist worksteal", *arguments]),
    ]


def test_fast_takes_no_other_argument() -> None:
    for more in ("tests/unit", "--deep", "-x"):
        with pytest.raises(SystemExit, match="2"):
            test_script.main(["--fast", more])


def test_fast_selects_what_starts_no_opencode() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *test_script.FAST_TESTS], cwd=cache.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    selected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    files = {name.partition("::")[0] for name in selected}
    every = {
        path.relative_to(cache.ROOT).as_posix()
        for folder in ("unit", "golden", "contract")
        for path in (cache.ROOT / "tests" / folder).rglob("test_*.py")
    }
    assert every - files == set()
    assert "tests/property/test_jsonc.py" in files
    assert {name.split("/")[1] for name in files} == {"unit", "golden", "property", "contract"}
    # Each of these asks for a machine, or runs node.
    assert "tests/property/test_jsonc_differential.py" not in files
    assert "tests/contract/pages/test_json.py::test_undo_and_uninstall" not in selected
    assert "tests/contract/pages/test_json.py::test_the_schema_is_one" in selected
    assert "tests/contract/test_stand_in.py::test_opencode_reaches_it_by_its_real_name" not in selected


def test_a_test_that_gets_opencode_without_the_marker_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"mark it with pytest\.mark\.opencode"):
        opencode_versions.executable(opencode_versions.NEWEST)
