"""Who is blamed for what, where it is easy to get wrong: each with the real opencode, or on its files alone.

Each test is written from docs/layers.md. The numbers in the names (d1 to d14) only keep them apart.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.choice import Scope
from gonkagate_setup.commands.setup.blocked import of_this_folder
from gonkagate_setup.judgement.verdict import Expectation, Finding, predict
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Survey
from scripts.lib import opencode_versions
from scripts.validating.terminal import Terminal
from tests.e2e.oracle.test_evidence import ask, write
from tests.e2e.verbs.test_verify import installed as set_up
from tests.support.configs import KIMI, MINIMAX, SCHEMA, UPSTREAM, activation
from tests.support.machine import Machine
from tests.support.oracle.machine import OTHER_REFERENCE, REFERENCE, Case
from tests.support.refusals import fake_opencode

INFERRED = "inferred_higher_precedence"
BASE_URL = "provider.gonkagate.options.baseURL"
API_KEY = "provider.gonkagate.options.apiKey"


@pytest.fixture
def case(machine: Machine) -> Case:
    """A machine with a correct installation in the user scope."""
    made = Case(machine, "git", Scope.USER, [])
    made.lay_out()
    made.install()
    return made


def config(**more: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, **more}


def own(**more: Any) -> dict[str, Any]:
    return config(provider={"gonkagate": more})


def blockers(found: tuple[Finding, ...]) -> list[Finding]:
    return [entry for entry in found if entry.blocks]


def blamed(found: tuple[Finding, ...]) -> list[tuple[str, str | None, str | None]]:
    """(layer, path, key) of what is in the way, highest first."""
    return [(entry.layer, entry.path, entry.key) for entry in blockers(found)]


def surveyed(case: Case, cwd: Path | None = None, **environ: str) -> Survey:
    folder = cwd or case.cwd
    host = Host({**case.environ, **environ}, case.machine.home, folder, "linux")
    return take_survey(host, folder, GONKAGATE.id)


def foreseen(seen: Survey) -> tuple[Finding, ...]:
    return predict(Expectation(GONKAGATE, MINIMAX, Scope.USER), seen)


# -- values that are referred to


def test_d1_an_address_with_a_password_that_stands_in_another_file(case: Case) -> None:
    write(case.root / "url", "http://me:pass@127.0.0.1:9/v1\n")
    path = write(case.root / "opencode.json", own(options={"baseURL": "{file:./url}"}))
    _, found = ask(case)
    assert blamed(found) == [("project_config", path, BASE_URL)]
    assert not any("me:pass" in entry.message + entry.next_step for entry in found)


@pytest.mark.parametrize("where", [pytest.param("above", marks=pytest.mark.deep), "below"])
def test_d11_a_reference_to_the_right_value_is_not_blamed(case: Case, where: str) -> None:
    write(case.root / "right", REFERENCE)
    right, wrong = case.root / ".opencode" / "opencode.jsonc", case.root / "opencode.json"
    if where == "below":
        right, wrong = wrong, right
    write(right, config(model=f"{{file:{case.root / 'right'}}}"))
    write(wrong, config(model="openai/gpt"))
    _, found = ask(case)
    layer = "dot_opencode" if where == "below" else "project_config"
    assert blamed(found) == ([(layer, str(wrong), "model")] if where == "below" else [])


# -- plugins


def plugin(path: Path, body: str) -> Path:
    write(path, f"export const P = async () => ({{ config: async (config) => {{ {body} }} }})\n")
    return path


def test_d2_a_plugin_that_only_the_session_has(case: Case) -> None:
    path = plugin(case.machine.home / "evil.js", 'config.model = "evil/model"')
    inline = json.dumps({"plugin": [path.as_uri()]})
    _, found = ask(case, OPENCODE_CONFIG_CONTENT=inline)
    assert [(entry.layer, entry.key, entry.reach) for entry in blockers(found)] == [
        ("plugin", "model", "session")
    ]
    assert "evil.js" in blockers(found)[0].message


def test_d3_configured_plugins_are_named_even_if_they_change_nothing(case: Case) -> None:
    path = plugin(case.machine.home / "quiet.js", "")
    write(case.root / "opencode.json", config(plugin=[path.as_uri()]))
    _, found = ask(case)
    assert blockers(found) == []
    (notice,) = [entry for entry in found if entry.layer == "plugin"]
    assert "quiet.js" in notice.message


@pytest.mark.parametrize("version", ["1.17.19", pytest.param("1.14.34", marks=pytest.mark.deep)])
def test_d3_a_plugin_that_replaces_the_key(case: Case, version: str) -> None:
    """Up to 1.18.32 opencode prints the key; 1.18.33 masks every key, so there only a notice is possible."""
    case.machine.use_opencode(opencode_versions.executable(version))
    body = 'config.provider.gonkagate.options.apiKey = "gp-evil"'
    path = plugin(case.machine.home / "thief.js", body)
    write(case.root / "opencode.json", config(plugin=[path.as_uri()]))
    _, found = ask(case)
    assert [(entry.layer, entry.key, entry.reach) for entry in blockers(found)] == [
        ("plugin", API_KEY, "durable")
    ]
    assert "thief.js" in blockers(found)[0].message
    assert not any("gp-evil" in entry.message + entry.next_step for entry in found)


# -- the agent that plain `opencode` starts with, which is not always the one of `opencode run`

NO_BUILD = {"build": {"disable": True}}
FIRST_BY_NAME: dict[str, dict[str, Any]] = {
    # name: agents beside a disabled build; plan comes first for `run`, the first by name at the terminal
    "own agent of another model": {"aaa": {"description": "x", "model": OTHER_REFERENCE}},
    "plan of another model": {"aaa": {"description": "x"}, "plan": {"model": OTHER_REFERENCE}},
    "later own agent of another model": {"zzz": {"description": "x", "model": OTHER_REFERENCE}},
}
STARTED = {
    "own agent of another model": (KIMI, MINIMAX, "agent.aaa.model"),
    "plan of another model": (MINIMAX, KIMI, "agent.plan.model"),
    "later own agent of another model": (MINIMAX, MINIMAX, None),
}


SOME_STARTED = [
    pytest.param(name, marks=() if name == "own agent of another model" else pytest.mark.deep)
    for name in STARTED
]


@pytest.mark.parametrize("name", STARTED)
def test_d4_both_ways_to_start_opencode_are_foreseen(case: Case, name: str) -> None:
    path = write(case.root / "opencode.json", config(agent={**NO_BUILD, **FIRST_BY_NAME[name]}))
    key = STARTED[name][2]
    assert blamed(foreseen(surveyed(case))) == ([] if key is None else [("project_config", path, key)])


@pytest.mark.parametrize("name", SOME_STARTED)
def test_d4_both_ways_to_start_opencode_count(case: Case, name: str) -> None:
    path = write(case.root / "opencode.json", config(agent={**NO_BUILD, **FIRST_BY_NAME[name]}))
    _, found = ask(case)
    key = STARTED[name][2]
    assert blamed(found) == ([] if key is None else [("project_config", path, key)])


@pytest.mark.deep
@pytest.mark.parametrize("name", STARTED)
def test_d4_what_opencode_starts_with_at_a_terminal_and_as_run(case: Case, name: str) -> None:
    """The measurement behind the test above: the model that is asked, not counting the session's title."""
    write(case.root / "opencode.json", config(agent={**NO_BUILD, **FIRST_BY_NAME[name]}))
    service = case.machine.stand_in

    def asked() -> set[str]:
        return {request.json["model"] for request in service.requests if not request.is_title}

    at_terminal, as_run, _ = STARTED[name]
    command = [str(case.machine.bin / "opencode"), "--prompt", "say hi"]
    with Terminal(command, case.environ, case.cwd, time.monotonic() + 200) as terminal:
        assert terminal.until(lambda: bool(asked())), terminal.text
    assert asked() == {UPSTREAM[at_terminal]}
    case.uses_gonkagate("session")
    assert asked() == {UPSTREAM[as_run]}


