"""No arguments crash the reading of a call, and a difference is one that patch(1) can apply."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovereigncode.tools.arguments import ToolCall
from sovereigncode.tools.diff import unified
from sovereigncode.tools.intent import Surroundings, read_call
from sovereigncode.tools.names import KNOWN

AROUND = Surroundings(PurePosixPath("/w"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "command cmd commands args filePath path content contents edits files tool_calls diff changes patchText "
    "input oldString newString old_text new_text insert_line chars shell workdir"
)
KEYS = st.sampled_from(NAMES.split())


@given(st.sampled_from(sorted(KNOWN.tools)), st.dictionaries(KEYS, VALUES, max_size=5))
def test_no_arguments_make_a_call_milder_than_its_tool(name: str, arguments: dict[str, Any]) -> None:
    tool = KNOWN.find(name)
    assert tool is not None
    found = read_call(ToolCall(name, arguments), KNOWN, AROUND).reading.tool_class
    if name not in ("batch", "write_stdin"):
        assert found >= tool.tool_class


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", "a "]), max_size=12).map("\n".join)


@pytest.mark.skipif(not shutil.which("patch"), reason="patch(1) is not on this machine")
@given(TEXTS, TEXTS)
def test_patch_turns_the_old_text_into_the_new_one(
    tmp_path_factory: pytest.TempPathFactory, old: str, new: str
) -> None:
    """patch(1) is the judge of the differences."""
    found = unified("f", old, new)
    if old == new:
        assert found == ""
        return
    folder = tmp_path_factory.mktemp("patched")
    (folder / "f").write_text(old)
    done = subprocess.run(
        ["patch", "-p1", "-s", "--posix", "-F0"],
        cwd=folder,
        input=found.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (found, done.stdout)
    path = folder / "f"
    assert (path.read_text() if path.exists() else "") == new
