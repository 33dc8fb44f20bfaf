"""Where configuration and data are on each system, and never in the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

import pytest

from foundation.errors import Refusal
from foundation.host import Host
from marama_route import places

HOME = Path("/home/ada")


def host(platform: str = "linux", environ: Mapping[str, str] | None = None) -> Host:
    return Host(environ or {}, HOME, Path("/clone"), platform)


@pytest.mark.parametrize(
    ("platform", "environ", "config", "data"),
    [
        ("linux", {}, "/home/ada/.config", "/home/ada/.local/share"),
        ("linux", {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"}, "/c", "/d"),
        (
            "linux",
            {"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d"},
            "/home/ada/.config",
            "/home/ada/.local/share",
        ),
        ("linux", {"XDG_CONFIG_HOME": "", "APPDATA": "/a"}, "/home/ada/.config", "/home/ada/.local/share"),
        (
            "darwin",
            {"XDG_CONFIG_HOME": "/c"},
            "/home/ada/Library/Application Support",
            "/home/ada/Library/Application Support",
        ),
        ("win32", {}, "/home/ada/AppData/Roaming", "/home/ada/AppData/Local"),
        ("win32", {"APPDATA": "/r", "LOCALAPPDATA": "/l"}, "/r", "/l"),
    ],
)
def test_the_folders_of_each_system(platform: str, environ: dict[str, str], config: str, data: str) -> None:
    machine = host(platform, environ)
    assert places.config_file(machine, None) == Path(config) / "marama-route" / "config.yaml"
    assert places.database(machine) == Path(data) / "marama-route" / "gateway.sqlite3"


def test_an_option_comes_before_the_variable_and_the_variable_before_the_folder() -> None:
    machine = host(environ={"MARAMA_ROUTE_CONFIG": "/etc/m.yaml", "XDG_CONFIG_HOME": "/c"})
    assert places.config_file(machine, "mine.yaml") == Path("/clone/mine.yaml")
    assert places.config_file(machine, "~/mine.yaml") == HOME / "mine.yaml"
    assert places.config_file(machine, None) == Path("/etc/m.yaml")
    empty = host(environ={"MARAMA_ROUTE_CONFIG": " "})
    assert places.config_file(empty, None) == HOME / ".config" / "marama-route" / "config.yaml"


@pytest.mark.parametrize("named", ["config.yaml", "./config.yaml", "../m.yaml", "~ada/m.yaml"])
def test_a_variable_that_means_another_file_in_each_folder_is_refused(named: str) -> None:
    with pytest.raises(Refusal) as refused:
        places.config_file(host(environ={"MARAMA_ROUTE_CONFIG": named}), None)
    assert refused.value.kind == "config_invalid"
    assert str(refused.value.where) == "MARAMA_ROUTE_CONFIG"


def test_a_tilde_is_the_home_of_this_user_only() -> None:
    assert places.expanded("~/x", host()) == HOME / "x"
    assert places.expanded("~", host()) == HOME
    assert places.expanded("~\\x", host()) == HOME / "x"
    assert places.expanded("/x", host()) == Path("/x")
    assert places.expanded("~ada/x", host()) == Path("~ada/x")
