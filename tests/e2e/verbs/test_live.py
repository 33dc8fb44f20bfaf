"""verify --live as a person runs it: opencode first, then the service, and never a success on half of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stand_in import HOST, Authority, Fault
from tests.support.configs import KIMI, PROVIDER, SCHEMA, UPSTREAM, activation
from tests.support.machine import Finished, Machine
from tests.support.resolving import resolving_opencode


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
    assert report["message"].endswith("and GonkaGate accepts the stored key")
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
    assert "next: top up the account" in done.stdout


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
    # It stands in the way of opencode itself, so it is a blocker like any other.
    assert done.status == 6, done.output
    assert [(entry["code"], entry["file"]) for entry in done.json["blockers"]] == [
        ("key_file_unusable", str(machine.key_file))
    ]
    assert machine.stand_in.requests == []


def test_the_time_has_bounds(machine: Machine) -> None:
    for value in ("4.9", "601", "-1", "soon", "nan", "inf"):
        done = live(machine, "--json", f"--timeout={value}")
        assert (done.status, done.json["errorCode"]) == (2, "usage_error"), value
        assert "5 to 600" in done.json["nextStep"]


PROVED = (
    "opencode uses GonkaGate with Kimi K2.6.\n"
    "opencode 1.18.33 itself confirms it in this shell and in every new one.\n"
)
AGAIN = "gonkagate-setup verify --live"
REDIRECTED = (
    f"{HOST} redirected the request to elsewhere.example; the redirect was not followed, so the key was "
    "not sent there"
)
CERTIFICATE = (
    "behind a company proxy, name its certificate file in NODE_EXTRA_CA_CERTS, which opencode reads too; "
    "otherwise do not use this network"
)
ACCOUNT = "https://gonkagate.com/en/register"


@pytest.mark.parametrize(
    ("fault", "status", "error", "following"),
    [
        (
            Fault(status=401),
            4,
            "GonkaGate does not accept the stored key (HTTP 401)",
            f"get a key at {ACCOUNT}, then run: gonkagate-setup",
        ),
        (
            Fault(status=403),
            4,
            "GonkaGate knows the key but refuses its account (HTTP 403)",
            f"check the account at {ACCOUNT}",
        ),
        (
            Fault(status=429, code="insufficient_quota"),
            6,
            "GonkaGate accepts the key, but its account has no quota left (HTTP 429)",
            f"top up the account at {ACCOUNT}",
        ),
        (
            Fault(status=429),
            6,
            "GonkaGate accepts the key, but there were too many requests (HTTP 429)",
            f"wait a minute, then: {AGAIN}",
        ),
        (
            Fault(status=503),
            6,
            "GonkaGate is not available at the moment (HTTP 503); that says nothing about the key",
            f"try again in a few minutes: {AGAIN}",
        ),
        (
            Fault(delay=60),
            6,
            "GonkaGate did not answer completely within 5 s",
            f"try again with more time: {AGAIN} --timeout 300",
        ),
        (
            Fault(status=302, location="https://elsewhere.example/"),
            6,
            REDIRECTED,
            "check for a proxy in between, or a network's login page",
        ),
        (
            "no network",
            6,
            f"{HOST} cannot be reached (connection refused)",
            f"check the network and HTTPS_PROXY, then: {AGAIN}",
        ),
        (
            "wrong certificate",
            6,
            f"The certificate for {HOST} cannot be trusted (unable to get local issuer certificate)",
            CERTIFICATE,
        ),
    ],
    ids=["401", "403", "no quota", "429", "503", "slow", "redirect", "no network", "wrong certificate"],
)
def test_each_failure_has_the_form_of_every_error_and_leaves_opencodes_proof_alone(
    machine: Machine,
    tmp_path_factory: pytest.TempPathFactory,
    fault: Fault | str,
    status: int,
    error: str,
    following: str,
) -> None:
    installed(machine)
    resolving_opencode(machine)
    environ = {}
    if fault == "no network":
        environ = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    elif fault == "wrong certificate":
        other = str(Authority(tmp_path_factory.mktemp("other"), HOST).certificate)
        environ = {"SSL_CERT_FILE": other, "NODE_EXTRA_CA_CERTS": other}
    elif isinstance(fault, Fault):
        machine.stand_in.misbehave(fault)
    done = live(machine, "--quiet", "--timeout", "5", env=environ)
    assert done.status == status, done.output
    assert done.stdout == f"error: {error}\nnext: {following}\n\n{PROVED}", done.output


def test_after_a_block_of_this_session_the_failure_of_the_service_decides(machine: Machine) -> None:
    installed(machine)
    resolving_opencode(machine)
    machine.stand_in.misbehave(Fault(status=401))
    environ = {"OPENCODE_CONFIG_CONTENT": '{"model": "other/model"}'}
    done = live(machine, "--quiet", env=environ)
    assert done.status == 4, done.output
    assert done.stdout == (
        "error: GonkaGate does not accept the stored key (HTTP 401)\n"
        f"next: get a key at {ACCOUNT}, then run: gonkagate-setup\n\n"
        "opencode uses GonkaGate with Kimi K2.6 in a fresh shell, but not in this one.\n"
        "opencode 1.18.33 itself confirms it in every new shell and in a shell without\n"
        "opencode's variables.\n\n"
        "In the way:\n"
        '  - model is "other/model": opencode answers with a model other than\n'
        "    gonkagate/kimi-k2.6.\n"
        "    layer: the variable OPENCODE_CONFIG_CONTENT (OPENCODE_CONFIG_CONTENT)\n"
        "    where: OPENCODE_CONFIG_CONTENT:1:2\n"
        "    key: model\n"
        "    next: remove model from the variable OPENCODE_CONFIG_CONTENT, or "
        "`unset OPENCODE_CONFIG_CONTENT`; then run this command again\n"
    )
    machine.stand_in.misbehave(Fault(status=401))
    value = live(machine, "--json", env=environ).json
    assert (value["exitStatus"], value["errorCode"], value["status"]) == (4, "live_key_refused", "failed")
    assert [blocker["reach"] for blocker in value["blockers"]] == ["session"]
    # Where the service answers, the block of this session is what is left.
    assert live(machine, "--json", env=environ).json["exitStatus"] == 7
