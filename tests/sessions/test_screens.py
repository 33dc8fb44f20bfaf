"""Every path through the questions, at 40 and 120 columns, compared with stored screens.

opencode is one that only resolves configs: what the real one says is compared in test_setup.py and
test_docs.py. `Ctrl-C` and the end of input are tried at each question, so is a text of several lines.
"""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

from tests.contract.pages.test_json import VALIDATOR
from tests.sessions.desk import Desk
from tests.sessions.screen import CTRL_C, CTRL_D, Screen
from tests.support.configs import KIMI, MINIMAX, SCHEMA, activation, read
from tests.support.machine import Machine
from tests.support.refusals import ours

Matches = Callable[[str, str], None]
ASKED = "]: "
WIDTHS = pytest.mark.parametrize("columns", [40, 120])
STOPS = pytest.mark.parametrize("keys", [CTRL_C, CTRL_D], ids=["ctrl-c", "eof"])
OTHER: dict[str, Any] = {"$schema": SCHEMA, "model": "other/model"}


def answer(screen: Screen, *answers: str) -> None:
    """Answer one prompt after the other."""
    for text in answers:
        prompt(screen)
        screen.type(f"{text}\r")


def prompt(screen: Screen) -> None:
    """Wait for the end of the next prompt."""
    screen.wait_for(ASKED)


def configure(machine: Machine, path: str, value: object) -> None:
    file = machine.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def set_up(machine: Machine, *arguments: str) -> None:
    done = machine.run_setup("--yes", *arguments, env={"GONKAGATE_API_KEY": machine.key})
    assert done.status == 0, done.output


@WIDTHS
def test_a_first_setup_outside_of_git(quick_desk: Desk, matches: Matches, columns: int) -> None:
    screen = quick_desk.sit(columns=columns, cwd=quick_desk.machine.elsewhere)
    answer(screen, "", "?", "2", quick_desk.machine.key, "?", "")
    assert screen.end() == 0
    matches(quick_desk.shown(screen), f"first-outside-git-{columns}")


@WIDTHS
def test_a_first_setup_in_colour(quick_desk: Desk, matches: Matches, columns: int) -> None:
    screen = quick_desk.sit("--color=always", columns=columns)
    answer(screen, "", "", quick_desk.machine.key, "d", "y")
    assert screen.end() == 0
    matches(quick_desk.coloured(screen), f"first-colour-{columns}")


@WIDTHS
def test_a_rerun(quick_desk: Desk, matches: Matches, columns: int) -> None:
    set_up(quick_desk.machine, "--scope", "project")
    screen = quick_desk.sit(columns=columns)
    answer(screen, "", "")
    assert screen.end() == 0
    matches(quick_desk.shown(screen), f"rerun-{columns}")


@WIDTHS
def test_help_wrong_answers_and_back_at_each_question(
    quick_desk: Desk, matches: Matches, columns: int
) -> None:
    screen = quick_desk.sit(columns=columns)
    answer(screen, "b", "?", "minimax-2.7", "mini", "?", "elsewhere", "b", "2", "every")
    answer(screen, "?", "b", "1", "not a key", quick_desk.machine.key, "?", "maybe", "b")
    answer(screen, "b", "b", "", "", quick_desk.machine.key, "n")
    assert screen.end() == 130
    assert not quick_desk.machine.key_file.exists()
    assert screen.text.startswith("\nWhich model"), "scrolled out of the screen"
    matches(quick_desk.shown(screen), f"all-answers-{columns}")


@WIDTHS
def test_a_project_of_a_colleague(quick_desk: Desk, matches: Matches, columns: int) -> None:
    machine = quick_desk.machine
    configure(machine, "project/opencode.json", {"$schema": SCHEMA, **activation(MINIMAX)})
    before = machine.project_config.read_bytes()
    screen = quick_desk.sit(columns=columns)
    answer(screen, machine.key, "")
    assert screen.end() == 0
    assert machine.project_config.read_bytes() == before
    assert "model" not in read(machine.user_config)
    matches(quick_desk.shown(screen), f"colleague-{columns}")