@pytest.mark.deep  # test_oracle_by_hand.py has such cases too, as for the other deep ones here
def test_a_default_agent_that_is_nobody_does_not_hide_what_comes_after_it(case: Case) -> None:
    """Without that name opencode starts with build, whose model is another one: both are in the way."""
    nobody = write(case.machine.home / ".opencode" / "opencode.json", config(default_agent="nobody"))
    model = write(case.root / "opencode.json", config(agent={"build": {"model": OTHER_REFERENCE}}))
    _, found = ask(case)
    expected = {
        ("home_dot_opencode", nobody, "default_agent"),
        ("project_config", model, "agent.build.model"),
    }
    assert set(blamed(found)) == expected
    assert set(blamed(foreseen(surveyed(case)))) == expected


# -- verify


@pytest.mark.parametrize(
    "text", ["", pytest.param(" \n", marks=pytest.mark.deep)], ids=["empty", "only blanks"]
)
def test_d5_verify_with_a_key_file_without_a_key(machine: Machine, text: str) -> None:
    """opencode then sends no authorization at all (`opencode run` shows it), so that is no success."""
    set_up(machine)
    machine.key_file.write_text(text)
    done = machine.run_setup("verify", "--json")
    assert done.status in (4, 6), done.output
    assert done.json["ok"] is False
    assert done.json["proved"] == []
    assert str(machine.key_file) in done.stdout


