"""Links that a cloned repository brings along name no file outside of it; the user's own ones are shown."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from foundation.errors import Refusal
from foundation.terminal.text import settle
from gonkagate_setup import report as reports
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes import plan as plans
from gonkagate_setup.changes.plan import KeyAction, Plan
from gonkagate_setup.choice import Choice, Scope
from gonkagate_setup.commands.setup import outcome
from gonkagate_setup.errors import code_of
from gonkagate_setup.ui import render
from opencode_config.program.surveying import take_survey
from tests.faults.gonkagate_setup.test_teardown import run_undo, run_uninstall, set_up
from tests.faults.homes import Home, put

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.empty(tmp_path / "machine")


@pytest.fixture
def outside(home: Home) -> Path:
    settings = home.folder / ".config" / "Code" / "settings.json"
    put(settings, b'{"editor": 1}', 0o644)
    return settings


def planned(home: Home, scope: Scope) -> Plan:
    survey = take_survey(home.host, home.project, GONKAGATE.id)
    choice = Choice(GONKAGATE.models[0], scope)
    return plans.build(GONKAGATE, choice, KeyAction.CREATE, survey.user_files, survey.project_files, None)


@pytest.mark.parametrize("name", ["opencode.json", "opencode.jsonc"])
@pytest.mark.parametrize("scope", Scope)
def test_a_link_out_of_the_project_is_refused(home: Home, outside: Path, name: str, scope: Scope) -> None:
    link = home.project / name
    link.symlink_to("../home/.config/Code/settings.json")
    with pytest.raises(Refusal) as caught:
        planned(home, scope)
    assert code_of(caught.value) == "managed_config_unsafe_link"
    assert caught.value.message == f"this link leads out of the project, to {outside}"
    assert str(caught.value.where) == str(link)
    with pytest.raises(Refusal):
        run_uninstall(home)
    assert outside.read_bytes() == b'{"editor": 1}'


def test_a_link_out_of_the_project_to_what_is_not_there_is_refused_too(home: Home) -> None:
    (home.project / "sub").symlink_to(home.folder)
    home.project_config.symlink_to("sub/new.json")
    with pytest.raises(Refusal):
        planned(home, Scope.PROJECT)


def test_a_link_within_the_project_is_edited_where_it_leads(home: Home) -> None:
    put(home.project / "configs" / "oc.json", b"{}", 0o644)
    home.project_config.symlink_to("configs/oc.json")
    assert home.project / "configs" / "oc.json" in planned(home, Scope.PROJECT).texts


def test_a_project_behind_a_link_is_no_link_out_of_it(home: Home, tmp_path: Path) -> None:
    put(home.project / "configs" / "oc.json", b"{}", 0o644)
    home.project_config.symlink_to("configs/oc.json")
    (tmp_path / "short").symlink_to(home.project)
    survey = take_survey(home.host, tmp_path / "short", GONKAGATE.id)
    assert survey.project_files[0].real == home.project / "configs" / "oc.json"


def test_a_link_to_the_users_own_config_is_the_users_own_config(home: Home) -> None:
    put(home.user_config, b"{}", 0o644)
    home.project_config.symlink_to(home.user_config)
    assert [change.layer for change in planned(home, Scope.USER).configs] == ["user_config"]


def test_undo_follows_no_link_that_came_since(home: Home, outside: Path) -> None:
    set_up(home, Scope.PROJECT, 0)
    written = home.project_config.read_bytes()
    outside.write_bytes(written)
    home.project_config.unlink()
    home.project_config.symlink_to(outside)
    with pytest.raises(Refusal) as caught:
        run_undo(home)
    assert code_of(caught.value) == "managed_config_unsafe_link"
    assert outside.read_bytes() == written


def test_the_preview_and_the_report_show_where_the_users_own_link_leads(home: Home) -> None:
    real = home.folder / "dotfiles" / "oc.json"
    put(real, b'{"model": "a/b"}', 0o644)
    home.user_config.parent.mkdir(parents=True)
    home.user_config.symlink_to(real)
    plan = planned(home, Scope.USER)
    shown = settle(
        render.preview(plan, profile=GONKAGATE, store=home.store, findings=(), width=200),
        encoding="utf-8",
        colour=False,
    )
    assert f"change     {home.user_config}\n             leads to: {real}\n" in shown
    found: object = None
    ending = outcome.Ending(GONKAGATE, home.store, plan, found, (), state_existed=False)  # type: ignore[arg-type]
    files = outcome._files(ending)
    assert [(file.path, file.leads_to) for file in files] == [
        (str(home.store.key), None),
        (str(home.user_config), str(real)),
    ]
    assert reports._file(files[1])["leadsTo"] == str(real)
    assert os.readlink(home.user_config) == str(real)  # noqa: PTH115
    assert json.loads(real.read_text()) == {"model": "a/b"}
