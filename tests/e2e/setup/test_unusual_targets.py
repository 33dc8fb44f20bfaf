"""Configs that are written in an unusual way: preview, result and --json say so."""

from __future__ import annotations

import os
import sys

import pytest

from tests.support.machine import Machine

CHOICES = ("--scope", "user", "--model", "kimi-k2.6", "--yes")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the way back names commands of POSIX")


def test_p8_a_hard_link_is_told_in_preview_and_result(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text('{"username": "me"}\n')
    other = machine.home / "dotfiles.json"
    os.link(machine.user_config, other)
    env = {"GONKAGATE_API_KEY": machine.key}
    preview = machine.run_setup(*CHOICES, "--dry-run", env=env)
    assert preview.status == 0, preview.output
    assert "another name (hard links)" in " ".join(preview.stderr.split()), preview.output
    done = machine.run_setup(*CHOICES, "--json", env=env)
    assert done.status == 0, done.output
    (notice,) = [one for one in done.json["notices"] if one["code"] == "config_has_other_names"]
    assert notice["file"] == str(machine.user_config)
    assert "ln -f" in notice["nextStep"]
    assert other.read_text() == '{"username": "me"}\n'
    again = machine.run_setup(*CHOICES, "--json", env=env)
    assert [one["code"] for one in again.json["notices"]] == []
