"""Managed macOS preferences: how plutil is called and what becomes of its answer.

opencode reads such a list only on a Mac, and the real plutil is only there: the last test is skipped
elsewhere and runs in the CI on macOS. The others use a double that does what plutil does, by plistlib.
"""

from __future__ import annotations

import json
import plistlib
import sys
from pathlib import Path
from typing import Any

import pytest

from foundation.host import Host
from foundation.processes import Output, UnfinishedError
from gonkagate_setup.catalog import GONKAGATE
from opencode_config import places
from opencode_config.layers import merge
from opencode_config.places import Environment
from opencode_config.program import surveying
from opencode_config.survey import Survey

CONFIG = {"model": "openai/managed", "provider": {"gonkagate": {"options": {"apiKey": "sk-managed"}}}}


def taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Survey:
    """The survey of a Mac whose list is in `folder`; a managed folder sets another model below it."""
    managed = folder / "managed" / "opencode.json"
    managed.parent.mkdir()
    managed.write_text(json.dumps({"model": "openai/folder"}))
    monkeypatch.setattr(places, "_preferences", lambda *_: (folder / "list.plist",))
    environ = {"PATH": "", "OPENCODE_TEST_MANAGED_CONFIG_DIR": str(managed.parent)}
    return surveying.take_survey(Host(environ, folder, folder, "darwin"), folder, GONKAGATE.id)


@pytest.mark.parametrize("format_", [plistlib.FMT_BINARY, plistlib.FMT_XML], ids=["binary", "xml"])
def test_the_list_is_converted_by_plutil_and_outranks_the_managed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: plistlib.PlistFormat
) -> None:
    path = tmp_path.resolve() / "list.plist"
    path.write_bytes(plistlib.dumps(CONFIG, fmt=format_))
    called: list[list[str]] = []

    def plutil(command: list[str], *_: Any, **how: Any) -> Output:
        called.append(command)
        assert 0 < how["timeout"] < 60
        return Output(0, json.dumps(plistlib.loads(Path(command[-1]).read_bytes())).encode(), b"")

    monkeypatch.setattr(surveying, "run_bounded", plutil)
    seen = taken(tmp_path.resolve(), monkeypatch)
    # No PATH: the program of the system, and no other of that name.
    assert called == [["/usr/bin/plutil", "-convert", "json", "-o", "-", str(path)]]
    highest = seen.layers(Environment.FRESH)[-1]
    assert (highest.layer, highest.name, highest.value) == ("managed_preferences", str(path), CONFIG)
    assert merge(seen.layers(Environment.FRESH))["model"] == "openai/managed"


def test_without_a_list_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plutil(*_: Any, **__: Any) -> Output:
        raise AssertionError("there is nothing to convert")

    monkeypatch.setattr(surveying, "run_bounded", plutil)
    seen = taken(tmp_path.resolve(), monkeypatch)
    assert [layer.layer for layer in seen.layers(Environment.FRESH)] == ["system_managed_config"]


@pytest.mark.skipif(sys.platform != "darwin", reason="plutil is a program of macOS")
def test_the_real_plutil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list.plist").write_bytes(plistlib.dumps(CONFIG, fmt=plistlib.FMT_BINARY))
    seen = taken(tmp_path.resolve(), monkeypatch)
    assert merge(seen.layers(Environment.FRESH))["model"] == "openai/managed"


@pytest.mark.parametrize("how", ["refused", "silent", "missing"])
def test_a_list_that_cannot_be_converted_is_no_empty_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It is known to be there and outranks everything, so it is said that it cannot be read."""
    (tmp_path / "list.plist").write_bytes(b"not a list")

    def plutil(command: list[str], *_: Any, **__: Any) -> Output:
        if how == "silent":
            raise UnfinishedError
        if how == "missing":
            raise FileNotFoundError(2, "No such file or directory", command[0])
        return Output(1, b"", b"list.plist: Property List error\n")

    monkeypatch.setattr(surveying, "run_bounded", plutil)
    highest = taken(tmp_path.resolve(), monkeypatch).layers(Environment.FRESH)[-1]
    assert highest.layer == "managed_preferences"
    assert highest.problem is not None
