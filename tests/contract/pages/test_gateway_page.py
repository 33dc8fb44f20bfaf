"""docs/marama-route.md: routes, variables, commands and configuration are those of the program."""

from __future__ import annotations

import re
import shlex

import pytest

from marama_route import command_line
from marama_route.commands.init import texts
from marama_route.core import config
from marama_route.core.keys import Key
from marama_route.http.routes import ROUTES
from tests.contract.pages.test_documented import variables
from tests.support.sources import MODULES, ROOT

PAGE = (ROOT / "docs" / "marama-route.md").read_text(encoding="utf-8")
OWN = [path for path in MODULES if path.is_relative_to(ROOT / "marama_route")]
SHARED = ["foundation/https.py", "foundation/terminal/terminal.py", "foundation/host.py"]


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_route_is_on_the_page_and_no_other() -> None:
    cells = [row.split("|")[1] for row in section("HTTP").split("\n") if row.startswith("| `")]
    named = {
        re.sub(r"\{\w+\}", "{id}", path) for cell in cells for path in re.findall(r"(/[\w/.{}]+)`", cell)
    }
    # Codes of the table of errors have no slash.
    assert named == {route.path for route in ROUTES}


def test_every_variable_that_is_read_is_on_the_page() -> None:
    found = {name.upper() for name in variables([*OWN, *(ROOT / name for name in SHARED)])}
    assert {"HTTPS_PROXY", "XDG_CONFIG_HOME", "XDG_DATA_HOME"} <= found
    assert sorted(name for name in found if name not in PAGE) == []
    assert "`MARAMA_ROUTE_CONFIG`" in PAGE


def commands() -> list[str]:
    shown = re.findall(r"^(?:\$ )?(marama-route [^\n#]*)", PAGE, re.MULTILINE)
    shown += re.findall(r"`(marama-route [a-z][^`|]*)`", PAGE)
    return [line for line in shown if "[" not in line]


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_the_commands_on_the_page_parse(line: str) -> None:
    words = shlex.split(line)[1:]
    assert command_line.COMMAND_LINE.parse(words).command in command_line.VERBS


def test_the_page_says_of_every_command_what_it_is_for() -> None:
    assert len(commands()) > 8
    for name in command_line.COMMAND_LINE.parsers():
        assert f"`{name}" in PAGE or f"\n{name} " in PAGE or f"\n{name}\n" in PAGE or f"$ {name}" in PAGE, (
            name
        )


def test_the_keys_of_a_starting_configuration_are_in_the_reference() -> None:
    text = texts.configuration(texts.Start("local", "NZ", (Key("sha256:" + "0" * 64),), (), (), "~/k"))
    assert config.read(text.encode(), "")[1] == ()
    reference = section("Configuration")
    for key in {*re.findall(r"^\s*(?:- )?([a-z_]+):", text, re.MULTILINE)} - {"gonkagate"}:
        assert re.search(rf"\b{key}`", reference), key
