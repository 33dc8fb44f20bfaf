"""The clients' tools by name, and more through configuration."""

from __future__ import annotations

import pytest

from foundation.errors import Refusal
from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.names import CLIENTS, KNOWN, Takes

# What the real clients sent to a model in their requests.
SENT = {
    "opencode": "bash edit glob grep lsp read skill task todowrite webfetch websearch write apply_patch",
    "Continue": "Read List Bash Fetch Checklist CheckBackgroundJob AskQuestion Exit Skills",
    "Codex": "exec_command write_stdin request_user_input view_image get_goal create_goal update_goal "
    "web_search",
}


@pytest.mark.parametrize("client", SENT)
def test_what_the_real_clients_send_is_known(client: str) -> None:
    missing = [name for name in SENT[client].split() if name not in CLIENTS[client]]
    assert missing == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("read", "read"),
        ("grep", "read"),
        ("todowrite", "plan"),
        ("task", "plan"),
        ("write", "file_write"),
        ("edit", "file_write"),
        ("apply_patch", "file_write"),
        ("bash", "shell"),
        ("run_terminal_command", "shell"),
        ("execute_command", "shell"),
        ("exec_command", "shell"),
        ("webfetch", "network"),
        ("browser_action", "network"),
        ("UploadArtifact", "publish"),
        ("report_bug", "publish"),
        ("use_mcp_tool", "unknown"),
        ("write_stdin", "unknown"),
    ],
)
def test_some_classes(name: str, expected: str) -> None:
    tool = KNOWN.find(name)
    assert tool is not None
    assert tool.tool_class.word == expected


def test_a_name_in_another_case_is_the_same_tool() -> None:
    # opencode 1.18 runs `write` for `Write`.
    for name in ("Bash", "BASH", "Write", "APPLY_PATCH"):
        assert KNOWN.find(name) is not None
    assert KNOWN.find("bash ") is None
    assert KNOWN.find("") is None


def test_a_name_of_two_clients_has_the_stricter_class() -> None:
    for name, tool in KNOWN.tools.items():
        for tools in CLIENTS.values():
            for other, same in tools.items():
                if other.lower() == name:
                    assert tool.tool_class >= same.tool_class


def test_more_names_are_configured() -> None:
    more = KNOWN.with_more({"deploy": "publish", "my_shell": "bash", "Jira_Search": "network"})
    assert more.find("deploy") == more.find("DEPLOY")
    found = more.find("my_shell")
    assert found is not None
    assert found.takes is Takes.COMMAND
    jira = more.find("jira_search")
    assert jira is not None
    assert jira.tool_class is ToolClass.NETWORK
    assert KNOWN.find("deploy") is None


def test_a_known_tool_can_become_stricter_only() -> None:
    stricter = KNOWN.with_more({"webfetch": "publish"}).find("webfetch")
    assert stricter is not None
    assert stricter.tool_class is ToolClass.PUBLISH
    for more in ({"webfetch": "read"}, {"bash": "shell"}, {"bash": "read"}, {"Write": "plan"}):
        with pytest.raises(Refusal, match="cannot be changed"):
            KNOWN.with_more(more)


@pytest.mark.parametrize("value", ["", "Shell", "nonsense", "file write"])
def test_a_class_that_does_not_exist_is_refused(value: str) -> None:
    if value.lower() in KNOWN.tools:
        assert KNOWN.with_more({"x": value}).find("x") == KNOWN.find(value)
        return
    with pytest.raises(Refusal, match="neither a class nor a known tool") as caught:
        KNOWN.with_more({"x": value})
    assert caught.value.kind == "config_invalid"
