"""A key in the text of config.yaml: where it is put, and what is left when it goes."""

from __future__ import annotations

import pytest

from marama_route.config_edit import NotEditableError, with_key, without_key
from marama_route.core.keys import Key, Role

OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "a" * 64
ENTRY = f'{{hash: "{NEW}", role: approver}}'


def added(text: str, tenant: str = "local") -> str:
    return with_key(text.encode(), tenant, Key(NEW, Role.APPROVER)).decode()


def removed(text: str) -> str:
    return without_key(text.encode(), OLD).decode()


ADDED = {
    "a flow map without keys": ("[{id: local}]\n", "[{id: local, keys: [ENTRY]}]\n"),
    "an empty list": ("\n - {id: local, keys: [ ]}  # us\n", "\n - {id: local, keys: [ENTRY ]}  # us\n"),
    "on one line": ("[{id: local, keys: [{hash: OLD}]}]", "[{id: local, keys: [{hash: OLD}, ENTRY]}]"),
    "a line each: the comment stays with its key": (
        "\n- id: local\n  keys: [\n    {hash: OLD} # ada\n  ]\n",
        "\n- id: local\n  keys: [\n    {hash: OLD}, # ada\n    ENTRY\n  ]\n",
    ),
    "with a comma behind the last": (
        "\n- id: local\n  keys: [\n    {hash: OLD}, # ada\n  ]\n",
        "\n- id: local\n  keys: [\n    {hash: OLD}, # ada\n    ENTRY,\n  ]\n",
    ),
    "a block, with Windows' line ends": (
        "\r\n- id: local\r\n  keys:\r\n  - hash: OLD\r\n    role: client # c\r\n",
        "\r\n- id: local\r\n  keys:\r\n  - hash: OLD\r\n    role: client # c\r\n  - ENTRY\r\n",
    ),
    "a block without a line end": (
        "\n- id: local\n  keys:\n    - hash: OLD",
        "\n- id: local\n  keys:\n    - hash: OLD\n    - ENTRY",
    ),
    "what follows the last line is not the tenant's": (
        "\n  - id: local\n    purpose: x # p\n\n# others\n  - id: b\n",
        "\n  - id: local\n    purpose: x # p\n    keys:\n      - ENTRY\n\n# others\n  - id: b\n",
    ),
    "JSON is YAML": ('[{"id": "local"}]', '[{"id": "local", keys: [ENTRY]}]'),
}
REMOVED = {
    "the only one of a block; its comments stay": (
        "\n- id: local\n  keys:\n  - hash: OLD # ada\n    # since May\n    role: client\n# end\n",
        "\n- id: local\n  keys: []\n   # ada\n    # since May\n# end\n",
    ),
    "one of a block": (
        "\n- id: local\n  keys: # all\n  - {hash: OLD}\n  - ENTRY\n",
        "\n- id: local\n  keys: # all\n  - ENTRY\n",
    ),
    "the last": ("[{id: local, keys: [ENTRY, {hash: OLD}]}]\n", "[{id: local, keys: [ENTRY]}]\n"),
    "the first": ("[{id: local, keys: [{hash: OLD}, ENTRY]}]\n", "[{id: local, keys: [ENTRY]}]\n"),
    "the only one": ("[{id: local, keys: [{hash: OLD}]}]\n", "[{id: local, keys: []}]\n"),
}


def whole(tenants: str) -> str:
    return "version: 1\ntenants: " + tenants.replace("OLD", OLD).replace("ENTRY", ENTRY)


@pytest.mark.parametrize("case", ADDED)
def test_a_key_is_added(case: str) -> None:
    before, after = ADDED[case]
    assert added(whole(before)) == whole(after)


@pytest.mark.parametrize("case", REMOVED)
def test_a_key_is_removed(case: str) -> None:
    before, after = REMOVED[case]
    assert removed(whole(before)) == whole(after)


def test_a_byte_order_mark_stays() -> None:
    assert added("\ufeffversion: 1\ntenants: [{id: local}]\n").startswith("\ufeffversion")


def test_who_is_not_there_is_said() -> None:
    with pytest.raises(KeyError):
        added("version: 1\ntenants: [{id: local}]\n", "other")
    with pytest.raises(KeyError):
        without_key(b"version: 1\ntenants: [{id: local}]\n", OLD)


def test_a_line_end_that_only_yaml_knows_is_not_edited() -> None:
    # PyYAML ends a line at U+2028, where an editor does not.
    text = (
        f"version: 1\ntenants:\n- id: local\n  keys:\n  - {{hash: {OLD}}} # a\u2028- {{hash: {NEW[:-1]}b}}\n"
    )
    try:
        after = added(text)
    except NotEditableError:
        return
    assert after.replace(f"\n  - {ENTRY}", "") == text
