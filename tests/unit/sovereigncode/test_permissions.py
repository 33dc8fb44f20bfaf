"""Which permissions init adds, and when opencode itself asks: only then may the policy say `client`."""

from __future__ import annotations

from typing import Any

import pytest

from sovereigncode import permissions
from sovereigncode.core.words import ToolClass

ALL = ["edit", "bash", "webfetch"]
ASKING = {"edit": "ask", "bash": "ask", "webfetch": "ask"}


@pytest.mark.parametrize(
    ("own", "effective", "added"),
    [
        (None, None, ALL),
        ({}, {}, ALL),
        ({"edit": "allow"}, {"edit": "allow"}, ["bash", "webfetch"]),
        ({"edit": "deny"}, {"edit": "deny"}, ["bash", "webfetch"]),
        ({"bash": {"git *": "allow"}}, {"bash": {"git *": "allow"}}, ["edit", "webfetch"]),
        ("allow", "allow", []),
        ("deny", "deny", []),
        ({"*": "deny"}, {"*": "deny"}, []),
        ({"*": "allow"}, {"*": "allow"}, ALL),
        # What the user's own config denies is not weakened by the project's.
        (None, {"edit": "deny"}, ["bash", "webfetch"]),
        (None, {"bash": {"rm *": "deny", "*": "ask"}}, ["edit", "webfetch"]),
        (None, {"*": "deny"}, []),
        (None, "deny", []),
        (None, "allow", ALL),
    ],
)
def test_only_missing_keys_are_added_and_no_deny_is_weakened(
    own: Any, effective: Any, added: list[str]
) -> None:
    found = permissions.additions(own, effective)
    assert [operation.path for operation in found] == [("permission", name) for name in added]
    assert {operation.value for operation in found} <= {"ask"}


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        (None, False),
        ("ask", True),
        ("deny", True),
        ("allow", False),
        ({}, False),
        ({"edit": "ask"}, True),
        ({"edit": "deny"}, True),
        ({"edit": "allow"}, False),
        ({"edit": "sometimes"}, False),
        ({"*": "ask"}, True),
        ({"*": "allow"}, False),
        ({"*": "allow", "edit": "ask"}, True),
        ({"edit": "ask", "*": "allow"}, False),
        ({"edit": "ask", "e*": "allow"}, False),
        ({"edit": "ask", "bash": "allow"}, True),
        ({"edit": {"*": "ask"}}, True),
        ({"edit": {"*": "ask", "docs/*": "allow"}}, False),
        ({"edit": {"docs/*": "ask"}}, False),
        ({"edit": {}}, False),
        ({"edit": ["ask"]}, False),
    ],
)
def test_whether_opencode_asks_before_an_edit(permission: Any, expected: bool) -> None:
    assert permissions.careful(permission, "edit") is expected


@pytest.mark.parametrize(
    ("agents", "clients"),
    [
        (None, {"file_write", "shell", "network", "delete"}),
        ({"build": {}}, {"file_write", "shell", "network", "delete"}),
        ({"build": {"permission": {"edit": "allow"}}}, {"shell", "network", "delete"}),
        ({"build": {"permission": "allow"}}, set()),
        ({"build": {"permission": {"bash": {"ls": "allow"}}}}, {"file_write", "network"}),
        ({"plan": {"permission": {"edit": "deny"}}}, {"file_write", "shell", "network", "delete"}),
        ({"odd": "x"}, {"file_write", "shell", "network", "delete"}),
    ],
)
def test_an_agent_that_need_not_ask_keeps_the_gate_here(agents: Any, clients: set[str]) -> None:
    found = permissions.tools(ASKING, agents)
    assert {tool.value for tool, rule in found.items() if rule.value == "client"} == clients
    assert set(found) == {ToolClass.FILE_WRITE, ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE}