@WIDTHS
def test_a_project_of_a_colleague_beside_a_setup_for_every_folder(
    quick_desk: Desk, matches: Matches, columns: int
) -> None:
    machine = quick_desk.machine
    set_up(machine, "--scope", "user", "--model", KIMI)
    configure(machine, "project/opencode.json", {"$schema": SCHEMA, **activation(MINIMAX)})
    before = ours(machine)
    screen = quick_desk.sit(columns=columns)
    assert screen.end() == 0
    after = ours(machine)
    record = "home/.gonkagate/opencode/install-state.json"
    assert json.loads(after.pop(record)[1])["selectedScope"] == "user"
    before.pop(record)
    assert after == before
    matches(quick_desk.shown(screen), f"colleague-beside-{columns}")


@WIDTHS
@pytest.mark.parametrize("choice", ["project", "fix", "keep", "available", "leave"])
def test_what_can_be_done_about_a_block(
    quick_desk: Desk, matches: Matches, columns: int, choice: str
) -> None:
    machine = quick_desk.machine
    configure(machine, "project/opencode.json", OTHER)
    screen = quick_desk.sit("--model", KIMI, columns=columns)
    answer(screen, "1", machine.key, "y", "?", choice)
    if choice in ("project", "fix", "available"):
        answer(screen, "y")
    assert screen.end() == (0 if choice in ("project", "fix", "available") else 6)
    unchanged = machine.project_config.read_text() == json.dumps(OTHER, indent=2) + "\n"
    assert unchanged is (choice not in ("project", "fix"))
    assert machine.key_file.exists() is (choice != "leave")
    assert screen.text.count('model is "other') == (2 if choice in ("keep", "leave") else 1)
    matches(quick_desk.shown(screen), f"blocked-{choice}-{columns}")


@WIDTHS
@pytest.mark.parametrize("choice", ["fix", "available", "leave"])
def test_what_can_be_done_about_a_block_in_the_users_own_config(
    quick_desk: Desk, matches: Matches, columns: int, choice: str
) -> None:
    machine = quick_desk.machine
    value = {**OTHER, "default_agent": "nobody", "agent": {"build": {"model": "other/model"}}}
    configure(machine, "home/.config/opencode/opencode.json", value)
    before = machine.user_config.read_bytes()
    screen = quick_desk.sit("--model", KIMI, "--scope", "user", columns=columns)
    answer(screen, machine.key, "y", choice)
    if choice == "fix":
        answer(screen, "?", "n")
        assert screen.end() == 130
        assert machine.user_config.read_bytes() == before
        screen = quick_desk.sit("--model", KIMI, "--scope", "user", columns=columns)
        answer(screen, machine.key, "y", choice)
    if choice != "leave":
        answer(screen, "y")
    assert screen.end() == (6 if choice == "leave" else 0)
    assert (machine.user_config.read_bytes() == before) is (choice == "leave")
    matches(quick_desk.shown(screen), f"in-the-way-{choice}-{columns}")


@WIDTHS
@pytest.mark.parametrize("choice", ["keep", "start"])
def test_a_rerun_where_it_is_only_available(
    quick_desk: Desk, matches: Matches, columns: int, choice: str
) -> None:
    machine = quick_desk.machine
    configure(machine, "home/.config/opencode/opencode.json", {**OTHER, "disabled_providers": ["gonkagate"]})
    done = machine.run_setup(
        *("--yes", "--scope", "user", "--model", KIMI, "--on-blocked", "available"),
        env={"GONKAGATE_API_KEY": machine.key},
    )
    assert done.status == 0, done.output
    screen = quick_desk.sit(columns=columns)
    answer(screen, "?", choice)
    if choice == "start":
        answer(screen, "", "1", "y")
    assert screen.end() == 0
    assert (read(machine.user_config)["model"] == "other/model") is (choice == "keep")
    matches(quick_desk.shown(screen), f"available-{choice}-{columns}")