def test_d9_verify_of_somebody_elses_activation_starts_no_opencode(machine: Machine) -> None:
    """A clone whose committed file names our model, on a machine where nothing was ever set up."""
    write(machine.project_config, config(**activation(KIMI)))
    log = machine.root / "log"
    fake_opencode(machine, f'open({str(log)!r}, "a").write(" ".join(sys.argv[1:]))\nprint("1.18.33")')
    done = machine.run_setup("verify", "--json")
    assert (done.status, done.json["errorCode"]) == (6, "not_set_up"), done.output
    assert not log.exists() or log.read_text().replace("--version", "") == ""


# -- what users have in their own config


@pytest.mark.parametrize("kind", ["unknown key", "two files"])
def test_d6_the_users_own_additions_are_kept(case: Case, kind: str) -> None:
    value = json.loads(case.machine.user_config.read_text())
    mine: dict[str, Any] = {"id": "my/own", "name": "Mine"}
    if kind == "unknown key":
        mine["notes"] = {"of": {"mine": "x"}}
    else:
        jsonc = case.machine.config_folder / "opencode.jsonc"
        write(jsonc, own(models={"mine": {"limit": {"context": 4000, "output": 400}}}))
    value["provider"]["gonkagate"]["models"]["mine"] = mine
    write(case.machine.user_config, value)
    _, found = ask(case)
    assert blamed(found) == []
    assert "mine" in " ".join(str(entry.key) for entry in found)
    assert blamed(foreseen(surveyed(case))) == []


# -- what is readable is named, and nothing invented


@pytest.mark.deep
def test_d7_a_model_with_a_variant(case: Case) -> None:
    path = write(case.root / "opencode.json", config(model=f"{OTHER_REFERENCE}#high"))
    _, found = ask(case)
    assert blamed(found) == [("project_config", path, "model")]


def test_d7_the_selected_model_is_missing_in_the_users_config(case: Case) -> None:
    value = json.loads(case.machine.user_config.read_text())
    del value["provider"]["gonkagate"]["models"][MINIMAX]
    write(case.machine.user_config, value)
    _, found = ask(case, ask_models=True)
    assert {entry.layer for entry in blockers(found)} == {"user_config"}
    assert any(MINIMAX in str(entry.key) + entry.message for entry in blockers(found))


@pytest.mark.deep
def test_d7_build_and_plan_are_disabled(case: Case) -> None:
    agents = {"build": {"disable": True}, "plan": {"disable": True}}
    path = write(case.root / "opencode.json", config(agent=agents))
    _, found = ask(case)
    assert blockers(found)
    for layer, file, key in blamed(found):
        assert (layer, file) == ("project_config", path)
        assert key in ("agent.build.disable", "agent.plan.disable")


