"""key: shown once, kept as a hash, and nothing else in the file changes."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from foundation.files.replace import write_beside
from marama_route.core import config
from tests.unit.marama_route.counter import CONFIG, HASH, OTHER, Counter

KEY = re.compile(r"mr_[A-Za-z0-9_-]{43}")


def hash_of(key: str) -> str:
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


@pytest.mark.parametrize(("options", "role"), [([], "client"), (["--role", "approver"], "approver")])
def test_a_key_is_shown_once_and_the_file_has_its_hash(
    counter: Counter, options: list[str], role: str
) -> None:
    counter.configure()
    made = counter.run("key", "create", "--json", *options).json
    assert KEY.fullmatch(made["key"])
    assert made["hash"] == hash_of(made["key"])
    assert (made["role"], made["tenant"]) == (role, "acme")
    text = counter.config.read_text()
    assert text.replace(f'      - {{hash: "{made["hash"]}", role: {role}}}\n', "") == CONFIG
    read, _ = config.read(text.encode(), "")
    assert read is not None
    assert [(key.hash, key.role.value) for key, _ in read.keys] == [(HASH, "client"), (made["hash"], role)]
    assert made["key"] not in text
    assert counter.config.stat().st_mode & 0o777 == 0o600


def test_as_text_the_key_is_the_first_line(counter: Counter) -> None:
    counter.configure()
    ran = counter.run("key", "create")
    first, *rest = ran.stdout.splitlines()
    assert KEY.fullmatch(first)
    assert hash_of(first) in "\n".join(rest)
    assert not KEY.search("\n".join(rest) + ran.stderr)


def test_the_mode_of_the_file_stays(counter: Counter) -> None:
    counter.configure()
    counter.config.chmod(0o640)
    assert counter.run("key", "create").status == 0
    assert counter.config.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("named", [HASH, HASH[7:], HASH[7:13], HASH[7:20].upper()])
def test_a_key_is_revoked_by_its_hash_or_the_beginning_of_it(counter: Counter, named: str) -> None:
    counter.configure()
    assert counter.run("key", "revoke", named, "--json").json["hash"] == HASH
    text = counter.config.read_text()
    assert "ada's laptop" in text
    assert HASH not in text
    read, mistakes = config.read(text.encode(), "")
    assert read is not None, mistakes
    assert read.keys == ()


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["key"], 2, "usage_error"),
        (["key", "create", "--role", "admin"], 2, "usage_error"),
        (["key", "create", "--tenant", "other"], 2, "tenant_unknown"),
        (["key", "revoke"], 2, "usage_error"),
        (["key", "revoke", "mr_" + "x" * 43], 2, "usage_error"),
        (["key", "revoke", "0a0a"], 2, "usage_error"),
        (["key", "revoke", "sha256:abcdef"], 2, "key_unknown"),
        (["key", "revoke", "0a" * 16, "--config", "nowhere.yaml"], 5, "config_missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    counter: Counter, arguments: list[str], status: int, code: str
) -> None:
    counter.configure()
    ran = counter.run(*arguments, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (status, code)
    assert "x" * 43 not in ran.stdout
    assert counter.config.read_text() == CONFIG


def test_several_tenants_and_several_hashes_must_be_told_apart(counter: Counter) -> None:
    near = HASH[:-1] + "b"
    text = f"version: 1\ntenants: [{{id: a, keys: [{{hash: '{HASH}'}}, {{hash: '{near}'}}]}}, {{id: b}}]\n"
    counter.configure(text)
    assert counter.run("key", "create", "--json").json["error"]["code"] == "tenant_unknown"
    assert "--tenant with a or b" in counter.run("key", "create").stderr
    assert counter.run("key", "revoke", HASH[7:30], "--json").json["error"]["code"] == "key_unknown"
    assert counter.run("key", "create", "--tenant", "b").status == 0
    assert counter.run("key", "revoke", near).status == 0


def test_a_configuration_that_is_wrong_is_not_touched(counter: Counter) -> None:
    counter.configure(f"version: 1\nlissten: 1\ntenants: [{{id: a}}]\nstore: {OTHER}\n")
    before = counter.config.read_bytes()
    error = counter.run("key", "create", "--json").json["error"]
    assert (error["code"], error["where"]["line"]) == ("config_invalid", 2)
    assert error["message"].endswith("and 1 more")
    assert counter.config.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="on Windows the access list of the profile folder decides")
def test_a_file_or_folder_that_others_can_change_is_refused(counter: Counter) -> None:
    counter.configure()
    counter.config.chmod(0o606)
    ran = counter.run("key", "create", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (5, "config_unsafe")
    counter.config.chmod(0o600)
    counter.config.parent.chmod(0o777)
    assert counter.run("key", "create", "--json").json["error"]["code"] == "config_unsafe"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs, and links need a right there")
def test_what_is_not_a_plain_file_is_refused_and_a_link_of_the_user_stays_one(counter: Counter) -> None:
    counter.configure()
    other = counter.home / "real.yaml"
    counter.config.rename(other)
    os.mkfifo(counter.config)
    assert counter.run("key", "create", "--json").json["error"]["code"] == "unreadable"
    counter.config.unlink()
    counter.config.symlink_to(other)
    assert counter.run("key", "create").status == 0
    assert counter.config.is_symlink()
    assert other.read_text() != CONFIG


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_changes_nothing(counter: Counter) -> None:
    counter.configure()
    counter.config.parent.chmod(0o500)
    ran = counter.run("key", "create", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (5, "write_failed")
    assert counter.config.read_text() == CONFIG


def test_a_file_that_changes_meanwhile_is_not_overwritten(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.configure()

    def meddling(*arguments: Any, **named: Any) -> None:
        write_beside(*arguments, **named)
        counter.config.write_text(f"{CONFIG}# mine\n")

    monkeypatch.setattr("marama_route.config_file.write_beside", meddling)
    ran = counter.run("key", "create", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (5, "config_changed")
    assert counter.config.read_text() == f"{CONFIG}# mine\n"
    assert [path.name for path in counter.config.parent.iterdir()] == ["config.yaml"]


def test_the_current_folder_never_decides(counter: Counter) -> None:
    for name in ("config.yaml", "marama-route.yaml", "marama-route/config.yaml"):
        path = counter.project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(CONFIG)
    error = counter.run("key", "create", "--json").json["error"]
    assert error["code"] == "config_missing"
    assert Path(error["where"]["file"]) == counter.config
