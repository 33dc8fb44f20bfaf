"""Tool calls as the clients' models write them: which class, which files."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from sovereigncode.tools.arguments import BadArgumentsError, ToolCall
from sovereigncode.tools.command import ON_WINDOWS
from sovereigncode.tools.intent import Intent, Surroundings, read_call
from sovereigncode.tools.names import KNOWN

AROUND = Surroundings(PurePosixPath("/w"))
PATCH = "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n*** End Patch"


def read(name: str, arguments: dict[str, Any]) -> Intent:
    return read_call(ToolCall.from_text(name, json.dumps(arguments)), KNOWN, AROUND)


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("read", {"filePath": "/etc/passwd"}, "read"),
    ("glob", {"pattern": "*"}, "read"),
    ("todowrite", {"todos": []}, "plan"),
    ("webfetch", {"url": "https://example.com"}, "network"),
    ("bash", {"command": "ls"}, "shell"),
    ("bash", {"command": "git push", "workdir": "src"}, "publish"),
    ("Bash", {"command": "git push", "timeout": 1}, "publish"),
    ("write", {"filePath": "a", "content": "x"}, "file_write"),
    ("write", {"filePath": "a", "content": ""}, "file_write"),
    ("Write", {"filepath": "a", "content": "x"}, "file_write"),
    ("edit", {"filePath": "a", "oldString": "x", "newString": "y"}, "file_write"),
    ("Edit", {"file_path": "a", "old_string": "x", "new_string": "y", "replace_all": True}, "file_write"),
    ("multiedit", {"filePath": "a", "edits": [{"oldString": "x", "newString": "y"}]}, "file_write"),
    ("multi_edit", {"filepath": "a", "edits": [{"old_string": "x", "new_string": "y"}]}, "file_write"),
    ("single_find_and_replace", {"filepath": "a", "old_string": "x", "new_string": "y"}, "file_write"),
    ("edit_existing_file", {"filepath": "a", "changes": "..."}, "file_write"),
    ("create_new_file", {"filepath": "a", "contents": "x"}, "file_write"),
    ("run_terminal_command", {"command": "rm x", "waitForCompletion": True}, "delete"),
    ("apply_patch", {"patchText": PATCH}, "file_write"),
    ("apply_patch", {"input": PATCH}, "file_write"),
    ("apply_patch", {"input": PATCH.replace("Update File: a\n@@\n-x\n+y", "Delete File: a")}, "delete"),
    ("write_to_file", {"path": "a", "content": "x"}, "file_write"),
    (
        "replace_in_file",
        {"path": "a", "diff": "------- SEARCH\nx\n=======\ny\n+++++++ REPLACE"},
        "file_write",
    ),
    (
        "replace_in_file",
        {"path": "a", "diff": "<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE"},
        "file_write",
    ),
    ("execute_command", {"command": "git commit -m x", "requires_approval": False}, "commit"),
    ("attempt_completion", {"result": "done"}, "plan"),
    ("attempt_completion", {"result": "done", "command": "git push"}, "publish"),
    ("run_commands", {"commands": ["ls", "git push"]}, "publish"),
    ("run_commands", {"commands": [{"command": "git", "args": ["push"]}]}, "publish"),
    ("run_commands", {"commands": "git push"}, "publish"),
    ("run_commands", {"command": "git push"}, "publish"),
    ("run_commands", {"command": "git", "args": ["push"]}, "publish"),
    ("run_commands", {"cmd": "git push"}, "publish"),
    ("editor", {"path": "a", "old_text": "x", "new_text": "y"}, "file_write"),
    ("editor", {"path": "a", "new_text": "y", "insert_line": "2"}, "file_write"),
    ("fetch_web_content", {"requests": []}, "network"),
    ("shell", {"command": ["bash", "-lc", "git push"]}, "publish"),
    ("shell", {"command": ["git", "push"], "workdir": "/w"}, "publish"),
    ("shell", {"command": ["ls", "a; git push"]}, "shell"),
    ("local_shell", {"command": ["rm", "x"]}, "delete"),
    ("shell_command", {"command": "git push"}, "publish"),
    ("exec_command", {"cmd": "git push"}, "publish"),
    ("exec_command", {"cmd": "ls", "shell": "/bin/zsh"}, "shell"),
    ("exec_command", {"cmd": "Remove-Item x", "shell": "pwsh"}, "delete"),
    ("write_stdin", {"session_id": 1, "chars": ""}, "read"),
    ("write_file", {"explanation": "", "files": [{"path": "a", "content": "x"}]}, "file_write"),
    (
        "replace_lines",
        {"edits": [{"path": "a", "original_lines": ["x"], "updated_lines": ["y"]}]},
        "file_write",
    ),
    ("batch", {"tool_calls": [{"tool": "read", "parameters": {}}]}, "read"),
    ("batch", {"tool_calls": [{"tool": "bash", "parameters": {"command": "git push"}}]}, "publish"),
    ("edit_blocks", {"input": "a\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n"}, "file_write"),
    ("edit_blocks", {"input": "a\n<<<<<<< SEARCH\nx\n=======\n"}, "unknown"),
    ("edit_blocks", {"input": "no blocks"}, "unknown"),
    # What is missing, wrong, or means different things to different clients.
    ("nonsense", {}, "unknown"),
    ("github_create_issue", {"title": "x"}, "unknown"),
    ("bash", {}, "unknown"),
    ("bash", {"command": None}, "unknown"),
    ("bash", {"command": 1}, "unknown"),
    ("bash", {"command": []}, "unknown"),
    ("bash", {"command": ["ls", 1]}, "unknown"),
    ("bash", {"command": "ls", "cmd": "git push"}, "unknown"),
    ("bash", {"command": "git push\u0000"}, "unknown"),
    ("bash", {"command": "ls", "workdir": 1}, "unknown"),
    ("exec_command", {"cmd": "ls", "shell": "python3"}, "unknown"),
    ("run_commands", {"commands": []}, "unknown"),
    ("run_commands", {"commands": ["ls"], "command": "git push"}, "unknown"),
    ("run_commands", {"commands": [{"command": "git"}, 1]}, "unknown"),
    ("write", {"content": "x"}, "unknown"),
    ("write", {"filePath": "a"}, "unknown"),
    ("write", {"filePath": "", "content": "x"}, "unknown"),
    ("write", {"filePath": "a\u0000", "content": "x"}, "unknown"),
    ("write", {"filePath": "a", "path": ".sovereigncode/capsule.json", "content": "x"}, "unknown"),
    ("write", {"filePath": ["a"], "content": "x"}, "unknown"),
    ("write", {"filePath": "file:///etc/passwd", "content": "x"}, "unknown"),
    ("write", {"filePath": "vscode-remote://x/y", "content": "x"}, "unknown"),
    ("write_to_file", {"path": "@other:src/x", "content": "x"}, "unknown"),
    ("apply_patch", {"input": PATCH.replace("File: a", "File: file:///a")}, "unknown"),
    ("write", {"filePath": "@types/x:y", "content": "x"}, "file_write"),
    ("edit", {"filePath": "a", "oldString": "x"}, "unknown"),
    ("multiedit", {"filePath": "a", "edits": []}, "unknown"),
    (
        "multiedit",
        {"filePath": "a", "edits": [{"filePath": "b", "oldString": "x", "newString": "y"}]},
        "unknown",
    ),
    ("apply_patch", {"patchText": "diff --git a b"}, "unknown"),
    ("apply_patch", {"patchText": PATCH, "input": PATCH + "\n"}, "unknown"),
    ("replace_in_file", {"path": "a", "diff": "------- SEARCH\nx\n======="}, "unknown"),
    ("editor", {"path": "a", "new_text": "y", "insert_line": "x"}, "unknown"),
    ("write_stdin", {"session_id": 1, "chars": "git push\n"}, "unknown"),
    ("write_file", {"content": "x"}, "unknown"),
    ("batch", {"tool_calls": []}, "unknown"),
    ("batch", {"tool_calls": [{"tool": "nonsense", "parameters": {}}]}, "unknown"),
    ("batch", {"tool_calls": [{"tool": "batch", "parameters": {"tool_calls": []}}]}, "unknown"),
    ("batch", {"tool_calls": ["x"]}, "unknown"),
    ("use_mcp_tool", {"server_name": "x"}, "unknown"),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), CASES)
def test_calls(name: str, arguments: dict[str, Any], expected: str) -> None:
    assert read(name, arguments).reading.tool_class.word == expected


@pytest.mark.parametrize(
    "text",
    ["[", "[]", "1", "null", '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 2}}', "{" * 100_000, "\ud800{"],
)
def test_arguments_that_are_not_one_object_are_refused(text: str) -> None:
    with pytest.raises(BadArgumentsError):
        ToolCall.from_text("bash", text)


def test_a_tool_without_arguments_and_one_with_a_free_text() -> None:
    assert ToolCall.from_text("x", "").arguments == {}
    assert read_call(ToolCall.from_text("apply_patch", json.dumps(PATCH)), KNOWN, AROUND).edits[0].path == "a"


def test_a_command_runs_where_the_call_says() -> None:
    found = read("bash", {"command": "echo > x", "workdir": "src/../lib"})
    assert [str(folder) for folder in found.reading.writes[0].folders] == ["/w/lib"]


def test_on_windows_every_shell_counts() -> None:
    around = Surroundings(PurePosixPath("C:/w"), dialects=ON_WINDOWS)
    call = ToolCall("bash", {"command": "echo 'a & del x'"})
    assert read_call(call, KNOWN, around).reading.tool_class.word == "delete"