def test_d7_an_agents_file_with_a_value_that_opencode_refuses(case: Case) -> None:
    path = case.root / ".opencode" / "agent" / "helper.md"
    write(path, "---\ndescription: x\ntemperature: hot\n---\nHello.\n")
    _, found = ask(case)
    assert [(entry.code, entry.layer, entry.path) for entry in blockers(found)] == [
        ("opencode_refused", "agent_markdown", str(path))
    ]


def test_d7_a_relative_config_folder_that_is_read_a_second_time(case: Case) -> None:
    """`.opencode` is read as the project's and again, above `~/.opencode`, as the variable's."""
    path = write(case.root / ".opencode" / "opencode.json", config(model="openai/gpt"))
    write(case.machine.home / ".opencode" / "opencode.json", config(model=REFERENCE))
    _, found = ask(case, OPENCODE_CONFIG_DIR=".opencode")
    (entry,) = blockers(found)
    assert entry.layer in ("dot_opencode", "OPENCODE_CONFIG_DIR")
    assert case.root / str(entry.path) == Path(path)
    assert (entry.key, entry.reach) == ("model", "durable")


def test_d8_a_command_in_markdown_with_a_model_of_its_own(case: Case) -> None:
    path = case.root / ".opencode" / "command" / "ship.md"
    write(path, "---\ndescription: x\nmodel: openai/gpt\n---\nShip it.\n")
    _, found = ask(case)
    assert blockers(found) == []
    (notice,) = [entry for entry in found if entry.key == "command.ship.model"]
    assert (notice.code, notice.path, notice.line) == ("agent_model", str(path), 3)
    assert notice.layer != INFERRED


def test_d12_an_own_agent_in_markdown_to_start_with(case: Case) -> None:
    write(case.root / ".opencode" / "agent" / "helper.md", "---\ndescription: x\n---\nHello.\n")
    write(case.root / "opencode.json", config(default_agent="helper"))
    assert blamed(foreseen(surveyed(case))) == []
    _, found = ask(case)
    assert blamed(found) == []


def test_d14_a_server_that_cannot_be_reached_is_named(case: Case) -> None:
    address = "http://127.0.0.1:9"
    entry = {address: {"type": "wellknown", "key": "K", "token": "gp-token"}}
    write(case.machine.home / ".local" / "share" / "opencode" / "auth.json", entry)
    _, found = ask(case)
    (blocker,) = blockers(found)
    # opencode does not say why it failed, so the server is named and not blamed.
    assert (blocker.code, blocker.layer) == ("opencode_refused", INFERRED)
    assert address in blocker.message + blocker.next_step
    assert "gp-token" not in blocker.message + blocker.next_step


# -- ways out that are none


def test_d10_project_scope_is_no_way_out_for_a_nested_file(case: Case) -> None:
    """Project scope writes at the root of the work tree, and the nested file wins over that."""
    cwd = case.root / "deep"
    path = write(cwd / "opencode.json", config(model="openai/gpt"))
    (entry,) = blockers(foreseen(surveyed(case, cwd)))
    assert (entry.layer, entry.path) == ("project_config", path)
    assert path in entry.next_step
    assert "--scope project" not in entry.next_step


@pytest.mark.parametrize("place", [".opencode/opencode.json", "opencode.json"])
def test_d13_what_counts_for_every_folder_is_not_this_folders_own(machine: Machine, place: str) -> None:
    case = Case(machine, "plain", Scope.USER, [])
    case.lay_out()
    case.install()
    path = write(machine.home / place, config(model="openai/gpt"))
    seen = surveyed(case)
    found = foreseen(seen)
    assert [entry.path for entry in blockers(found)] == [path]
    assert not of_this_folder(found, Scope.USER, seen)
    # The same in the folder itself is its own.
    Path(path).unlink()
    write(case.cwd / "opencode.json", config(model="openai/gpt"))
    seen = surveyed(case)
    assert of_this_folder(foreseen(seen), Scope.USER, seen)
