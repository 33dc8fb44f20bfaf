"""Paths that a call may not change, by their text: outside of the workspace, and in `.sovereigncode`."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from sovereigncode.tools.classes import Write
from sovereigncode.tools.command import read_command
from sovereigncode.tools.places import is_protected, wrong_with, wrong_with_any
from sovereigncode.tools.programs.calls import Dialect

ROOT = PurePosixPath("/home/ada/shop")
WINDOWS = PurePosixPath("C:/Users/Ada/shop")
HOME = PurePosixPath("/home/ada")


def wrong(path: str, root: PurePosixPath = ROOT) -> str | None:
    return wrong_with(Write(path, (root,)), root)


@pytest.mark.parametrize(
    "name",
    [
        ".sovereigncode", ".SovereignCode", ".SOVEREIGNCODE", ".sovereigncode.", " .sovereigncode",
        ".sovereigncode ", ".sovereigncode. .", ".sovereigncode::$INDEX_ALLOCATION", ".sovereigncode:x",
        "SOVERE~1", "sovere~2", "SO1A2B~1", ".sovereign\u200ccode", ".sovere\u200dign\ufeffcode",
        ".\uff53overeigncode", ".\u017fovereigncode",
    ],
)  # fmt: skip
def test_names_that_a_file_system_may_take_for_the_folder(name: str) -> None:
    assert is_protected(name)
    assert wrong(f"{name}/capsule.json")


@pytest.mark.parametrize(
    "name", ["sovereigncode", ".sovereigncode2", ".sovereign", "x.sovereigncode", "SOVERE~x"]
)
def test_other_names(name: str) -> None:
    assert not is_protected(name)
    assert wrong(f"{name}/x") is None


@pytest.mark.parametrize(
    "path",
    [
        "a", "./a", "src/a", "src/../a", "/home/ada/shop/a", "/home/ada/shop/x/../a", "a b", "~",
        "a/.git/x", "..a", "a..",
    ],
)  # fmt: skip
def test_inside(path: str) -> None:
    assert wrong(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "..", "../a", "src/../../a", "/a", "/home/ada/shop2/a", "/home/ada/shop/../a", "/home/ada", "//a",
        "/../etc/x", "a/../../../../../etc/passwd",
    ],
)  # fmt: skip
def test_outside(path: str) -> None:
    assert "outside the workspace" in (wrong(path) or "")


@pytest.mark.parametrize(
    "path",
    [
        ".sovereigncode", ".sovereigncode/capsule.json", "./.sovereigncode/x", "src/../.sovereigncode/x",
        "/home/ada/shop/.sovereigncode/x", ".sovereigncode\\capsule.json", "x/.sovereigncode/y",
        ".sovereigncode/../x", "..//shop/.SOVEREIGNCODE/x",
    ],
)  # fmt: skip
def test_protected(path: str) -> None:
    assert "no tool call may change" in (wrong(path) or "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\Users\\Ada\\shop\\a", None),
        ("c:/users/ada/SHOP/a", None),
        ("/c/Users/Ada/shop/a", None),
        ("a\\b", None),
        ("..\\a", "outside"),
        ("D:\\a", "outside"),
        ("\\\\server\\share\\a", "outside"),
        ("C:\\Users\\Ada\\shop\\.sovereigncode\\x", "no tool call"),
        ("SOVERE~1\\x", "no tool call"),
    ],
)
def test_windows_paths(path: str, expected: str | None) -> None:
    found = wrong(path, WINDOWS)
    assert (found is None) if expected is None else (expected in (found or ""))


@pytest.mark.parametrize(
    "command",
    [
        "echo x > .sovereigncode/capsule.json",
        "echo x >> .sovereigncode/audit/a.jsonl",
        "echo x >| .sovereigncode/x",
        "echo x &> .sovereigncode/x",
        "echo x 2> .SOVEREIGNCODE/x",
        "echo x > src/../.sovereigncode/x",
        'echo x > "$PWD/.sovereigncode/x"',
        "echo x > ./'.sovereign'code/x",
        "echo x > .sovereigncode/$X",
        "echo x > .sov*/capsule.json",
        "cd .sovereigncode && echo x > capsule.json",
        "cd src && cd ../.sovereigncode && echo x > capsule.json",
        "(cd .sovereigncode; echo x > capsule.json)",
        "cd src; echo x > ../.sovereigncode/x",
        "for f in x; do echo x > .sovereigncode/$f; done",
        "sh -c 'echo x > .sovereigncode/x'",
        "echo $(echo x > .sovereigncode/x)",
        "rm .sovereigncode/capsule.json",
        "rm -rf .sovereigncode",
        "rm -rf .sov*",
        "rm -rf .",
        "rm -rf ./",
        "rm -rf /home/ada/shop",
        "rm -rf ../shop",
        "cp x .sovereigncode/capsule.json",
        "cp x .sovereign{code,x}/capsule.json",
        "cp -t .sovereigncode x",
        "cp --target-directory=.sovereigncode x",
        "mv .sovereigncode x",
        "mv x .sovereigncode/",
        "ln -s .sovereigncode x",
        "ln .sovereigncode/capsule.json x",
        "tee .sovereigncode/x",
        "sed -i s/a/b/ .sovereigncode/capsule.json",
        "dd if=x of=.sovereigncode/capsule.json",
        "touch .sovereigncode/x",
        "truncate -s0 .sovereigncode/x",
        "chmod 777 .sovereigncode",
        "tar xf x -C .sovereigncode",
        "unzip x -d .sovereigncode",
        "curl -o .sovereigncode/capsule.json x",
        "wget -O .sovereigncode/capsule.json x",
        "git checkout -- .sovereigncode/capsule.json",
        "git restore .sovereigncode",
        "git rm -r .sovereigncode",
        "git mv .sovereigncode x",
        "git diff --output=.sovereigncode/capsule.json",
        "python -c \"open('.sovereigncode/capsule.json', 'w')\"",
        "node x.js .sovereigncode/capsule.json",
        "find .sovereigncode -delete",
        "find .sovereigncode -exec rm {} +",
        "sudo rm .sovereigncode/x",
        "env X=1 rm .sovereigncode/x",
        "vim .sovereigncode/capsule.json",
        "find . -delete",
        "find . -maxdepth 1 -delete",
        "cd .sovereigncode && git checkout .",
        "cd .sovereigncode && python x.py",
        "patch -p1 <<'E'\n--- a/.sovereigncode/capsule.json\nE",
        "git apply <<'E'\n--- a/.sovereigncode/capsule.json\nE",
        "sovereigncode approvals approve ap_1",
        "yes | sovereigncode approvals approve ap_1",
        "script -qc 'sovereigncode approvals approve ap_1' /dev/null",
        "sovereigncode init --yes",
        "python3 sovereigncode.pyz init",
        "python -m sovereigncode approvals approve ap_1",
        "./sovereigncode.pyz approvals reject ap_1",
        "marama-route key create --role approver",
        "apply_patch '*** Begin Patch\n*** Delete File: .sovereigncode/capsule.json\n*** End Patch'",
        "apply_patch <<'E'\n*** Begin Patch\n*** Delete File: .sovereigncode/capsule.json\n*** End Patch\nE",
    ],
)
def test_commands_that_would_change_the_policy(command: str) -> None:
    found = read_command(command, folders=(ROOT,), home=HOME)
    assert wrong_with_any(found.writes, ROOT)


def test_a_command_of_cmd_that_would_change_the_policy() -> None:
    found = read_command("del .sovereigncode\\capsule.json", folders=(WINDOWS,), dialects=(Dialect.CMD,))
    assert wrong_with_any(found.writes, WINDOWS)


@pytest.mark.parametrize(
    "command",
    [
        "echo x > ../x",
        "echo x > /tmp/x",
        "echo x > ~/x",
        "cd .. && echo x > x",
        "cd /tmp && echo x > x",
        "cd src/../.. && echo x > x",
        "cd; echo x > x",
        "rm -rf ~",
        "rm -rf /",
        "cp x /etc/x",
        "mkdir ../x",
        "cd x || echo x > ../x",
        "ln -s / x",
        "ln -s ../x y",
        "ln -s /etc/passwd x",
    ],
)
def test_commands_that_would_write_outside(command: str) -> None:
    found = read_command(command, folders=(ROOT,), home=HOME)
    assert wrong_with_any(found.writes, ROOT)


@pytest.mark.parametrize(
    "command",
    [
        "ls .sovereigncode",
        "cat .sovereigncode/capsule.json",
        "cat < .sovereigncode/capsule.json",
        "grep x .sovereigncode/tenant-policy.yaml",
        "git add .sovereigncode",
        "git commit -m 'change .sovereigncode/tenant-policy.yaml'",
        "git diff .sovereigncode",
        "find .sovereigncode -name x",
        "sovereigncode check",
        "sovereigncode approvals show ap_1",
        "python3 sovereigncode.pyz audit verify",
        "cp .sovereigncode/capsule.json x.json",
        "find . -name x -delete",
        "ln -s ../lib src/x",
        "ln -s a b",
        "sh -c 'cat .sovereigncode/capsule.json'",
        "sudo cat .sovereigncode/capsule.json",
        "echo x > y",
        "echo x > /dev/null 2>&1",
        "cd src && echo x > ../y",
        "cd src; echo x > ../y",
        "cd src && cd .. && echo x > y",
        "(cd /tmp; ls); echo x > y",
        "cd /tmp & echo x > y",
        "cd $X && echo x > y",
        "rm -rf build src/x ./y",
        "rm -rf *",
        "mkdir -p a/b && touch a/b/c",
        "echo x > /home/ada/shop/y",
        "echo x > ~/shop/y",
        "echo x > $X",
        "mv a b",
    ],
)
def test_commands_that_are_fine(command: str) -> None:
    found = read_command(command, folders=(ROOT,), home=HOME)
    assert wrong_with_any(found.writes, ROOT) == []


@pytest.mark.parametrize(
    "command", ["while true; do cd ..; done; echo x > y", "cd $X; echo x > y", "popd; echo x > y"]
)
def test_after_a_folder_that_is_not_known_no_path_is(command: str) -> None:
    writes = read_command(command, folders=(ROOT,), home=HOME).writes
    assert [(write.path, write.folders) for write in writes] == [("y", ())]
