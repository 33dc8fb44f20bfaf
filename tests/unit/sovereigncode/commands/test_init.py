"""init on a machine without an opencode: what is asked, planned, written and kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from foundation.transaction import Transaction
from opencode_config import jsonc
from sovereigncode import shown
from sovereigncode.commands.init import answers, texts
from sovereigncode.commands.init.answers import Answers
from sovereigncode.commands.init.plan import FileChange, Plan
from sovereigncode.commands.init.proof import missing
from sovereigncode.core import tenant_policy
from sovereigncode.core.words import ToolClass, ToolRule
from sovereigncode.documents import yaml_text
from sovereigncode.gateway_provider import entry
from tests.unit.sovereigncode.folders import CAPSULE, Desk, Ran

GIVEN = ("--sensitivity", "public", "--jurisdiction", "NZ", "--purpose", "a", "--tenant", "t")


def init(sov: Desk, *arguments: str) -> Ran:
    return sov.run("init", "--yes", "--json", *arguments)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_three_files_are_written_and_right(sov: Desk) -> None:
    done = init(sov, *GIVEN)
    assert done.status == 0, done.stdout
    assert [file["action"] for file in done.json["files"]] == ["create"] * 3
    assert sorted(tree(sov.project)) == [
        str(sov.project / name)
        for name in (".sovereigncode/capsule.json", ".sovereigncode/tenant-policy.yaml", "opencode.json")
    ]
    assert sov.run("check").status == 0
    capsule = json.loads((sov.folder / "capsule.json").read_bytes())
    assert capsule["capsule_id"] == done.json["capsule_id"]
    assert capsule["subject_id"] == "t"


def test_a_second_run_changes_nothing_and_asks_nothing(sov: Desk) -> None:
    init(sov)
    before = tree(sov.project)
    again = sov.run("init", "--json")
    assert (again.status, again.json["changed"], again.json["diff"]) == (0, False, "")
    assert tree(sov.project) == before


def test_an_opencode_that_is_not_there_is_not_asked(sov: Desk) -> None:
    assert init(sov).json["opencode"] == {"asked": False, "version": None}
    assert "was not asked" in sov.run("init", "--yes").stdout


def test_options_change_only_their_keys_of_an_existing_capsule(sov: Desk) -> None:
    init(sov)
    path = sov.folder / "capsule.json"
    text = path.read_text().replace('"revoked": false', '"revoked": false,\n  "note":   "kept as it is"')
    path.write_text(text)
    assert init(sov, "--sensitivity", "health", "--purpose", "care").status == 0
    purposes = '[\n    "software_engineering",\n    "code_review"\n  ]'
    assert purposes in text
    changed = path.read_text()
    assert changed.replace('"health"', '"internal"').replace('["care"]', purposes) == text


def test_another_tenant_than_the_policys_is_refused(sov: Desk) -> None:
    init(sov, "--tenant", "acme")
    assert init(sov, "--tenant", "acme").status == 0
    other = init(sov, "--tenant", "other")
    assert (other.status, other.json["error"]["code"]) == (2, "usage_error")


def test_a_capsule_without_a_policy_gets_one(sov: Desk) -> None:
    sov.workspace(policy=None)
    assert init(sov).status == 0
    assert json.loads((sov.folder / "capsule.json").read_bytes()) == CAPSULE
    assert sov.run("check").status == 0


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("opencode.json", '{\n  "model": }', 2),
        ("opencode.jsonc", "[]", 1),
        ("opencode.json", '{"provider":\n 1}', 2),
        ("opencode.json", '{"provider":\n {"abteex-marama":\n []}}', 3),
        (".sovereigncode/capsule.json", "{}", 1),
        (".sovereigncode/tenant-policy.yaml", "version: 1\ntenat: x\n", 2),
    ],
)
def test_a_file_that_is_wrong_stops_it_with_its_place(sov: Desk, name: str, text: str, line: int) -> None:
    path = sov.project / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    before = tree(sov.project)
    done = init(sov)
    assert done.status == 5, done.stdout
    where = done.json["error"]["where"]
    assert (where["file"], where["line"]) == (str(path), line)
    assert tree(sov.project) == before


def test_without_a_terminal_and_an_answer_nothing_is_written(sov: Desk) -> None:
    done = sov.run("init", "--json")
    assert (done.status, done.json["error"]["code"]) == (2, "answer_required")
    assert "--sensitivity" in done.json["error"]["message"]
    done = sov.run("init", "--json", *GIVEN)
    assert (done.status, done.json["error"]["code"]) == (2, "consent_required")
    assert tree(sov.project) == {}


def test_a_config_that_is_a_link_out_of_the_project_is_refused(sov: Desk) -> None:
    outside = sov.project.parent / "other.json"
    outside.write_text("{}")
    (sov.project / "opencode.json").symlink_to(outside)
    done = init(sov)
    assert (done.status, done.json["error"]["code"]) == (5, "unsafe_link")
    assert outside.read_text() == "{}"


def test_a_failed_write_puts_everything_back(sov: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (sov.project / "opencode.json").write_text('{"model": "a/b"}')
    before = tree(sov.project)
    replace = Transaction._replace

    def failing(self: Transaction, item: Any, step: Any) -> None:
        if item.path.name == "opencode.json":
            raise OSError(28, os.strerror(28))
        replace(self, item, step)

    monkeypatch.setattr(Transaction, "_replace", failing)
    done = init(sov)
    assert (done.status, done.json["error"]["code"]) == (5, "write_failed")
    assert tree(sov.project) == before
    assert not sov.folder.exists()


def test_a_key_file_that_cannot_be_named_is_refused(sov: Desk) -> None:
    (sov.home / "key").write_text("mr_x\n")
    assert init(sov, "--key-file", "~/key").status == 0
    assert "{file:~/key}" in (sov.project / "opencode.json").read_text()
    (sov.home / "em}pty").write_text("x")
    (sov.home / "empty").write_text("\n")
    for name in ("~/nowhere", "~/empty", "~/em}pty"):
        assert init(sov, "--key-file", name).status == 2


@pytest.mark.parametrize("name", ["NO", "yes", "null", "1", "a.b", "1.5", "x-y_z", "A:b"])
def test_every_name_is_the_same_name_in_the_policy(name: str) -> None:
    given = Answers("c", "internal", name, (name,), name, "k")
    found, problems = tenant_policy.parse(yaml_text.read(texts.policy(given, {}).encode()).value)
    assert found is not None, problems
    assert (found.tenant, found.default_purpose, found.residency) == (name, name, frozenset([name]))
    assert found.tools == tenant_policy.DEFAULT_TOOLS
    assert found.personal_details == tenant_policy.Findings()


def test_a_new_id_is_one_that_a_capsule_may_have(tmp_path: Path) -> None:
    for name in ("shop", "Ma project!", "...", "é", "a" * 200):
        made = answers._new_id(tmp_path / name)
        assert answers._checked(made) is None
        assert made != answers._new_id(tmp_path / name)


def test_what_is_shown_and_kept_has_no_secret_of_a_config() -> None:
    text = (
        '{"provider": {"a": {"options": {"apiKey": "hunter2hunter2", "headers": {"X-Auth": "letmein"},'
        ' "baseURL": "https://x/v1"}}, "b": {"options": {"apiKey": "{env:B}"}}},\n'
        ' "mcp": {"c": {"environment": {"TOKEN_PASSWORD": "opensesame"}}}}'
    )
    for secret in ("hunter2hunter2", "letmein", "opensesame"):
        assert secret in text
        assert secret not in shown.masked(text)
        assert secret not in shown.diff(text, text.replace("https", "http"), "x")
    assert "{env:B}" in shown.masked(text)
    assert jsonc.parse(shown.masked(text)).find(("provider", "a", "options", "baseURL"))


def plan(tools: dict[ToolClass, ToolRule]) -> Plan:
    files: tuple[FileChange, ...] = ()
    return Plan(files, entry(key="k", tenant="t", capsule="c"), tools)


def resolved() -> dict[str, Any]:
    own = entry(key="***", tenant="***", capsule="***")
    return {"provider": {"abteex-marama": own}, "permission": {"edit": "ask"}}


def test_what_opencode_answers_is_compared_value_by_value() -> None:
    assert missing(resolved(), plan({})) == []
    assert missing({}, plan({})) == ["opencode does not know the provider abteex-marama"]
    other = resolved()
    other["provider"]["abteex-marama"]["options"]["baseURL"] = "https://elsewhere.example/v1"
    assert missing(other, plan({})) == ["another config changes provider.abteex-marama.options.baseURL"]
    other = resolved()
    del other["provider"]["abteex-marama"]["options"]["headers"]["X-AbteeX-Tenant"]
    assert len(missing(other, plan({}))) == 1
    other = resolved()
    other["provider"]["abteex-marama"]["options"]["headers"]["X-AbteeX-Tenant"] = "somebody"
    assert len(missing(other, plan({}))) == 1
    assert missing(resolved(), plan({ToolClass.FILE_WRITE: ToolRule.CLIENT})) == []
    assert missing(resolved(), plan({ToolClass.SHELL: ToolRule.CLIENT})) == [
        "the policy leaves shell to opencode, and opencode does not ask"
    ]
