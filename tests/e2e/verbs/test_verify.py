"""verify as a person runs it: what its status says, and that it changes nothing of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.configs import KIMI, PROVIDER, SCHEMA, activation
from tests.support.machine import Machine
from tests.support.oracle.machine import without_catalogue
from tests.support.refusals import fake_opencode, ours

OTHER = {"$schema": SCHEMA, "model": "openai/gpt"}


def installed(machine: Machine, **more: Any) -> None:
    """What a setup of every folder leaves."""
    write(
        machine.user_config,
        {"$schema": SCHEMA, "provider": {"gonkagate": PROVIDER}, **activation(KIMI), **more},
    )
    machine.key_file.parent.mkdir(parents=True, mode=0o700)
    machine.key_file.write_text(machine.key)
    machine.key_file.chmod(0o600)


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))
    return path


def left(machine: Machine) -> dict[str, tuple[str, bytes]]:
    """Everything but what opencode itself writes whenever it starts: a .gitignore in each of its folders."""
    assert [path.name for path in machine.temp.glob("opencode-asked-*")] == []
    return {path: entry for path, entry in ours(machine).items() if not path.endswith("/.gitignore")}


def test_the_status_says_for_which_shells_and_nothing_is_changed(machine: Machine) -> None:
    installed(machine)
    before = left(machine)
    quick = without_catalogue(machine)
    inline = {"OPENCODE_CONFIG_CONTENT": '{"model": "openai/gpt"}'}
    done = machine.run_setup("verify", "--json", env={**quick, **inline})
    assert done.status == 7, done.output
    report = done.json
    assert (report["ok"], report["status"], report["proved"]) == (
        False,
        "blocked",
        ["durable", "fresh_shell"],
    )
    assert [(entry["layer"], entry["key"], entry["reach"]) for entry in report["blockers"]] == [
        ("OPENCODE_CONFIG_CONTENT", "model", "session")
    ]
    assert left(machine) == before

    culprit = write(machine.project / ".opencode" / "opencode.jsonc", OTHER)
    before = left(machine)
    done = machine.run_setup("verify", "--json", env=quick)
    assert done.status == 6, done.output
    report = done.json
    assert (report["ok"], report["status"], report["proved"]) == (False, "blocked", [])
    (blocker,) = report["blockers"]
    assert (blocker["layer"], blocker["file"], blocker["line"], blocker["key"], blocker["reach"]) == (
        "dot_opencode",
        str(culprit),
        3,
        "model",
        "durable",
    )
    assert str(culprit) in blocker["nextStep"]
    assert left(machine) == before


def test_at_most_two_opencodes_at_a_time(machine: Machine) -> None:
    """Three environments that differ, their models, and plugins: all is asked, two by two."""
    installed(machine)
    answer = {**json.loads(machine.user_config.read_text()), "plugin": ["corp"], "agent": {}}
    answer["provider"]["gonkagate"]["options"]["apiKey"] = "***"
    (machine.root / "answer.json").write_text(json.dumps(answer))
    log = machine.root / "log"
    fake_opencode(machine, _COUNTED.format(log=str(log), answer=str(machine.root / "answer.json")))
    # Before there is a database one opencode is asked alone; this is the usual machine.
    write(machine.home / ".local" / "share" / "opencode" / "opencode.db", {})
    environ = {
        "OPENCODE_CONFIG": str(write(machine.home / "custom.json", {"$schema": SCHEMA})),
        "OPENCODE_CONFIG_CONTENT": '{"share": "manual"}',
    }
    done = machine.run_setup("verify", "--json", env=environ)
    assert done.status == 0, done.output
    lines = log.read_text().splitlines()
    asked = [line[2:] for line in lines if line.startswith("+ ")]
    assert asked.count("debug config --pure") == 3
    assert asked.count("debug config") >= 1
    assert asked.count("models gonkagate --pure") >= 2
    assert lines.count("-") == len(asked)
    running = 0
    most = 0
    for line in lines:
        running += 1 if line.startswith("+ ") else -1
        most = max(most, running)
    assert most == 2, lines


_COUNTED = """
log = open({log!r}, "a", buffering=1)
what = sys.argv[1:]
log.write("+ " + " ".join(what) + "\\n")
time.sleep(0.5)
if what == ["--version"]:
    print("1.18.33")
elif what[0] == "models":
    print("gonkagate/kimi-k2.6")
else:
    print(open({answer!r}).read())
log.write("-\\n")
"""