@WIDTHS
def test_the_same_notice_is_on_the_screen_once(quick_desk: Desk, matches: Matches, columns: int) -> None:
    machine = quick_desk.machine
    value = {"$schema": SCHEMA, "agent": {"plan": {"model": "other/model"}}}
    configure(machine, "home/.config/opencode/opencode.json", value)
    environ = {"GONKAGATE_API_KEY": machine.key}
    arguments = ("--model", KIMI, "--scope", "user", "--yes")
    screen = quick_desk.sit(*arguments, env=environ, columns=columns)
    assert screen.end() == 0
    assert screen.text.count("agent.plan.model is") == 1
    matches(quick_desk.shown(screen), f"notice-once-{columns}")
    # Where the preview goes to a file, or is not shown, the result is the only place on the screen.
    for more, shell in ((("--quiet",), "{}"), ((), f"{{}} 2>{machine.root}/notes")):
        screen = quick_desk.sit(*arguments, *more, env=environ, columns=columns, shell=shell)
        assert screen.end() == 0
        assert screen.text.count("agent.plan.model is") == 1


@WIDTHS
@pytest.mark.parametrize("what", ["agent", "dot-opencode"])
@pytest.mark.parametrize("choice", ["", "3"], ids=["Enter", "3"])
def test_no_way_out_is_offered_that_would_fail(
    quick_desk: Desk, matches: Matches, columns: int, what: str, choice: str
) -> None:
    machine = quick_desk.machine
    if what == "agent":
        agent = machine.project / ".opencode" / "agent" / "build.md"
        agent.parent.mkdir(parents=True)
        agent.write_text("---\nmodel: other/model\n---\nBuild.\n")
    else:
        configure(machine, "project/.opencode/opencode.json", OTHER)
    screen = quick_desk.sit("--model", KIMI, "--scope", "user", columns=columns)
    answer(screen, machine.key, "y", choice)
    assert screen.end() == 6
    assert "Set it up for this project" not in screen.text
    assert "Change what is in the way" not in screen.text
    # Enter keeps it for every other folder, 3 leaves all as it was.
    assert machine.key_file.exists() is (choice == "")
    if not choice:
        matches(quick_desk.shown(screen), f"blocked-by-{what}-{columns}")


@WIDTHS
def test_a_block_in_colour(quick_desk: Desk, matches: Matches, columns: int) -> None:
    configure(quick_desk.machine, "project/opencode.json", OTHER)
    screen = quick_desk.sit("--model", KIMI, "--scope", "user", "--color=always", columns=columns)
    answer(screen, quick_desk.machine.key, "y", "5")
    assert screen.end() == 6
    matches(quick_desk.coloured(screen), f"blocked-colour-{columns}")


@pytest.mark.parametrize("arguments", [("--quiet",), ("--yes",), ("--yes", "--quiet")], ids=" ".join)
def test_the_question_after_a_block_never_hides_its_cause(
    quick_desk: Desk, arguments: tuple[str, ...]
) -> None:
    machine = quick_desk.machine
    configure(machine, "project/opencode.json", OTHER)
    environ = {"GONKAGATE_API_KEY": machine.key}
    screen = quick_desk.sit("--model", KIMI, "--scope", "user", *arguments, env=environ)
    if "--yes" not in arguments:
        answer(screen, "y")
    prompt(screen)
    assert screen.text.count('model is "other/model"') == 1
    screen.type("5\r")
    assert screen.end() == 6
    assert screen.text.count('model is "other/model"') == 2


def test_the_cause_is_shown_where_the_question_is_also_when_notes_go_to_a_file(quick_desk: Desk) -> None:
    machine = quick_desk.machine
    configure(machine, "project/opencode.json", OTHER)
    environ = {"GONKAGATE_API_KEY": machine.key}
    screen = quick_desk.sit(
        "--model", KIMI, "--scope", "user", "--yes", env=environ, shell=f"{{}} 2>{machine.root}/notes"
    )
    prompt(screen)
    assert screen.text.count('model is "other/model"') == 1
    screen.type("5\r")
    assert screen.end() == 6


QUESTIONS = ("model", "scope", "key", "confirm", "blocked")


def reach(screen: Screen, question: str, key: str) -> None:
    """Answer what comes before the question and wait for its prompt."""
    for name, text in zip(QUESTIONS, ("1", "1", key, "y")):
        if name == question:
            break
        answer(screen, text)
    prompt(screen)


