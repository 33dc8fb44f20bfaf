"""What a launcher's text says about the opencode that it starts, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from gonkagate_setup.judgement.verdict import Finding, judge
from opencode_config.launcher import Folders, Launcher, settings, started
from opencode_config.places import Environment
from tests.support.surveying import HOME, INSTALLED, USER_FILE, blockers, evidence, expectation, survey

FILE = PurePosixPath("/bin/opencode")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("export OPENCODE_CONFIG='/nix/store/x/c.json'", [("OPENCODE_CONFIG", "/nix/store/x/c.json")]),
        ("export OPENCODE_CONFIG=${OPENCODE_CONFIG-'/etc/c.json'}", [("OPENCODE_CONFIG", "/etc/c.json")]),
        ('OPENCODE_CONFIG_DIR="/d" HOME=/h exec opencode', [("OPENCODE_CONFIG_DIR", "/d"), ("HOME", "/h")]),
        ("exec env HOME=$HOME/snap opencode", [("HOME", None)]),
        ('export OPENCODE_CONFIG_CONTENT=\'{"apiKey": "x"}\'', [("OPENCODE_CONFIG_CONTENT", None)]),
        ("export OPENCODE_CONFIG_CONTENT=/looks/like/a/path", [("OPENCODE_CONFIG_CONTENT", None)]),
        ("set -gx XDG_CONFIG_HOME ~/.other", [("XDG_CONFIG_HOME", "~/.other")]),
        ("os.environ['HOME'] = '/h'", [("HOME", "/h")]),
        ("process.env.OPENCODE_CONFIG = '/c';", [("OPENCODE_CONFIG", "/c")]),
        ('@set "OPENCODE_CONFIG=C:\\x\\c.json"', [("OPENCODE_CONFIG", "C:\\x\\c.json")]),
        ("# export HOME=/h", []),
        ('cd "$HOME" && test "${HOME}" == /h; MY_HOME=/x; if (process.env.HOME == "/x")', []),
        (f"HOME={'/x' * 3000}", []),
    ],
)
def test_p2_what_a_script_sets_is_read(line: str, told: list[Any]) -> None:
    assert [(one.name, one.value) for one in settings(f"#!/bin/sh\n{line}\n", FILE)] == told
    assert all(one.line == 2 for one in settings(f"#!/bin/sh\n{line}\n", FILE))


def test_p2_what_a_script_becomes_is_found() -> None:
    assert started('#!/bin/sh\nexec -a "$0" "/nix/x/.opencode-wrapped"  "$@"') == "/nix/x/.opencode-wrapped"
    assert started('exec "$DIR/opencode" "$@"\nexec node') is None


def inferred(launcher: Launcher | None) -> Finding:
    seen = survey({USER_FILE: {**INSTALLED, "model": "gonkagate/x"}})
    resolved = {**INSTALLED, "model": "corp/gpt", "small_model": "gonkagate/x"}
    found = judge(expectation(), seen, evidence(seen, config=resolved, launcher=launcher))
    return next(entry for entry in found if entry.layer == "inferred_higher_precedence")


def test_p2_an_unexplained_value_names_what_the_launcher_sets() -> None:
    line = next(settings("\nexport OPENCODE_CONFIG=/etc/c.json", FILE))
    step = inferred(Launcher(FILE, readable=True, settings=(line,))).next_step
    assert step.startswith("check the launcher: line 2 of /bin/opencode sets OPENCODE_CONFIG to /etc/c.json;")
    silent = inferred(Launcher(FILE, readable=True)).next_step
    assert silent.startswith(
        "check whether the launcher /bin/opencode sets variables such as OPENCODE_CONFIG (`cat"
    )
    assert "it is not a script" in inferred(Launcher(FILE, readable=False)).next_step
    assert "launcher" not in inferred(None).next_step


def elsewhere(home: str, config: str, **more: Any) -> tuple[Finding, ...]:
    seen = survey({USER_FILE: {**INSTALLED, "model": "gonkagate/x"}})
    folders = Folders(PurePosixPath(home), PurePosixPath(config))
    proof = replace(evidence(seen, config={}, **more), folders=dict.fromkeys(Environment, folders))
    return judge(expectation(), seen, proof)


def test_p5_an_opencode_with_another_home_is_said_once_with_a_step_that_helps() -> None:
    line = next(settings("\nexport HOME=/snap", FILE))
    (found,) = elsewhere(
        "/snap", "/snap/.config/opencode", launcher=Launcher(FILE, readable=True, settings=(line,))
    )
    assert blockers((found,)) == [("config_folder_moved", "user_config", None, "durable")]
    assert found.path == "/snap/.config/opencode"
    assert "reads its config from /snap/.config/opencode, not from" in found.message
    assert "line 2 of /bin/opencode sets HOME to /snap" in found.message
    assert found.next_step.startswith("run `HOME='/snap' gonkagate-setup`")


def test_p5_another_config_folder_in_the_same_home_is_named_by_its_variable() -> None:
    (found,) = elsewhere(str(HOME), "/data/opencode")
    assert found.next_step.startswith("run `XDG_CONFIG_HOME='/data' gonkagate-setup`")


def test_p5_another_home_with_the_same_config_folder_is_about_the_key() -> None:
    (found,) = elsewhere("/snap", str(HOME / ".config/opencode"))
    assert "uses /snap as the home folder" in found.message
    assert found.next_step.startswith("run `HOME='/snap' gonkagate-setup`")


def test_p5_a_sandbox_that_shows_another_folder_is_suspected() -> None:
    (found,) = elsewhere(str(HOME), str(HOME / ".config/opencode"))
    assert "does not see the config that is there" in found.message
    assert f"the sandbox access to {HOME / '.config/opencode'} and ~/.gonkagate, or" in found.next_step
