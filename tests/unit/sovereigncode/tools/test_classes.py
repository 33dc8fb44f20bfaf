"""The order of the classes, and the parts of a command."""

from __future__ import annotations

import pytest

from sovereigncode.tools.classes import Reading, ToolClass, one
from sovereigncode.tools.command import read_command


def test_the_order_is_that_of_the_contract() -> None:
    words = [found.word for found in sorted(ToolClass)]
    assert words == [
        "read", "plan", "file_write", "shell", "network", "delete", "commit", "publish", "unknown",
    ]  # fmt: skip


def test_nothing_at_all_is_unknown() -> None:
    assert Reading().tool_class is ToolClass.UNKNOWN


def test_the_strictest_part_counts_and_every_class_is_kept() -> None:
    both = one(ToolClass.PUBLISH, "a") + one(ToolClass.READ, "b")
    assert both.tool_class is ToolClass.PUBLISH
    assert both.classes == {ToolClass.PUBLISH, ToolClass.READ}


@pytest.mark.parametrize(
    ("command", "classes"),
    [
        ("ls", "shell"),
        ("ls > x", "shell file_write"),
        ("> x", "shell file_write"),
        ("ls >> x 2>&1", "shell file_write"),
        ("ls &> x", "shell file_write"),
        ("ls > /dev/null", "shell"),
        ("ls 2>&1 >&2", "shell"),
        ("ls 3<> x", "shell file_write"),
        ("tee x", "shell file_write"),
        ("cp a b", "shell file_write"),
        ("sed -i s/a/b/ x", "shell file_write"),
        ("git add . && git commit -m x && git push", "shell commit publish"),
        ("curl x -o y", "shell network file_write"),
        ("rm x | tee y", "shell delete file_write"),
    ],
)
def test_parts(command: str, classes: str) -> None:
    found = {part.tool_class.word for part in read_command(command).parts}
    assert found | {"shell"} == set(classes.split())


@pytest.mark.parametrize("command", ["> x", "ls > x", "ls 2> x", "> $X", 'ls > "$X"', "cat <<E > x\nE"])
def test_a_redirection_into_a_file_is_at_least_a_file_write(command: str) -> None:
    reading = read_command(command)
    assert ToolClass.FILE_WRITE in reading.classes
    assert reading.tool_class >= ToolClass.FILE_WRITE
