"""init with the real opencode: what is written, what stays, and what is put back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opencode_config import jsonc
from opencode_config.jsonc.operations import Remove
from scripts.lib import opencode_versions
from sovereigncode import gateway_provider as provider
from sovereigncode.core import tenant_policy
from sovereigncode.documents import yaml_text
from tests.support.machine import Finished, Machine

COMMENTED = """\
// the team's config
{
\t"model": "acme/large", // keep
\t"provider": {
\t\t/* theirs */
\t\t"acme": {"options": {"baseURL": "https://llm.example/v1", "apiKey": "{env:ACME}"}, "models": {}},
\t},
\t"permission": {"edit": "deny", "bash": {"git *": "allow"}},
}
"""


@pytest.fixture
def sov(machine: Machine) -> Machine:
    machine.python = [machine.python[0], "-m", "sovereigncode"]
    return machine


def init(sov: Machine, *arguments: str) -> Finished:
    return sov.run_setup("init", "--yes", "--json", *arguments)


def policy(sov: Machine) -> tenant_policy.TenantPolicy:
    found, problems = tenant_policy.parse(
        yaml_text.read((sov.project / ".sovereigncode" / "tenant-policy.yaml").read_bytes()).value
    )
    assert found is not None, problems
    return found


def rules(sov: Machine) -> dict[str, str]:
    return {tool.value: rule.value for tool, rule in policy(sov).tools.items()}


def test_a_new_workspace_is_in_force_in_every_supported_opencode(sov: Machine, opencode_version: str) -> None:
    done = init(
        sov,
        "--sensitivity",
        "restricted",
        "--purpose",
        "support",
        "--purpose",
        "code_review",
        "--tenant",
        "acme",
    )
    assert done.status == 0, done.output
    assert done.json["opencode"] == {"asked": True, "version": opencode_version}
    capsule = json.loads((sov.project / ".sovereigncode" / "capsule.json").read_bytes())
    assert (capsule["sensitivity"], capsule["jurisdiction"]) == ("restricted", "NZ")
    assert capsule["allowed_purposes"] == ["support", "code_review"]
    assert policy(sov).default_purpose == "support"
    assert (
        rules(sov)["shell"]
        == rules(sov)["file_write"]
        == rules(sov)["network"]
        == rules(sov)["delete"]
        == "client"
    )
    assert rules(sov)["commit"] == rules(sov)["publish"] == rules(sov)["unknown"] == "approve"
    resolved = sov.opencode("debug", "config", "--pure").json
    own = resolved["provider"]["abteex-marama"]
    assert own["options"]["baseURL"] == "http://127.0.0.1:8787/v1"
    assert set(own["models"]) == set(provider.ALIASES)
    text = (sov.project / "opencode.json").read_text()
    assert f'"X-AbteeX-Workspace-Capsule": "{capsule["capsule_id"]}"' in text
    assert '"X-AbteeX-Tenant": "acme"' in text
    assert sov.run_setup("check").status == 0


def test_an_existing_config_keeps_every_byte_that_is_not_ours(sov: Machine) -> None:
    path = sov.project / "opencode.jsonc"
    path.write_text(COMMENTED)
    done = init(sov)
    assert done.status == 0, done.output
    assert not sov.project_config.exists()
    document = jsonc.parse(path.read_text())
    ours = [Remove(("provider", provider.ID)), Remove(("permission", "webfetch"))]
    # opencode itself adds the $schema line only to a file that does not begin with a comment.
    assert jsonc.apply(document, ours).text == COMMENTED
    assert document.value["permission"] == {"edit": "deny", "bash": {"git *": "allow"}, "webfetch": "ask"}
    # Where opencode refuses or asks, it may be left to opencode; where it allows something, it may not.
    assert rules(sov)["file_write"] == rules(sov)["network"] == "client"
    assert rules(sov)["shell"] == rules(sov)["delete"] == "approve"


def test_a_deny_of_the_user_is_not_weakened_by_the_project(sov: Machine) -> None:
    sov.config_folder.mkdir(parents=True)
    sov.user_config.write_text('{"permission": {"edit": "deny"}}')
    assert init(sov).status == 0
    assert sov.opencode("debug", "config", "--pure").json["permission"]["edit"] == "deny"


def test_a_key_file_is_named_and_never_read_into_anything(sov: Machine) -> None:
    key = sov.home / "keys" / "marama"
    key.parent.mkdir()
    key.write_text(f"{sov.new_key()}\n")
    sov.allow_key_in(key)
    done = init(sov, "--key-file", str(key))
    assert done.status == 0, done.output
    assert '"apiKey": "{file:~/keys/marama}"' in sov.project_config.read_text()
    missing = init(sov, "--key-file", "nowhere")
    assert missing.status == 2
    assert missing.json["error"]["where"]["file"] == str(sov.project / "nowhere")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"disabled_providers": ["abteex-marama"]}, "disabled_providers"),
        ({"provider": {"abteex-marama": {"whitelist": ["none"]}}}, "does not offer"),
    ],
)
def test_what_opencode_does_not_use_is_put_back(sov: Machine, config: dict[str, object], words: str) -> None:
    sov.config_folder.mkdir(parents=True)
    sov.user_config.write_text(json.dumps(config))
    sov.project_config.write_text('{"model": "acme/large"}')
    before = sov.tree(sov.project)
    done = init(sov)
    assert done.status == 6, done.output
    assert done.json["error"]["code"] == "opencode_not_proved"
    assert words in done.json["error"]["message"]
    assert sov.tree(sov.project) == before
    assert not (sov.project / ".sovereigncode").exists()


def test_an_opencode_that_cannot_prove_anything_stops_before_anything_is_written(sov: Machine) -> None:
    sov.use_opencode(opencode_versions.executable(opencode_versions.TOO_OLD))
    before = sov.tree(sov.project)
    done = init(sov)
    assert done.status == 6, done.output
    assert sov.tree(sov.project) == before


def test_the_example_is_a_whole_project_file_that_opencode_takes(sov: Machine) -> None:
    example = Path(__file__).parents[3] / "examples" / "opencode.marama-route.json"
    assert json.loads(example.read_text()) == provider.example()
    sov.project_config.write_bytes(example.read_bytes())
    resolved = sov.opencode("debug", "config", "--pure").json
    assert set(resolved["provider"]["abteex-marama"]["models"]) == set(provider.ALIASES)
    assert resolved["permission"] == dict.fromkeys(("edit", "bash", "webfetch"), "ask")
    offered = sov.opencode("models", "abteex-marama", "--pure").stdout.split()
    assert set(offered) == {f"abteex-marama/{alias}" for alias in provider.ALIASES}
