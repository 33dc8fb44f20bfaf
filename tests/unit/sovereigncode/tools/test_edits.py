"""Edits applied to texts, patches read, and differences."""

from __future__ import annotations

import pytest

from sovereigncode.tools.diff import unified
from sovereigncode.tools.edits import (
    DoesNotFitError,
    FileEdit,
    Hunk,
    Insert,
    Patch,
    Remove,
    Swap,
    Swaps,
    Unclear,
    Whole,
    apply,
    blocks,
    edit_blocks,
)
from sovereigncode.tools.patches import read_patch

OLD = "one\ntwo\nthree\ntwo\n"


def test_edits() -> None:
    assert apply(Whole("x"), OLD) == "x"
    assert apply(Remove(), OLD) == ""
    assert apply(Swaps((Swap("two", "2"),)), OLD) == "one\n2\nthree\ntwo\n"
    assert apply(Swaps((Swap("two", "2", every=True),)), OLD) == "one\n2\nthree\n2\n"
    assert apply(Swaps((Swap("two", "2"), Swap("2", "zwei"))), OLD) == "one\nzwei\nthree\ntwo\n"
    assert apply(Swaps((Swap("", "new"),)), OLD) == "new"
    assert apply(Insert(2, "x"), OLD) == "one\nx\ntwo\nthree\ntwo\n"
    assert apply(Insert(5, "x\n"), OLD) == OLD + "x\n"
    assert apply(Patch((Hunk((), (" one", "-two", "+2")),)), OLD) == "one\n2\nthree\ntwo\n"
    assert apply(Patch((Hunk(("three",), ("-two", "+2")),)), OLD) == "one\ntwo\nthree\n2\n"


@pytest.mark.parametrize(
    "edit",
    [
        Swaps((Swap("four", "4"),)),
        Insert(9, "x"),
        Patch((Hunk((), ("-four",)),)),
        Patch((Hunk(("four",), ("-two",)),)),
        Unclear("x"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit: Swaps | Insert | Patch | Unclear) -> None:
    with pytest.raises(DoesNotFitError):
        apply(edit, OLD)


PATCH = """\
*** Begin Patch
*** Add File: src/new.py
+one
+
*** Update File: src/a.py
*** Move to: src/b.py
@@ class A
-two
+2
@@
 three
*** End of File
*** Delete File: old.py
*** End Patch
"""


def test_a_patch_with_every_kind_of_file() -> None:
    assert read_patch(PATCH) == (
        FileEdit("src/new.py", Whole("one\n\n")),
        FileEdit("src/a.py", Patch((Hunk(("class A",), ("-two", "+2")), Hunk((), (" three",)))), "src/b.py"),
        FileEdit("old.py", Remove()),
    )
    assert read_patch(f"<<'EOF'\n{PATCH}EOF") == read_patch(PATCH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*** Begin Patch\n*** End Patch",
        PATCH.replace("*** Begin Patch\n", ""),
        PATCH.replace("*** End Patch\n", ""),
        PATCH.replace("+one", "one"),
        PATCH.replace("-two", "?two"),
        PATCH.replace("*** Add File: src/new.py", "*** Copy File: src/new.py"),
        PATCH.replace("*** Delete File: old.py\n", "*** Delete File: old.py\nx\n"),
        "*** Begin Patch\n*** Update File: a\n@@ x\n*** End Patch",
    ],
)
def test_a_patch_of_another_form_is_not_read(text: str) -> None:
    assert read_patch(text) is None


def test_blocks_of_cline_and_of_aider() -> None:
    swap = Swap("a\n", "b\n")
    assert blocks("------- SEARCH\na\n=======\nb\n+++++++ REPLACE\n") == (swap,)
    assert blocks("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n") == (swap,)
    assert blocks("text") is None
    assert blocks("------- SEARCH\na\n") is None
    answer = "I change it:\n\nsrc/a.py\n```python\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```\n"
    assert edit_blocks(answer) == (FileEdit("src/a.py", Swaps((swap,))),)
    assert edit_blocks(answer.replace(">>>>>>> REPLACE\n", "")) is None
    assert edit_blocks("nothing to change") == ()


def test_a_new_file_a_deleted_one_and_an_equal_one() -> None:
    assert unified("f", None, "a\n") == "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"
    assert unified("f", "a\n", None) == "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    assert unified("f", "a\n", "a\n") == ""
    assert unified("f", None, "") == "--- /dev/null\n+++ b/f\n"


def test_a_large_difference_is_cut_and_says_so() -> None:
    found = unified("f", "\n".join(f"old {number}" for number in range(50_000)), "x" * 10_000)
    lines = found.splitlines()
    assert lines[-1] == "... (the rest of this difference is not shown)"
    assert len(lines) < 4_100
    long = unified("f", "", "x" * 10_000)
    assert "the rest of this line is not shown" in long
    assert len(long) < 3_000
