"""The stand-in itself: what it serves and refuses, and that the real opencode reaches it by its real name."""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stand_in import HOST, MODELS, Fault, StandIn
from tests.support import watching
from tests.support.canary import SEARCHED, Canary, new_canary
from tests.support.machine import ChildTimeoutError, Machine

COMPLETION = "/v1/chat/completions"


def ask(
    stand_in: StandIn, method: str, path: str, key: str | None, body: dict[str, object] | None = None
) -> tuple[int, bytes]:
    address = urlsplit(stand_in.address)
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port or 0, timeout=10)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def completion(prompt: str, **more: object) -> dict[str, object]:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": prompt}]
    return {"model": MODELS[0], "stream": True, "messages": messages, **more}


def events(raw: bytes) -> list[dict[str, object]]:
    lines = [line[len("data: ") :] for line in raw.decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_models_need_an_accepted_key(stand_in: StandIn) -> None:
    stand_in.accept("gp-good")
    stand_in.accept("gp-gone")
    stand_in.deactivate("gp-gone")
    assert ask(stand_in, "GET", "/v1/models", None)[0] == 401
    assert ask(stand_in, "GET", "/v1/models", "gp-other")[0] == 401
    assert ask(stand_in, "GET", "/v1/models", "gp-gone")[0] == 403
    status, body = ask(stand_in, "GET", "/v1/models", "gp-good")
    assert status == 200
    assert tuple(model["id"] for model in json.loads(body)["data"]) == MODELS
    assert [request.key for request in stand_in.requests] == [None, "gp-other", "gp-gone", "gp-good"]


def test_an_answer_comes_in_several_chunks(stand_in: StandIn) -> None:
    stand_in.accept("gp-good")
    status, raw = ask(stand_in, "POST", COMPLETION, "gp-good", completion("hello there"))
    assert status == 200
    choices = [event["choices"] for event in events(raw)]
    texts = [part["delta"].get("content", "") for choice in choices for part in choice]  # type: ignore[attr-defined]
    assert sum(bool(text) for text in texts) > 3
    assert "the first prompt was: hello there" in "".join(texts)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (completion("x", model="moonshotai/kimi-unknown"), 404, "model_not_found"),
        (completion("x", stream=False), 400, "only_streaming_is_scripted"),
        (completion("x", promptCacheKey="k"), 400, "unsupported_field"),
    ],
)
def test_bodies_that_the_service_refuses(
    stand_in: StandIn, body: dict[str, object], status: int, code: str
) -> None:
    stand_in.accept("gp-good")
    answer = ask(stand_in, "POST", COMPLETION, "gp-good", body)
    assert (answer[0], json.loads(answer[1])["error"]["code"]) == (status, code)


def test_faults_are_used_up_in_order(stand_in: StandIn) -> None:
    stand_in.accept("gp-good")
    stand_in.misbehave(Fault(status=503, code="catalogue_down", path="/v1/models", times=2))
    stand_in.misbehave(Fault(status=429, code="rate_limit_exceeded"))
    assert [ask(stand_in, "GET", "/v1/models", "gp-good")[0] for _ in range(4)] == [503, 503, 429, 200]
    stand_in.misbehave(Fault(drop_after=0))
    with pytest.raises(http.client.RemoteDisconnected):
        ask(stand_in, "GET", "/v1/models", "gp-good")
    stand_in.misbehave(Fault(drop_after=2))
    with pytest.raises(http.client.IncompleteRead):
        ask(stand_in, "POST", COMPLETION, "gp-good", completion("x"))


def test_no_other_host_is_reachable(stand_in: StandIn) -> None:
    address = urlsplit(stand_in.address)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.set_tunnel("example.org", 443)
    with pytest.raises(OSError, match="502"):
        connection.connect()
    connection.close()
    assert [(tunnel.host, tunnel.status) for tunnel in stand_in.tunnels] == [("example.org", 502)]


