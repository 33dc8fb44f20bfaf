"""A key from Windows: with a byte order mark, or in UTF-16; given, stored, or in a variable."""

from __future__ import annotations

import codecs
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from foundation.errors import Refusal
from foundation.host import Host
from gonkagate_setup import cli, credential
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.commands import key_findings
from gonkagate_setup.errors import code_of
from gonkagate_setup.store import Store

KEY = "gp-" + "Zk41x" * 5
LINES = ["", "\n", "\r\n"]
ENCODED = {
    "plain": KEY.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + KEY.encode(),
    "utf-16-le with a mark": codecs.BOM_UTF16_LE + KEY.encode("utf-16-le"),
    "utf-16-be with a mark": codecs.BOM_UTF16_BE + KEY.encode("utf-16-be"),
    "utf-16-le": KEY.encode("utf-16-le"),
    "utf-16-be": KEY.encode("utf-16-be"),
    "utf-32": codecs.BOM_UTF32_LE + KEY.encode("utf-32-le"),
}


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> str:
    stdin = SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data))
    monkeypatch.setattr(sys, "stdin", stdin)
    return cli._read_stdin_key()


@pytest.mark.parametrize("data", ENCODED.values(), ids=ENCODED.keys())
def test_p7_a_piped_key_is_read_in_the_encoding_that_it_has(
    monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    assert credential.parse_key(piped(monkeypatch, data), GONKAGATE).reveal() == KEY


@pytest.mark.parametrize("line", LINES[1:])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_p7_with_the_line_end_of_that_encoding_or_of_another(
    monkeypatch: pytest.MonkeyPatch, encoding: str, line: str
) -> None:
    for data in ((KEY + line).encode(encoding), KEY.encode(encoding) + b"\n"):
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF8)) or len(data) % 2 == 0:
            assert credential.parse_key(piped(monkeypatch, data), GONKAGATE).reveal() == KEY


@pytest.mark.parametrize(
    "data", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\r\x00\n\x00", b"\xef\xbb\xbf\r\n"]
)
def test_p7_a_mark_alone_is_no_key(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        piped(monkeypatch, data)
    assert code_of(refusal.value) == "secret_stdin_empty"


@pytest.mark.parametrize(
    "data",
    [
        KEY.encode("utf-16-le") + b"x",
        b"gp-a\x00b",
        b"\x00" + KEY.encode(),
        codecs.BOM_UTF16_LE + KEY.encode("utf-16-le")[:-1],
        codecs.BOM_UTF16_LE + KEY.encode(),
        "gp-\u0141\u0141".encode("utf-16-le"),
    ],
)
def test_p7_what_is_half_of_an_encoding_is_refused(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        credential.parse_key(piped(monkeypatch, data), GONKAGATE)
    assert code_of(refusal.value) == "secret_invalid"
    assert KEY[3:8] not in f"{refusal.value} {refusal.value.next_step}"


def test_p7_zero_bytes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match="zero bytes, as UTF-16 text does"):
        credential.parse_key(piped(monkeypatch, KEY.encode("utf-16-le") + b"x"), GONKAGATE)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "cp437", "cp850"])
def test_p7_a_mark_in_a_variable_is_taken_off(encoding: str) -> None:
    """As a shell that reads a file into a variable leaves it; bash drops the zero bytes of UTF-16."""
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if encoding in ("cp437", "cp850") and mark != codecs.BOM_UTF8:
            continue
        text = (mark + KEY.encode()).decode(encoding, "surrogateescape")
        assert credential.parse_key(f"{text}\n", GONKAGATE).reveal() == KEY


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.at(tmp_path, GONKAGATE)
    store.folder.mkdir(parents=True, mode=0o700)
    return store


def notices(store: Store) -> list[str]:
    host = Host({}, store.home, store.home, "linux", user_id=None)
    return [
        finding.message for finding in key_findings.of(store, host) if finding.code == "key_file_unusable"
    ]


@pytest.mark.parametrize(
    "data", [KEY.encode(), *(codecs.BOM_UTF8 * n + KEY.encode() + b"\r\n" for n in (1, 2))]
)
def test_p7_a_stored_key_that_opencode_reads_is_one(store: Store, data: bytes) -> None:
    store.key.write_bytes(data)
    stored = credential.read_stored(store, Host({}, store.home, store.home, "linux"))
    assert stored is not None
    assert stored.secret is not None
    assert stored.secret.reveal() == KEY
    assert notices(store) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            ENCODED["utf-16-le with a mark"],
            "this file is UTF-16 or contains zero bytes; opencode reads UTF-8 only",
        ),
        (ENCODED["utf-16-be"], "this file is UTF-16 or contains zero bytes; opencode reads UTF-8 only"),
        (b"\xc3\xaf\xc2\xbb\xc2\xbf" + KEY.encode(), "this file does not contain a valid key"),
        (b"", "this file is empty"),
        (b"hello", "this file does not contain a valid key"),
    ],
)
def test_p7_a_stored_key_that_opencode_cannot_read_is_named(store: Store, data: bytes, words: str) -> None:
    store.key.write_bytes(data)
    assert notices(store) == [words]
