"""A call judged against a real folder: differences, links, files that are not what they seem."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from sovereigncode.tools.arguments import BadArgumentsError, ToolCall
from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.judging import Judgement, judge, unreadable

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")


def call(workspace: Path, name: str, **arguments: Any) -> Judgement:
    return judge(ToolCall(name, arguments), workspace)


def write(workspace: Path, path: str, content: str = "new\n") -> Judgement:
    return call(workspace, "write", filePath=path, content=content)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_fifo()
    }


def test_a_write_shows_its_difference_and_changes_nothing(workspace: Path) -> None:
    before = contents(workspace)
    found = call(workspace, "edit", filePath=str(workspace / "src/a.py"), oldString="two", newString="2")
    assert found.tool_class is ToolClass.FILE_WRITE
    assert found.denied == ()
    assert found.diff == "--- a/src/a.py\n+++ b/src/a.py\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    assert found.summary == f"edit: {workspace}/src/a.py"
    assert contents(workspace) == before


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("write", {"filePath": "src/a.py", "content": "one\n2\nthree\n"}, "+2"),
        ("edit", {"filePath": "src/a.py", "oldString": "two", "newString": "2"}, "+2"),
        ("multiedit", {"filePath": "src/a.py", "edits": [{"oldString": "two", "newString": "2"}]}, "+2"),
        (
            "apply_patch",
            {"patchText": "*** Begin Patch\n*** Update File: src/a.py\n-two\n+2\n*** End Patch"},
            "+2",
        ),
        ("write_to_file", {"path": "src/a.py", "content": "one\n2\nthree\n"}, "+2"),
        (
            "replace_in_file",
            {"path": "src/a.py", "diff": "------- SEARCH\ntwo\n=======\n2\n+++++++ REPLACE"},
            "+2",
        ),
        ("editor", {"path": "src/a.py", "old_text": "two", "new_text": "2"}, "+2"),
        ("single_find_and_replace", {"filepath": "src/a.py", "old_string": "two", "new_string": "2"}, "+2"),
        ("create_new_file", {"filepath": "src/a.py", "contents": "one\n2\nthree\n"}, "+2"),
        ("edit_existing_file", {"filepath": "src/a.py", "changes": "two becomes\n2"}, "+2"),
        ("write_file", {"files": [{"path": "src/a.py", "content": "one\n2\nthree\n"}]}, "+2"),
        (
            "replace_lines",
            {"edits": [{"path": "src/a.py", "original_lines": ["two"], "updated_lines": ["2"]}]},
            "+2",
        ),
        ("write", {"filePath": "new/b.py", "content": "2\n"}, "+2"),
        ("apply_patch", {"input": "*** Begin Patch\n*** Delete File: src/a.py\n*** End Patch"}, "-two"),
    ],
)
def test_every_client_s_edits_are_shown(
    workspace: Path, name: str, arguments: dict[str, Any], line: str
) -> None:
    found = call(workspace, name, **arguments)
    assert found.denied == ()
    assert line in found.diff.splitlines()


def test_an_edit_that_does_not_fit_is_shown_and_says_so(workspace: Path) -> None:
    found = call(workspace, "edit", filePath="src/a.py", oldString="four", newString="4")
    assert found.diff.splitlines()[2:] == ["@@ the text to replace is not in the file @@", "-four", "+4"]


def test_a_moved_file_says_so(workspace: Path) -> None:
    text = "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: src/b.py\n-two\n+2\n*** End Patch"
    found = call(workspace, "apply_patch", patchText=text)
    assert found.diff.startswith("rename from src/a.py\nrename to src/b.py\n")


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/x",
        ".sovereigncode/capsule.json",
        ".SOVEREIGNCODE/x",
        "src/../.sovereigncode/x",
        "SOVERE~1/x",
    ],
)
def test_paths_that_are_denied_are_not_read(workspace: Path, path: str) -> None:
    found = write(workspace, path)
    assert found.denied
    assert found.diff == ""


def test_a_path_in_the_home_folder_counts_as_one(workspace: Path) -> None:
    call_ = ToolCall("create_new_file", {"filepath": "~/x", "contents": "x"})
    assert judge(call_, workspace).denied
    assert judge(call_, workspace, home=workspace.parent).denied
    assert judge(call_, workspace, home=workspace / "src").denied == ()
    below = ToolCall("create_new_file", {"filepath": "~/shop/.sovereigncode/x", "contents": "x"})
    assert judge(below, workspace, home=workspace.parent).denied


def test_a_patch_that_moves_a_file_into_the_policy_is_denied(workspace: Path) -> None:
    text = (
        "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: .sovereigncode/capsule.json\n*** End Patch"
    )
    assert call(workspace, "apply_patch", patchText=text).denied


@POSIX_ONLY
@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("out", "/tmp", "out/x"),
        ("out", "/etc/passwd", "out"),
        ("out", "..", "out/x"),
        ("out", "nowhere/../../x", "out"),
        ("policy", ".sovereigncode", "policy/capsule.json"),
        ("policy", ".sovereigncode/capsule.json", "policy"),
        ("src/policy", "../.sovereigncode", "src/policy/x"),
        ("loop", "loop", "loop/../../x"),
        ("up", "src", "up/../../x"),
    ],
)
def test_a_link_out_of_the_workspace_or_into_the_policy_is_denied(
    workspace: Path, link: str, target: str, path: str
) -> None:
    (workspace / link).symlink_to(target)
    for found in (
        write(workspace, path),
        call(workspace, "bash", command=f"echo x > {path}"),
        call(workspace, "bash", command=f"rm {path}"),
    ):
        assert found.denied, path
        assert found.diff == ""


@POSIX_ONLY
def test_dots_behind_a_link_are_followed_as_the_system_does(workspace: Path) -> None:
    (workspace / "deep" / "er").mkdir(parents=True)
    (workspace / "src" / "link").symlink_to("../deep/er")
    assert write(workspace, "src/link/../x").denied == ()
    (workspace / "deep" / "out").symlink_to("/usr/lib")
    # By its text this is in the workspace; the system goes to /usr.
    assert write(workspace, "deep/out/../x").denied


@POSIX_ONLY
def test_a_link_within_the_workspace_is_followed(workspace: Path) -> None:
    (workspace / "link.py").symlink_to("src/a.py")
    found = call(workspace, "edit", filePath="link.py", oldString="two", newString="2")
    assert found.denied == ()
    assert "+2" in found.diff


@POSIX_ONLY
def test_another_name_of_the_policy_s_file_is_denied(workspace: Path) -> None:
    os.link(workspace / ".sovereigncode" / "capsule.json", workspace / "x.json")
    assert write(workspace, "x.json").denied


@POSIX_ONLY
def test_a_command_follows_links_too(workspace: Path) -> None:
    (workspace / "l").symlink_to(".sovereigncode")
    assert call(workspace, "bash", command="cd l && echo x > capsule.json").denied
    assert call(workspace, "bash", command="rm -rf l/*").denied
    assert call(workspace, "bash", command="echo x > capsule.json", workdir="l").denied
    assert call(workspace, "bash", command="cat l/capsule.json").denied == ()


@POSIX_ONLY
def test_what_is_not_a_readable_text_is_said_and_not_waited_for(workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    (workspace / "binary").write_bytes(b"\xff\xfe\0")
    (workspace / "large").write_bytes(b"x" * (5 * 1024 * 1024))
    for name, reason in (
        ("pipe", "named pipe"),
        ("src", "a folder"),
        ("binary", "not UTF-8"),
        ("large", "larger than"),
    ):
        found = write(workspace, name)
        assert found.denied == ()
        assert reason in found.diff, name
        assert found.diff.endswith("+new\n")


def test_names_cannot_forge_lines_of_the_difference_or_of_the_terminal(workspace: Path) -> None:
    found = write(workspace, "a\n+++ b/x\x1b[2J\u202e")
    assert len([line for line in found.diff.splitlines() if line.startswith("+++")]) == 1
    assert "\x1b" not in found.diff + found.summary
    assert "\n" not in found.summary
    assert "\u202e" not in found.diff + found.summary
    odd = call(workspace, "shell", command=["a\x1b[2J\n\ud800", "b"])
    said = odd.summary + "".join(part.what for part in odd.parts)
    assert said.isprintable()
    half = write(workspace, "half", "\ud800\n")
    assert half.diff.encode().endswith(b"+?\n")
    assert call(workspace, "x\x1b\n").tool == "x??"
    long = call(workspace, "bash", command="echo " + "x" * 10_000)
    assert len(long.summary) == 200


def test_a_command_that_changes_too_many_paths_is_denied(workspace: Path) -> None:
    found = call(workspace, "bash", command="touch " + " ".join(f"f{number}" for number in range(600)))
    assert found.denied == ("it changes more than 500 paths",)


def test_many_threads_may_judge_at_once(workspace: Path) -> None:
    expected = write(workspace, "src/a.py")
    found: list[Judgement] = []
    threads = [threading.Thread(target=lambda: found.append(write(workspace, "src/a.py"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [expected] * 8


@pytest.mark.parametrize(
    "path", ["x" * 5_000, "a/" * 3_000, "\ud800", "a\0b", " ", "~", "$HOME", "%TEMP%", "//server/x"]
)
def test_odd_paths_never_crash_it(workspace: Path, path: str) -> None:
    for found in (write(workspace, path), call(workspace, "bash", command=f"echo > '{path}'")):
        assert found.tool_class in ToolClass


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mcp_write", {"where": [{"path": "x/.SovereignCode/capsule.json"}]}),
        ("mcp_write", {".sovereigncode": 1}),
        ("edit", {"path": 7, "file": ".sovereigncode/capsule.json"}),
        ("bash", {"command": "if then > .sovereigncode/capsule.json"}),
        ("bash", {"command": "$X .sovereigncode"}),
    ],
)
def test_what_is_not_understood_may_not_name_the_protected_folder(
    workspace: Path, name: str, arguments: dict[str, Any]
) -> None:
    found = call(workspace, name, **arguments)
    assert found.tool_class is ToolClass.UNKNOWN
    assert found.denied


@pytest.mark.parametrize("name", ["mcp_write", "edit", "bash"])
def test_what_is_not_understood_is_only_unknown(workspace: Path, name: str) -> None:
    found = call(workspace, name, where=["x/capsule.json", {"y": None}])
    assert (found.tool_class, found.denied) == (ToolClass.UNKNOWN, ())


@pytest.mark.parametrize(
    "text", ["{", '{"a": 1, "a": 2}', "[]", "7", "null", '{"command": "ls"} x', "[" * 100_000, "\udc80"]
)
def test_arguments_that_are_not_one_object_are_denied_and_quoted_nowhere(text: str) -> None:
    with pytest.raises(BadArgumentsError) as caught:
        ToolCall.from_text("bash", text)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    found = unreadable("bash", str(caught.value))
    assert found.tool_class is ToolClass.UNKNOWN
    assert found.denied == (str(caught.value),)
    assert text not in str(found) or text == "7"
