"""The other programs of this repository: gonkagate-setup's key behind the gateway, Overlord before it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.stand_in.model_backend import Answer as BackendAnswer
from tests.stand_in.model_backend import ModelBackend, Received, completion, whole
from tests.support.gateway import Gateway, chat, model, running
from tests.support.machine import Machine
from tests.support.overlord_home import OverlordHome

UPSTREAM = "qwen/qwen3-235b-a22b-instruct-2507-fp8"


def test_gonkagate_answers_with_the_key_that_gonkagate_setup_stored(machine: Machine) -> None:
    done = machine.run_setup("--yes", "--scope", "user", "--api-key-stdin", stdin=machine.key)
    assert done.status == 0, done.output
    before = len(machine.stand_in.requests)
    gateway = Gateway(
        machine.root / "gateway",
        home=machine.home,
        backends={
            "gonkagate": {
                "base_url": "https://api.gonkagate.com/v1",
                "api_key_file": "~/.gonkagate/opencode/api-key",
            }
        },
        models=[model("gonka/qwen", "gonkagate", upstream_model=UPSTREAM)],
        environ=machine.stand_in.environment,
    )
    with gateway.running():
        # Not with the gateway's word: the stand-in repeats the question, and the answer is not looked into.
        answer = gateway.ask("POST", "/v1/chat/completions", chat("say hi", "gonka/qwen", stream=True))
        assert answer.status == 200, answer.body
        assert answer.text
        assert answer.events[-1] == "[DONE]"
        assert {one["model"] for one in answer.events[:-1]} == {"gonka/qwen"}
        (request,) = machine.stand_in.requests[before:]
        assert request.key == machine.key
        assert json.loads(request.body)["model"] == UPSTREAM
        assert gateway.key not in str(request.headers)
        # A key that the service does not know any more: its own refusal, without the key.
        machine.stand_in.deactivate(machine.key)
        refused = gateway.ask("POST", "/v1/chat/completions", chat("say hi", "gonka/qwen", stream=True))
        assert refused.status == 403
        assert machine.key.encode() not in refused.body


def counted(request: Received) -> BackendAnswer:
    """An answer that says how many messages there were."""
    asked = request.json()
    return whole(completion(f"ACK {asked['model']} {len(asked['messages'])}"))


def test_overlord_keeps_its_conversations_over_the_gateway(tmp_path: Path) -> None:
    models = [
        model("lumynax/quick", upstream_model="quick", quality_rank=5),
        model("lumynax/strong", upstream_model="strong", quality_rank=1),
    ]
    with (
        ModelBackend(answerer=counted) as backend,
        running(
            tmp_path / "gateway", backends={"b": {"base_url": backend.base_url}}, models=models
        ) as gateway,
    ):
        (tmp_path / "overlord").mkdir()
        overlord = OverlordHome(
            tmp_path / "overlord",
            {
                "MMI_OVERLORD_LLM_BASE_URL": gateway.base_url,
                "MMI_OVERLORD_LLM_API_KEY": gateway.key,
                "MMI_OVERLORD_LLM_MODEL": "lumynax/quick",
                "MMI_OVERLORD_LLM_ULTRA_MODEL": "lumynax/strong",
            },
        )
        assert overlord.run("doctor", "--live").status == 0
        started = overlord.run("start", "--normal", "2", "--assignment", f"Advise {gateway.word}")
        assert started.status == 0, started.output
        sent = overlord.json("send", "all", f"Where does the lock order break? {gateway.word}")
        assert sent["exitStatus"] == 0, sent
        assert overlord.run("stop").status == 0
        asked = [one.json() for one in backend.requests]
        assert sorted(one["model"] for one in asked) == ["quick"] * 4 + ["strong"] * 2
        kinds = [record["kind"] for record in gateway.audited()]
        assert kinds.count("route") == kinds.count("outcome") == 6
        # A revoked capsule counts at once, and Overlord says why there is no answer.
        capsule = gateway.workspaces["shop"] / ".sovereigncode" / "capsule.json"
        capsule.write_text(json.dumps({**json.loads(capsule.read_bytes()), "revoked": True}))
        denied = overlord.run("start", "--normal", "1", "--assignment", "Advise")
        assert denied.status != 0
        assert len(backend.requests) == 6