def canaries_in(machine: Machine) -> list[str]:
    """As `machine.leaks()`; what was put there on purpose is not counted among the figures."""
    before = SEARCHED.leaks
    found = machine.leaks()
    SEARCHED.leaks = before
    return found


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_key_in_what_a_child_is_given_is_found(machine: Machine, how: str) -> None:
    """A child of a program that runs with our PYTHONPATH, and one that was started below a frame of ours."""
    watch = watching.WATCH
    assert watch is not None
    point = watch.here()
    key = canary_of(machine).key
    command = ["true", key] if how == "argument" else ["true"]
    environ = {"SOME": key} if how == "environment" else {}
    script = f"import subprocess; subprocess.run({command!r}, env={environ!r} or None, check=True)"
    machine.python = [sys.executable, "-c", script]
    assert machine.run_setup(env={"PATH": os.environ["PATH"]}).status == 0
    exec(script, {"__name__": "gonkagate_setup.invented"})
    exec(script, {"__name__": "tests.invented"})
    children, _ = watch.since(point)
    assert [canary_of(machine).encodings_in(child) for child in children] == [["plain"], ["plain"]]
    watch.forget(point)


def canary_of(machine: Machine) -> Canary:
    return machine.canaries[0]


def test_the_canary_is_found_in_every_encoding(tmp_path: Path, machine: Machine) -> None:
    canary = machine.canaries[0]
    planted = {
        "plain": canary.key.encode(),
        "half": canary.key.split(".")[0].encode(),
        "base64": base64.b64encode(b"Bearer " + canary.key.encode()),
        "base64 of a part": base64.b64encode(b"ab" + canary.key[12:].encode()),
        "base64 of a part, shifted": base64.b64encode(b"a" + canary.key[12:].encode()),
        "base64url": base64.urlsafe_b64encode(b"\xff\xff\xff" + canary.key.encode()),
        "base64 over lines": base64.encodebytes(b"a" * 50 + canary.key.encode()),
        "all percent-encoded": "".join(f"%{byte:02X}" for byte in canary.key.encode()).encode(),
        "all JSON-escaped": "".join(f"\\u{byte:04x}" for byte in canary.key.encode()).encode(),
        "all JSON-escaped in capitals": "".join(f"\\u{byte:04X}" for byte in canary.key.encode()).encode(),
        "over lines": "\n  ".join(textwrap.wrap(canary.key, 5)).encode(),
        **{
            f"cut at {at}": canary.key[:at].encode() + b"\xe2\x94\x82" + canary.key[at:].encode()
            for at in range(8, 37)
        },
        "UTF-16": canary.key.encode("utf-16"),
        "hexadecimal": canary.key.encode().hex().upper().encode(),
    }
    for name, data in planted.items():
        path = machine.temp / name
        path.write_bytes(b"before " + data + b" after")
        assert [leak.split(" (")[0] for leak in canaries_in(machine)][:1] == [str(path)], name
        path.unlink()
    assert canaries_in(machine) == []
    assert new_canary().encodings_in(b"".join(planted.values())) == []
    assert tmp_path in machine.root.parents


def test_opencode_reaches_it_by_its_real_name(machine: Machine) -> None:
    config = {
        "provider": {
            "hand": {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": f"https://{HOST}/v1", "apiKey": "{env:BY_HAND}"},
                "models": {"m": {"id": MODELS[2]}},
            }
        },
        "model": "hand/m",
        "small_model": "hand/m",
    }
    environ = {"BY_HAND": machine.key, "OPENCODE_CONFIG_CONTENT": json.dumps(config)}
    done = machine.opencode("run", "WRITE hello.txt: written through the stand-in", env=environ)
    assert done.status == 0, done.output
    assert (machine.project / "hello.txt").read_text() == "written through the stand-in\n"
    assert [(request.host, request.key) for request in machine.stand_in.completions] == [
        (HOST, machine.key)
    ] * 2
    assert len(machine.stand_in.titles) == 1
    assert {tunnel.host for tunnel in machine.stand_in.tunnels if tunnel.status == 200} == {HOST}


def test_a_child_that_hangs_is_ended(machine: Machine) -> None:
    with pytest.raises(ChildTimeoutError):
        machine.run(["sh", "-c", "while :; do :; done"], timeout=0.3)
