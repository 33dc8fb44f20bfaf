"""A repository that git does not trust and configs that others can change are named with a cure."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from foundation import git
from foundation import host as hosts
from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands import key_findings
from gonkagate_setup.commands.setup.recommendation import recommend
from gonkagate_setup.judgement.findings import Finding
from opencode_config.program.surveying import take_survey

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no owners in numbers and no modes"
)
root_only = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away"
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    home, project = tmp_path / "home", tmp_path / "my project"
    (home / ".config" / "opencode").mkdir(parents=True)
    project.mkdir()
    subprocess.run(["git", "init", "--quiet", str(project)], check=True, stdin=subprocess.DEVNULL)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    return Host(environ, home, project, "linux", user_id=os.getuid())


def notices(host: Host) -> list[Finding]:
    return list(key_findings.around(take_survey(host, host.cwd, GONKAGATE.id), host, []))


# -- repositories of other users


@root_only
def test_p9_a_repository_of_another_user_is_named_with_the_cure(host: Host) -> None:
    assert notices(host) == []
    os.chown(host.cwd, 12345, 12345)
    (found,) = notices(host)
    assert (found.code, found.path) == ("repository_not_trusted", str(host.cwd))
    assert "belongs to another user" in found.message
    survey = take_survey(host, host.cwd, GONKAGATE.id)
    assert not survey.in_git
    assert survey.distrust is not None
    why = recommend(GONKAGATE, survey, None, host.home).why_scope
    assert why == "git does not trust this repository, so opencode ignores it"
    command = shlex.split(survey.distrust.cure)
    subprocess.run(command, check=True, env=dict(host.environ), stdin=subprocess.DEVNULL)
    trusted = take_survey(host, host.cwd, GONKAGATE.id)
    assert trusted.in_git
    assert trusted.distrust is None
    assert recommend(GONKAGATE, trusted, None, host.home).scope is Scope.PROJECT
    assert notices(host) == []


HINT = "To add an exception for this directory, call:\n\n\tgit config --global --add safe.directory '/a b'\n"
CURE = "git config --global --add safe.directory '/a b'"


@pytest.mark.parametrize(
    ("told", "cure"),
    [
        (f"fatal: detected dubious ownership in repository at '/a b'\n{HINT}", CURE),
        (f"fatal: unsafe repository ('/a b' is owned by someone else)\n{HINT}", CURE),
        ("fatal: detected dubious ownership\n", CURE),
        ("fatal: not a git repository\n", None),
        ("", None),
    ],
)
def test_p9_what_each_git_says_is_understood(told: str, cure: str | None) -> None:
    distrust = git._distrust(Path("/a b"), told.encode())
    assert (None if distrust is None else distrust.cure) == cure


def test_p9_git_is_asked_in_english(host: Host, tmp_path: Path) -> None:
    binary = tmp_path / "bin"
    binary.mkdir()
    spy = binary / "git"
    spy.write_text('#!/bin/sh\n[ "$LC_ALL" = C ] && echo "fatal: detected dubious ownership" >&2\nexit 128\n')
    spy.chmod(0o755)
    environ = {**host.environ, "PATH": f"{binary}:{os.environ['PATH']}", "LC_ALL": "de_DE.UTF-8"}
    survey = take_survey(Host(environ, host.home, host.cwd, "linux"), host.cwd, GONKAGATE.id)
    assert survey.distrust is not None
    assert shutil.which("git", path=str(binary)) == str(spy)


# -- configs that others can change


def user_config(host: Host) -> Path:
    return host.home / ".config" / "opencode" / "opencode.json"


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o602])
def test_p11_a_config_that_others_can_write_is_reported(host: Host, mode: int) -> None:
    path = user_config(host)
    path.write_text("{}")
    path.chmod(mode)
    (found,) = notices(host)
    assert (found.code, found.path) == ("config_writable_by_others", str(path))
    assert found.severity == "notice"
    subprocess.run(shlex.split(found.next_step.replace("run: ", "")), check=True, stdin=subprocess.DEVNULL)
    assert notices(host) == []


@pytest.mark.parametrize("name", [".config", ".config/opencode"])
@pytest.mark.parametrize("with_config", [False, True])
def test_p11_a_folder_in_which_others_can_put_one_is_reported(
    host: Host, name: str, *, with_config: bool
) -> None:
    if with_config:
        user_config(host).write_text("{}")
    (host.home / name).chmod(0o777)
    (found,) = notices(host)
    assert (found.code, found.path) == ("config_writable_by_others", str(host.home / name))
    assert "what is in this folder" in found.message


@root_only
def test_p11_a_config_of_another_user_is_reported(host: Host) -> None:
    user_config(host).write_text("{}")
    os.chown(user_config(host), 12345, 12345)
    (found,) = notices(host)
    assert found.next_step == f"run: sudo chown -h root {user_config(host)}"


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o400])
def test_p11_nothing_is_said_about_what_only_its_user_can_write(host: Host, mode: int) -> None:
    user_config(host).write_text("{}")
    user_config(host).chmod(mode)
    assert notices(host) == []


@pytest.mark.parametrize(("umask", "after"), [(0o000, 0o022), (0o002, 0o022), (0o022, 0o022), (0o077, 0o077)])
def test_p11_what_this_process_and_its_opencode_make_is_nobody_elses(
    tmp_path: Path, umask: int, after: int
) -> None:
    before = os.umask(umask)
    try:
        hosts.protect_new_files()
        subprocess.run(["mkdir", str(tmp_path / "made")], check=True, stdin=subprocess.DEVNULL)
        found = os.umask(0o022)
    finally:
        os.umask(before)
    assert found == after
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o777 & ~after