@WIDTHS
@STOPS
@pytest.mark.parametrize("question", QUESTIONS)
def test_stopping_at_each_question(
    quick_desk: Desk, matches: Matches, question: str, keys: str, columns: int
) -> None:
    machine = quick_desk.machine
    configure(machine, "project/opencode.json", OTHER)
    before = ours(machine)
    screen = quick_desk.sit(columns=columns)
    reach(screen, question, machine.key)
    screen.type(keys)
    assert screen.end() == 130
    assert ours(machine) == before
    name = "ctrl-c" if keys == CTRL_C else "eof"
    # What stands above the last prompt is compared elsewhere.
    shown = quick_desk.shown(screen)
    matches(shown[shown.rindex("\n", 0, shown.rindex("]:")) + 1 :], f"{name}-at-{question}-{columns}")


@WIDTHS
def test_several_lines_pasted_at_each_question(quick_desk: Desk, matches: Matches, columns: int) -> None:
    machine = quick_desk.machine
    screen = quick_desk.sit(columns=columns)
    for again in ("1", "1", machine.key, "n"):
        prompt(screen)
        screen.type(f"{machine.key if again == machine.key else '1'}\rrm -rf /nothing\ry\r")
        answer(screen, again)
    assert screen.end() == 130
    assert not machine.key_file.exists()
    matches(quick_desk.shown(screen), f"pasted-{columns}")


@WIDTHS
@pytest.mark.parametrize("colour", ["", "-colour"], ids=["plain", "colour"])
def test_undo(quick_desk: Desk, matches: Matches, columns: int, colour: str) -> None:
    machine = quick_desk.machine
    configure(machine, "home/.config/opencode/opencode.json", {"$schema": SCHEMA, "theme": "dark"})
    set_up(machine, "--scope", "project")
    screen = quick_desk.sit("undo", "--color", "always" if colour else "never", columns=columns)
    answer(screen, "?", "b", "y")
    assert screen.end() == 0
    shown = quick_desk.coloured(screen) if colour else quick_desk.shown(screen)
    matches(shown, f"undo{colour}-{columns}")


@WIDTHS
def test_uninstall(quick_desk: Desk, matches: Matches, columns: int) -> None:
    machine = quick_desk.machine
    configure(machine, "home/.config/opencode/opencode.json", {"$schema": SCHEMA, "theme": "dark"})
    set_up(machine, "--scope", "user")
    screen = quick_desk.sit("uninstall", columns=columns)
    answer(screen, "?", "")
    assert screen.end() == 0
    assert read(machine.user_config) == {"$schema": SCHEMA, "theme": "dark"}
    matches(quick_desk.shown(screen), f"uninstall-{columns}")


@pytest.mark.parametrize("keys", ["n\r", CTRL_C, CTRL_D], ids=["no", "ctrl-c", "eof"])
@pytest.mark.parametrize("verb", ["undo", "uninstall"])
def test_stopping_at_the_question_of_a_way_back(
    quick_desk: Desk, matches: Matches, verb: str, keys: str
) -> None:
    set_up(quick_desk.machine, "--scope", "user")
    before = ours(quick_desk.machine)
    screen = quick_desk.sit(verb, columns=40)
    prompt(screen)
    screen.type(keys)
    assert screen.end() == 130
    assert ours(quick_desk.machine) == before
    shown = quick_desk.shown(screen)
    name = {"n\r": "no", CTRL_C: "ctrl-c", CTRL_D: "eof"}[keys]
    matches(shown[shown.rindex("this?" if verb == "undo" else "Remove all") :], f"{verb}-{name}-40")


@pytest.mark.parametrize(
    ("question", "keys"),
    [("model", CTRL_C), ("key", CTRL_D), ("confirm", "n\r")],
    ids=["ctrl-c", "eof", "no"],
)
def test_the_object_of_a_cancelled_setup_is_valid(quick_desk: Desk, question: str, keys: str) -> None:
    out = quick_desk.machine.root / "out.json"
    screen = quick_desk.sit("--json", shell=f"exec {{}} >{out}")
    reach(screen, question, quick_desk.machine.key)
    screen.type(keys)
    assert screen.end() == 130
    value = json.loads(out.read_text())
    VALIDATOR.validate(value)
    assert (value["status"], value["errorCode"], value["exitStatus"]) == ("failed", "cancelled", 130)
    assert value["changed"] is False
