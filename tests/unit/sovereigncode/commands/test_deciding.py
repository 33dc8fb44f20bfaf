"""evaluate and check: allowed, denied, and every way in which a workspace can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.unit.sovereigncode.folders import ALLOWED, CAPSULE, POLICY, Desk

Break = Callable[[Desk], None]


def test_an_allowed_request_is_recorded_before_it_is_reported(sov: Desk) -> None:
    sov.workspace()
    ran = sov.evaluate()
    assert ran.status == 0
    assert ran.json["decision"] == "allow_with_obligations"
    assert [duty["code"] for duty in ran.json["obligations"]] == [
        "audit", "retention_limit", "no_training", "resident_only",
    ]  # fmt: skip
    (record,) = sov.run("audit", "show", "--json").json["data"]
    assert record["kind"] == "policy"
    assert record["decision_id"] == ran.json["decision_id"]
    assert (record["tenant"], record["capsule_id"], record["purpose"]) == ("acme", "shop-1", "code_review")
    assert sov.run("audit", "verify").status == 0


def test_a_denied_request_ends_with_6_and_gives_all_reasons(sov: Desk) -> None:
    sov.workspace({**CAPSULE, "sensitivity": "iwi"})
    ran = sov.evaluate({"action": "commit", "region": "AU", "purpose": "support"})
    assert ran.status == 6
    assert [reason["code"] for reason in ran.json["reasons"]] == [
        "purpose_not_allowed", "region_not_resident", "model_not_trusted", "approval_required",
    ]  # fmt: skip
    assert ran.json["obligations"] == []


def test_a_revocation_counts_at_once(sov: Desk) -> None:
    sov.workspace()
    assert sov.evaluate().status == 0
    sov.workspace({**CAPSULE, "revoked": True})
    assert sov.evaluate().json["reasons"][0]["code"] == "capsule_revoked"


def test_what_cannot_be_recorded_is_not_allowed(sov: Desk) -> None:
    sov.workspace()
    (sov.folder / "audit").write_text("in the way")
    ran = sov.evaluate()
    assert ran.status == 5
    assert "decision" not in ran.json
    assert ran.json["error"]["code"] == "audit_unusable"


def test_a_request_comes_from_a_file_or_a_pipe(sov: Desk) -> None:
    sov.workspace()
    (sov.project / "request.json").write_text(json.dumps(ALLOWED))
    assert sov.run("evaluate", "request.json").stdout.startswith("allow_with_obligations\n")
    assert sov.run("evaluate", "-", stdin=json.dumps(ALLOWED)).status == 0
    missing = sov.run("evaluate", "other.json")
    assert missing.status == 5
    assert str(sov.project / "other.json") in missing.stderr


@pytest.mark.parametrize(
    ("request_", "line", "column"),
    [
        ("", 1, 1),
        ("[]", 1, 1),
        ("{}", 1, 1),
        ('{"action": 1}', 1, 12),
        ('{"action": "read",\n "trains_modle": true}', 2, 2),
        ('{"action": "read", "action": "shell"}', 1, 20),
        (b"\xff\xfe", 1, 1),
    ],
)
def test_what_is_not_a_request_is_refused_with_its_place(
    sov: Desk, request_: str | bytes, line: int, column: int
) -> None:
    sov.workspace()
    ran = sov.evaluate(request_)
    assert ran.status == 5
    where = ran.json["error"]["where"]
    assert (ran.json["error"]["code"], where["line"], where["column"]) == ("request_invalid", line, column)


def test_a_request_that_is_too_large_is_refused(sov: Desk) -> None:
    sov.workspace()
    assert sov.evaluate('{"action": "' + "x" * 2_000_000 + '"}').json["error"]["code"] == "request_invalid"


def text(name: str, content: str | bytes) -> Break:
    def breaking(sov: Desk) -> None:
        path = sov.folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return breaking


def large(name: str) -> Break:
    def breaking(sov: Desk) -> None:
        with (sov.folder / name).open("wb") as file:
            file.truncate(100 * 1024 * 1024)

    return breaking


def linked(name: str, target: str) -> Break:
    def breaking(sov: Desk) -> None:
        outside = sov.project.parent / "outside"
        outside.mkdir()
        (outside / "capsule.json").write_text(json.dumps(CAPSULE))
        (outside / "x").write_text(POLICY)
        path = sov.folder / name if name else sov.folder
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
        else:
            path.unlink()
        path.symlink_to(target.format(outside=outside))

    return breaking


def pipe(name: str) -> Break:
    def breaking(sov: Desk) -> None:
        (sov.folder / name).unlink()
        os.mkfifo(sov.folder / name)

    return breaking


def folder(name: str) -> Break:
    def breaking(sov: Desk) -> None:
        (sov.folder / name).unlink()
        (sov.folder / name).mkdir()

    return breaking


def gone(sov: Desk) -> None:
    (sov.folder / "capsule.json").unlink()


def no_folder(sov: Desk) -> None:
    for file in sov.folder.iterdir():
        file.unlink()
    sov.folder.rmdir()


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
CASES: list[tuple[str, Break, str, int | None]] = [
    ("missing capsule", gone, "capsule_missing", None),
    ("no folder", no_folder, "capsule_missing", None),
    ("empty capsule", text("capsule.json", ""), "capsule_invalid", 1),
    ("empty policy", text("tenant-policy.yaml", ""), "policy_invalid", 1),
    ("only a comment", text("tenant-policy.yaml", "# nothing\n"), "policy_invalid", 1),
    ("100 MB capsule", large("capsule.json"), "capsule_invalid", None),
    ("100 MB policy", large("tenant-policy.yaml"), "policy_invalid", None),
    ("binary capsule", text("capsule.json", bytes(range(256))), "capsule_invalid", 2),
    ("binary policy", text("tenant-policy.yaml", b"\x00\xff" * 100), "policy_invalid", 1),
    ("link to a file outside", linked("capsule.json", "{outside}/capsule.json"), "capsule_invalid", None),
    ("policy is a link outside", linked("tenant-policy.yaml", "{outside}/x"), "policy_invalid", None),
    ("relative link outside", linked("capsule.json", "../../outside/capsule.json"), "capsule_invalid", None),
    ("folder is a link outside", linked("", "{outside}"), "capsule_invalid", None),
    ("link to nothing", linked("capsule.json", "nothing"), "capsule_invalid", None),
    ("link to itself", linked("capsule.json", "capsule.json"), "capsule_invalid", None),
    ("capsule is a folder", folder("capsule.json"), "capsule_invalid", None),
    ("policy is a folder", folder("tenant-policy.yaml"), "policy_invalid", None),
    ("duplicate key", text("capsule.json", '{"capsule_id": "a",\n "capsule_id": "b"}'), "capsule_invalid", 2),
    ("duplicate policy key", text("tenant-policy.yaml", POLICY + "tenant: b\n"), "policy_invalid", 5),
    ("wrong type", text("capsule.json", json.dumps({**CAPSULE, "revoked": "no"})), "capsule_invalid", 1),
    ("unknown policy key", text("tenant-policy.yaml", POLICY + "tool: {}\n"), "policy_invalid", 5),
    ("YAML bomb", text("tenant-policy.yaml", POLICY + BOMB), "policy_invalid", 5),
    ("YAML tag", text("tenant-policy.yaml", POLICY + "x: !!python/name:os.system\n"), "policy_invalid", 5),
    ("deep JSON", text("capsule.json", '{"a": ' + "[" * 50_000), "capsule_invalid", 1),
    ("deep YAML", text("tenant-policy.yaml", "[" * 50_000), "policy_invalid", 1),
    ("a list", text("capsule.json", "[]"), "capsule_invalid", 1),
]  # fmt: skip
if os.name != "nt":
    CASES.append(("capsule is a pipe", pipe("capsule.json"), "capsule_invalid", None))


@pytest.mark.parametrize(
    ("breaking", "code", "line"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_whatever_is_wrong_denies_and_check_says_where(
    sov: Desk, breaking: Break, code: str, line: int | None
) -> None:
    sov.workspace()
    breaking(sov)
    denied = sov.evaluate()
    assert denied.status == 6
    assert denied.json["decision"] == "deny"
    assert {reason["code"] for reason in denied.json["reasons"]} >= {code}
    checked = sov.run("check", "--json")
    assert checked.status == 5
    named = [problem for problem in checked.json["problems"] if problem["code"] == code]
    assert named[0]["line"] == line
    assert named[0]["next_step"]
    assert (named[0]["column"] is None) is (line is None)


def test_both_files_are_reported_at_once(sov: Desk) -> None:
    sov.workspace("{}", "version: 2\n")
    problems = sov.run("check", "--json").json["problems"]
    assert [problem["code"] for problem in problems] == ["capsule_invalid"] * 4 + ["policy_invalid"] * 2
    codes = [reason["code"] for reason in sov.evaluate().json["reasons"]]
    assert codes == [problem["code"] for problem in problems]


def test_a_link_inside_the_workspace_is_followed(sov: Desk) -> None:
    sov.workspace()
    (sov.folder / "capsule.json").rename(sov.project / "capsule.json")
    (sov.folder / "capsule.json").symlink_to("../capsule.json")
    assert sov.evaluate().status == 0


def test_a_reason_names_the_place_without_the_folder_of_this_machine(sov: Desk) -> None:
    sov.workspace("{")
    message = sov.evaluate().json["reasons"][0]["message"]
    assert message.startswith(".sovereigncode/capsule.json:1:2: ")
    assert str(sov.project) not in message


def test_nothing_is_wrong_with_a_good_workspace(sov: Desk) -> None:
    sov.workspace()
    ran = sov.run("check", "--json")
    assert (ran.status, ran.json["problems"], ran.json["capsule_id"]) == (0, [], "shop-1")
    assert sov.run("check").stdout == "Nothing is wrong with this workspace.\n"


def test_check_finds_a_changed_record_and_a_config_of_another_capsule(sov: Desk) -> None:
    sov.workspace()
    sov.evaluate()
    (log,) = (sov.folder / "audit").glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b"NZ", b"AU"))
    ran = sov.run("check", "--json")
    assert (ran.status, [problem["code"] for problem in ran.json["problems"]]) == (6, ["chain_broken"])
    config: dict[str, Any] = {
        "provider": {"abteex-marama": {"options": {"headers": {"X-AbteeX-Workspace-Capsule": "x"}}}}
    }
    (sov.project / "opencode.json").write_text(json.dumps(config))
    ran = sov.run("check", "--json")
    assert [problem["code"] for problem in ran.json["problems"]] == ["config_invalid", "chain_broken"]
    (sov.project / "opencode.json").write_text("{")
    assert sov.run("check").status == 5


def test_check_names_an_approval_that_somebody_wrote_by_hand(sov: Desk) -> None:
    sov.workspace()
    sov.evaluate()
    (sov.folder / "approvals").mkdir(mode=0o700)
    forged = sov.folder / "approvals" / f"ap_{'0' * 32}.json"
    forged.write_text("{}")
    forged.chmod(0o600)
    ran = sov.run("check", "--json")
    assert ran.status == 5
    assert [Path(problem["file"]).name for problem in ran.json["problems"]] == [forged.name]
