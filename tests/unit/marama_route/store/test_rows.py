"""Texts that every database can keep, and keys of passed calls."""

from __future__ import annotations

import pytest

from foundation.errors import Refusal
from marama_route.store import rows
from marama_route.store.store import PassedCall


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a\0b", "a\\x00b"),
        ("ā\0", "ā\\x00"),
        ("\ud83d", "\\ud83d"),
        ("\U0001f411", "\U0001f411"),
        ("\x7f\n", "\x7f\n"),
    ],
)
def test_a_text_that_every_database_keeps(text: str, kept: str) -> None:
    assert rows.text(text) == kept
    kept.encode("utf-8")


def test_a_call_is_found_by_tenant_session_and_id() -> None:
    call = PassedCall("t", None, "c\0", "rd", None, "shell", "d")
    assert rows.of_call(call, 9) == ("t", "", "c\\x00", "rd", None, "shell", "d", 9)
    assert rows.call(("t", "c", "rd", None, "shell", "d"), None) == PassedCall(
        "t", None, "c", "rd", None, "shell", "d"
    )


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", "{}", None, 1])
def test_what_is_no_document_is_damage(data: object) -> None:
    with pytest.raises(Refusal) as caught:
        rows.document(data)
    assert (caught.value.kind, "damaged" in caught.value.message) == ("not_ready", True)
