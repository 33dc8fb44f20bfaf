"""ARCHITECTURE.md names every module once, with what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.pages.architecture import block, listed, mistakes, modules

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("foundation", "opencode_config", "gonkagate_setup", "overlord", "sovereigncode", "marama_route")
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_module_is_on_the_map_once() -> None:
    present = modules(ROOT, PACKAGES)
    assert len(present) > 100
    assert mistakes(present, PAGE) == []


def test_the_map_has_the_form_in_which_it_is_made() -> None:
    text = block(dict(listed(PAGE)))
    assert f"```\n{text}\n```" in PAGE
    assert max(map(len, text.split("\n"))) <= 120


EXAMPLE = """\
```
a/         the package
  b.py     one module
  c/       a folder in it
    d.py   another one
```
"""
PRESENT = {"a/__init__.py", "a/b.py", "a/c/__init__.py", "a/c/d.py"}


@pytest.mark.parametrize(
    ("present", "page", "wrong"),
    [
        (PRESENT, EXAMPLE, []),
        (PRESENT | {"a/c/e.py"}, EXAMPLE, ["not on the map: a/c/e.py"]),
        (PRESENT - {"a/b.py"}, EXAMPLE, ["on the map, and not there: a/b.py"]),
        (PRESENT, EXAMPLE.replace("  c/ ", "  b.py  again\n  c/ "), ["on the map more than once: a/b.py"]),
        (PRESENT, EXAMPLE.replace("d.py", "e.py"), [
            "not on the map: a/c/d.py", "on the map, and not there: a/c/e.py",
        ]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(present: set[str], page: str, wrong: list[str]) -> None:
    assert mistakes(present, page) == wrong


def test_a_module_without_a_phrase_is_refused() -> None:
    with pytest.raises(ValueError, match="with a phrase"):
        listed(EXAMPLE.replace("one module", ""))


def test_a_block_can_be_made_again_after_a_move(tmp_path: Path) -> None:
    for path in PRESENT:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert mistakes(modules(tmp_path, ("a",)), EXAMPLE) == []
    moved = {path.replace("a/b.py", "a/c/b.py"): phrase for path, phrase in listed(EXAMPLE)}
    assert block(moved).split("\n") == [
        "a/        the package",
        "  c/      a folder in it",
        "    b.py  one module",
        "    d.py  another one",
    ]
