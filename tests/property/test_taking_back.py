"""Whatever stands twice in a config: what an uninstallation takes is ours, and nothing hidden is lost.

Everything that is not ours holds the word `mine`, and nothing of ours does: the text itself says what stays.
"""

from __future__ import annotations

import re
from typing import Any, Callable

from hypothesis import given
from hypothesis import strategies as st

from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.uninstalling import build
from opencode_config import jsonc
from opencode_config.jsonc import crosscheck
from opencode_config.jsonc.operations import Remove
from tests.property.jsonc_tokens import Tree
from tests.support.surveying import USER_FILE, survey

OURS = [
    '"name": "GonkaGate"',
    '"npm": "@ai-sdk/openai-compatible"',
    '"api": "chat_completions"',
    '"options": {"baseURL": "https://api.gonkagate.com/v1"}',
    '"models": {"kimi-k2.6": {"id": "moonshotai/Kimi-K2.6"}}',
]


@st.composite
def members(draw: Callable[..., Any], ours: list[str], mine: list[str], most: int = 4) -> str:
    """Some members in any order, any of them more than once."""
    chosen = draw(st.lists(st.sampled_from([*ours, *mine]), max_size=most))
    return "{" + ", ".join(chosen) + "}"


@st.composite
def configs(draw: Callable[..., Any]) -> str:
    mine = [
        '"name": "mine"',
        '"api": "mine"',
        '"options": {"timeout": "mine"}',
        '"options": "mine"',
        '"x": "mine"',
    ]
    inner = [
        f'"gonkagate": {draw(members(OURS, mine))}',
        f'"gonkagate": {draw(members(OURS, []))}',
    ]
    outer = [f'"provider": {draw(members(inner, mine, 3))}', f'"provider": {draw(members(inner, [], 3))}']
    models = ['"model": "gonkagate/kimi-k2.6"', '"model": "gonkagate/minimax-m2.7"']
    others = ['"model": "mine/x"', '"provider": "mine"', '"theme": "mine"']
    return str(draw(members([*outer, *models, *outer], others, 6)))


@given(configs())
def test_nothing_that_is_not_ours_goes_and_nothing_hidden_comes_back_changed(text: str) -> None:
    made = build(GONKAGATE, survey({USER_FILE: text}), None, ())
    if not made.edits:
        return
    (edit,) = made.edits
    assert edit.after is not None
    assert re.findall("mine[/x]*", text) == re.findall("mine[/x]*", shown(edit.after, edit.operations))
    before, after = Tree(text).root.value, Tree(edit.after).root.value
    assert visible(before) <= visible(after)
    assert edit.operations
    crosscheck.check_edit(text, edit.after, edit.operations)
    again = build(GONKAGATE, survey({USER_FILE: edit.after}), None, ())
    assert again.edits == ()
    for operation in edit.operations:
        if isinstance(operation, Remove):
            assert "mine" not in str(jsonc.parse(text).find(operation.path).raw)  # type: ignore[union-attr]


def visible(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Where opencode reads something that is not ours."""
    if isinstance(value, dict):
        return {found for key, item in value.items() for found in visible(item, (*path, key))}
    return {path} if isinstance(value, str) and "mine" in value else set()


def shown(after: str, operations: Any) -> str:
    """The text without the copies that stand in for ours, where an earlier one counts again."""
    document = jsonc.parse(after)
    for operation in operations:
        if not isinstance(operation, Remove):
            node = document.find(operation.path)
            assert node is not None
            after = after[: node.start] + "~" * (node.end - node.start) + after[node.end :]
    return after
