"""verify --live as a person runs it: opencode first, then the service, and never a success on half of it."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.configs import KIMI, PROVIDER, SCHEMA, UPSTREAM, activation
from tests.machine import Finished, Machine
from tests.stand_in import Fault


def installed(machine: Machine, **more: Any) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(
        json.dumps({"$schema": SCHEMA, "provider": {"gonkagate": PROVIDER}, **activation(KIMI), **more})
    )
    machine.key_file.parent.mkdir(parents=True, mode=0o700)
    machine.key_file.write_text(machine.key)
    machine.key_file.chmod(0o600)


def live(machine: Machine, *arguments: str, **how: Any) -> Finished:
    return machine.run_setup("verify", "--live", *arguments, **how)


def test_the_service_answers(machine: Machine) -> None:
    installed(machine)
    before = machine.tree(machine.key_file.parent)
    done = live(machine, "--json")
    assert done.status == 0, done.output
    report = done.json
    assert report["live"] == {"models": "ok", "listed": True, "completion": "ok"}
    assert report["message"].endswith("and GonkaGate answers with the stored key")
    assert report["proved"] == ["durable", "fresh_shell", "session"]
    assert [(r.method, r.key, r.status) for r in machine.stand_in.requests] == [
        ("GET", machine.key, 200),
        ("POST", machine.key, 200),
    ]
    assert machine.stand_in.completions[0].json["model"] == UPSTREAM[KIMI]
    assert machine.tree(machine.key_file.parent) == before
    machine.stand_in.requests.clear()
    machine.stand_in.misbehave(Fault(status=429, code="insufficient_quota", path="/v1/chat/completions"))
    done = live(machine)
    assert done.status == 6
    assert "no quota left" in done.stdout
    assert "next: top the account up" in done.stdout


def test_a_refused_key_is_no_success(machine: Machine) -> None:
    installed(machine)
    machine.stand_in.deactivate(machine.key)
    done = live(machine, "--json")
    assert done.status == 4, done.output
    report = done.json
    assert (report["ok"], report["status"], report["errorCode"]) == (False, "failed", "live_account_refused")
    assert report["live"] == {"models": "live_account_refused", "listed": None, "completion": None}
    assert report["proved"] == ["durable", "fresh_shell", "session"]


def test_a_silent_service_ends_in_time(machine: Machine) -> None:
    installed(machine)
    machine.stand_in.misbehave(Fault(delay=60))
    done = live(machine, "--json", "--timeout", "5")
    assert done.status == 6, done.output
    assert done.json["errorCode"] == "live_timeout"


def test_the_service_is_not_asked_while_opencode_does_not_use_it(machine: Machine) -> None:
    installed(machine, disabled_providers=["gonkagate"])
    done = live(machine, "--json")
    assert done.status == 6, done.output
    assert done.json["errorCode"] == "effective_config_blocked"
    assert done.json["live"] == {"models": None, "listed": None, "completion": None}
    assert machine.stand_in.requests == []


def test_a_key_file_without_a_key(machine: Machine) -> None:
    installed(machine)
    machine.key_file.write_text("not a key")
    done = live(machine, "--json")
    assert done.status == 4, done.output
    assert (done.json["errorCode"], done.json["where"]["file"]) == (
        "secret_source_unavailable",
        str(machine.key_file),
    )
    assert machine.stand_in.requests == []


def test_the_time_has_bounds(machine: Machine) -> None:
    for value in ("4.9", "601", "-1", "soon", "nan", "inf"):
        done = live(machine, "--json", f"--timeout={value}")
        assert (done.status, done.json["errorCode"]) == (2, "usage_error"), value
        assert "5 to 600" in done.json["nextStep"]
