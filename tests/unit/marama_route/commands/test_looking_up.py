"""route, models, check and decisions: what they say, and with which status they end."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from foundation import host as hosts
from marama_route import places
from marama_route.core.decision import Outcome, RouteDecision, State, new_id
from marama_route.store.sqlite import SqliteStore
from tests.stand_in.runtimes import runtime
from tests.unit.marama_route.asking import CHAT, hints, named, registry, routed
from tests.unit.marama_route.counter import CONFIG, HASH, Counter

SECRET = "ada@lovelace.nz"


def problems(counter: Counter, *arguments: str) -> dict[str, str]:
    """Code -> where, of what `check` says."""
    found = counter.run("check", "--json", *arguments).json["problems"]
    return {one["code"]: one["file"] for one in found}


# route


def test_route_says_which_model_why_and_why_not_the_others(counter: Counter) -> None:
    counter.workspace()
    counter.configure()
    ran = counter.run("route", "write a function that sorts numbers", "--json")
    assert ran.status == 0
    said = ran.json
    assert (said["selected_model"], said["fallback_models"]) == ("lumynax/coder", [])
    assert {one["model"]: one["reason"] for one in said["rejected"]} == {
        "small": "context_too_small",
        "far": "policy_denied",
    }
    assert [*said["scores"]] == ["lumynax/coder"]
    assert said["outcome"] == {"state": "dry_run"}
    assert (said["capsule_id"], said["tenant"], said["dry_run"]) == ("shop-1", "acme", True)
    text = counter.run("route", "hi", "--model", "lumynax/code").stdout
    assert "it is made for code" in text
    assert "far: policy_denied (region_not_resident)" in text


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["--model", "far", "hi"], 6, "policy_denied"),
        (["--model", "small", "hello there, all of you"], 6, "no_eligible_model"),
        (["--model", "nothing", "hi"], 2, "model_not_found"),
        (["--tenant", "other", "hi"], 2, "tenant_unknown"),
        (["--model", "", "hi"], 2, "invalid_request"),
        ([" "], 2, "invalid_request"),
        ([f"mail {SECRET}"], 6, "personal_details_found"),
    ],
)
def test_a_no_has_its_status_and_its_reason(
    counter: Counter, arguments: list[str], status: int, code: str
) -> None:
    counter.workspace()
    counter.configure()
    ran = counter.run("route", *arguments, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (status, code)
    assert SECRET not in ran.stdout
    text = counter.run("route", *arguments)
    assert text.status == status
    assert SECRET not in text.stdout + text.stderr


def test_route_reads_a_pipe_and_keeps_nothing_of_it(counter: Counter) -> None:
    counter.workspace()
    counter.configure()
    assert counter.run("route", "-", stdin="hunter2 sorts").status == 0
    assert counter.run("route", "--json", stdin=b"\xff\xfe").status == 0
    kept = [path for path in counter.home.rglob("*") if path.is_file()] + [*counter.folder.rglob("*")]
    assert not [path for path in kept if path.is_file() and b"hunter2" in path.read_bytes()]
    assert sorted(path.name for path in counter.folder.iterdir()) == ["capsule.json", "tenant-policy.yaml"]


def test_route_is_denied_without_a_workspace_or_with_an_invalid_one(counter: Counter) -> None:
    counter.configure()
    missing = counter.run("route", "hi", "--json")
    assert (missing.status, missing.json["policy"]["reasons"][0]["code"]) == (6, "capsule_missing")
    counter.workspace("{")
    invalid = counter.run("route", "hi", "--json")
    assert (invalid.status, invalid.json["policy"]["reasons"][0]["code"]) == (6, "capsule_invalid")


def test_the_workspace_is_the_one_that_the_current_folder_is_in(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.workspace()
    other = counter.home / "other" / ".sovereigncode"
    other.mkdir(parents=True)
    (other / "capsule.json").write_text(
        '{"capsule_id": "b", "subject_id": "s", "jurisdiction": "US", "sensitivity": "public"}'
    )
    counter.configure(CONFIG.replace("[~/../project]", "[~/../project, ~/other]"))
    inner = counter.project / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert counter.run("route", "hi", "--json").json["capsule_id"] == "shop-1"
    monkeypatch.chdir(other.parent)
    assert counter.run("route", "hi", "--json").json["selected_model"] == "far"
    monkeypatch.chdir(counter.home)
    assert counter.run("route", "hi", "--json").json["policy"]["reasons"][0]["code"] == "capsule_missing"


# models and check


def backends(port: int) -> str:
    text = CONFIG.replace("http://127.0.0.1:9/v1", f"http://127.0.0.1:{port}/v1")
    return text.replace("https://us.example/v1", f"http://127.0.0.1:{port}/us")


def test_models_says_what_is_available(counter: Counter) -> None:
    with runtime({"/v1/models": {"data": [{"id": "lumynax/coder"}]}, "/us/models": 500}) as there:
        counter.configure(backends(there.port))
        said = {
            one["id"]: (one["available"], one["why_not"])
            for one in counter.run("models", "--json").json["models"]
        }
    assert said == {
        "lumynax/coder": (True, None),
        "small": (False, "its backend does not list small"),
        "far": (False, "it answered with status 500"),
    }
    offline = counter.run("models", "--offline", "--json").json
    assert {one["available"] for one in offline["models"]} == {None}
    assert {one["name"]: one["wishes"] for one in offline["aliases"]}["lumynax/local"] == {
        "requires_local": True
    }
    assert "not asked" in counter.run("models", "--offline").stdout


def test_nothing_is_wrong(counter: Counter) -> None:
    listed = {"data": [{"id": "lumynax/coder"}, {"id": "small"}, {"id": "far"}]}
    with runtime({"/v1/models": listed, "/us/models": listed}) as there:
        counter.workspace()
        counter.configure(backends(there.port))
        ran = counter.run("check", "--json")
    assert (ran.status, ran.json["problems"]) == (0, [])
    assert ran.json["hints"] == ["no workspace's policy can allow the model far: region_not_resident"]


def test_everything_that_is_wrong_is_said_at_once(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    counter.workspace("{")
    second = counter.home / "second"
    second.mkdir()
    open_key = counter.home / "open-key"
    open_key.write_text("two words\n")
    open_key.chmod(0o644)
    with runtime({"/v1/models": b"<html>"}) as there:
        counter.configure(
            backends(there.port)
            .replace(f'      - {{hash: "{HASH}", role: client}}   # ada\'s laptop\n', "      []\n")
            .replace("[~/../project]", "[~/../project, ~/second, ~/third]")
            .replace("models:\n", "  env: {base_url: 'https://a.example/v1', api_key_env: MY_KEY}\n"
                     "  file: {base_url: 'https://b.example/v1', api_key_file: ~/open-key}\n"
                     "  gone: {base_url: 'https://c.example/v1', api_key_file: ~/no-key}\nmodels:\n")
        )  # fmt: skip
        ran = counter.run("check", "--json")
    assert ran.status == 5
    said = [(one["code"], Path(one["file"]).name) for one in ran.json["problems"]]
    assert sorted(said) == sorted(
        [
            ("key_missing", "config.yaml"),
            ("backend_key_missing", "MY_KEY"),
            ("backend_key_unusable", "open-key"),
            ("backend_key_unusable", "open-key"),
            ("backend_key_missing", "no-key"),
            ("capsule_invalid", "capsule.json"),
            ("capsule_missing", "capsule.json"),
            ("workspace_missing", "third"),
            ("backend_unreachable", "v1"),
            ("backend_unreachable", "us"),
        ]
    )
    assert "two words" not in ran.stdout
    assert "10 things are wrong." in counter.run("check").stdout


def test_mistakes_of_the_configuration_come_with_line_and_column(counter: Counter) -> None:
    counter.configure("version: 2\nlissten: 1\n")
    ran = counter.run("check", "--json")
    assert ran.status == 5
    assert [(one["line"], one["column"]) for one in ran.json["problems"]] == [(1, 10), (2, 1)]


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [("acme", "acme", True), (None, "acme", True), (None, None, True), ("acme", "other", False)],
)
def test_a_capsule_s_id_names_one_workspace_of_a_tenant(
    counter: Counter, first: str | None, second: str | None, wrong: bool
) -> None:
    roots = [counter.home / "one", counter.home / "two"]
    for root, tenant in zip(roots, (first, second), strict=True):
        (root / ".sovereigncode").mkdir(parents=True)
        (root / ".sovereigncode" / "capsule.json").write_text(
            '{"capsule_id": "x", "subject_id": "s", "jurisdiction": "NZ", "sensitivity": "public"}'
        )
        if tenant is not None:
            (root / ".sovereigncode" / "tenant-policy.yaml").write_text(f"version: 1\ntenant: {tenant}\n")
    text = CONFIG.replace("[~/../project]", "[~/one, ~/two]")
    counter.configure(
        text.replace("workspaces:", f"  - {{id: other, keys: [{{hash: 'sha256:{'1' * 64}'}}]}}\nworkspaces:")
    )
    assert ("capsule_ambiguous" in problems(counter, "--offline")) is wrong


def test_a_policy_of_a_tenant_that_is_not_there_is_said(counter: Counter) -> None:
    counter.workspace(policy="version: 1\ntenant: nobody\n")
    counter.configure()
    assert problems(counter, "--offline") == {"tenant_unknown": str(counter.folder / "tenant-policy.yaml")}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root can write everywhere")
def test_a_store_that_cannot_be_written_is_said(counter: Counter) -> None:
    counter.workspace()
    counter.configure()
    place = counter.home / ".local" / "share" / "marama-route"
    place.mkdir(parents=True)
    place.chmod(0o500)
    assert "not_ready" in problems(counter, "--offline")


def test_a_store_that_is_no_database_is_said(counter: Counter) -> None:
    counter.workspace()
    counter.configure()
    place = counter.home / ".local" / "share" / "marama-route"
    place.mkdir(parents=True, mode=0o700)
    (place / "gateway.sqlite3").write_bytes(b"not a database" * 100)
    assert "not_ready" in problems(counter, "--offline")
    ran = counter.run("decisions", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "not_ready")


def test_postgresql_is_not_there_yet(counter: Counter) -> None:
    counter.configure(f"{CONFIG}store: postgresql://me@db.example/d\n")
    assert counter.run("decisions", "--json").json["error"]["code"] == "not_ready"


# decisions


def decision(tenant: str, number: int, **fields: Any) -> RouteDecision:
    models = registry(named("m"), named("n", quality_rank=1), named("x", residency=("US",)))
    payload = {**CHAT, "route": {"jurisdiction": "NZ"}}
    made = RouteDecision(
        id=new_id(1_700_000_000_000 + number, bytes(10)),
        created=1_700_000_000 + number,
        expires=4_000_000_000,
        tenant=tenant,
        workspace="/shop",
        capsule_id="shop-1",
        session_id=None,
        requested_model="lumynax/auto",
        dry_run=False,
        request=hints(payload),
        routed=routed(models, payload),
        request_hash="sha256:0",
        config_hash="sha256:1",
        outcome=Outcome(State.COMPLETED, "stop", {"total_tokens": 7}),
    )
    return replace(made, **fields)


def store(*decisions: RouteDecision) -> None:
    async def put() -> None:
        host = hosts.current({})
        kept = SqliteStore.opened(places.database(host), host.now)
        for one in decisions:
            await kept.put(one)
        await kept.close()

    asyncio.run(put())


def test_decisions_are_listed_newest_first_and_shown_whole(counter: Counter) -> None:
    counter.configure(CONFIG.replace("workspaces:", "  - {id: other}\nworkspaces:"))
    made = [decision("acme", 1), decision("other", 2), decision("acme", 3), decision("stranger", 4)]
    store(*made)
    listed = counter.run("decisions", "--json").json["decisions"]
    assert [one["id"] for one in listed] == [made[2].id, made[1].id, made[0].id]
    assert [
        one["tenant"] for one in counter.run("decisions", "--tenant", "other", "--json").json["decisions"]
    ] == ["other"]
    assert len(counter.run("decisions", "--limit", "1", "--json").json["decisions"]) == 1
    text = counter.run("decisions").stdout
    assert text.splitlines()[1].split()[0] == made[2].id
    assert "2023-11-14T22:13:23Z" in text
    whole = counter.run("decisions", made[0].id)
    assert whole.status == 0
    for words in ("lumynax/auto", "x: policy_denied", "why this model", "tokens    7", "completed"):
        assert words in whole.stdout
    assert counter.run("decisions", made[0].id, "--json").json["decision"] == made[0].to_json()


@pytest.mark.parametrize("named_id", ["rd_0", "", "x", "../../etc"])
def test_a_decision_that_is_not_there_ends_with_5(counter: Counter, named_id: str) -> None:
    counter.configure()
    ran = counter.run("decisions", named_id, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (5, "decision_not_found")


def test_the_decision_of_an_unknown_tenant_is_not_shown(counter: Counter) -> None:
    counter.configure()
    made = decision("stranger", 1)
    store(made)
    assert counter.run("decisions", made.id).status == 5
