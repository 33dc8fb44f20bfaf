"""Things that stand where a file should be, and links that lead astray: one clear refusal."""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable

import pytest

from foundation.errors import Refusal
from foundation.files.reading import read_snapshot, unchanged
from foundation.files.replace import Folder
from foundation.transaction import Role, Transaction, Write, lock
from gonkagate_setup import credential
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.errors import code_of
from gonkagate_setup.store import Store
from tests.faults.homes import BINDING, NEW_KEY, SCENARIOS, Home, private, put

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs, devices and modes are those of POSIX")
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
READ, LINK = "managed_config_read_failed", "managed_config_unsafe_link"


def folder_there(path: Path) -> None:
    path.mkdir()


def fifo_there(path: Path) -> None:
    os.mkfifo(path)


def socket_there(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def device_behind_a_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)


def dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / "at all")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def two_links_in_a_circle(path: Path) -> None:
    other = path.with_name("other")
    path.symlink_to(other)
    other.symlink_to(path)


def link_for_a_folder_of_others(path: Path) -> None:
    shared = path.parent / "shared"
    put(shared / "target.json", b"{}", 0o644)
    shared.chmod(0o777)
    path.symlink_to(shared / "target.json")


def link_for_a_file_of_others(path: Path) -> None:
    put(path.parent / "own" / "target.json", b"{}", 0o666)
    path.symlink_to(path.parent / "own" / "target.json")


def link_through_a_link_of_a_shared_folder(path: Path) -> None:
    link_for_a_folder_of_others(path)
    (path.parent / "second").symlink_to(path.parent / "shared")
    path.unlink()
    path.symlink_to("second/target.json")


def link_by_way_of_a_shared_folder(path: Path) -> None:
    """Where it ends nobody else can write, but whoever owns the hop decides where that is."""
    put(path.parent / "own" / "target.json", b"{}", 0o644)
    (path.parent / "shared").mkdir()
    (path.parent / "shared" / "hop").symlink_to(path.parent / "own" / "target.json")
    (path.parent / "shared").chmod(0o777)
    path.symlink_to(path.parent / "shared" / "hop")


def link_by_way_of_a_folder_link_in_a_shared_folder(path: Path) -> None:
    put(path.parent / "own" / "target.json", b"{}", 0o644)
    (path.parent / "shared").mkdir()
    (path.parent / "shared" / "hop").symlink_to("../own")
    (path.parent / "shared").chmod(0o777)
    path.symlink_to("shared/hop/target.json")


CASES = [
    (folder_there, READ),
    (fifo_there, READ),
    (socket_there, READ),
    (device_behind_a_link, LINK),
    (huge_file, READ),
    (dangling_link, LINK),
    (link_to_itself, LINK),
    (two_links_in_a_circle, LINK),
    (link_for_a_folder_of_others, LINK),
    (link_for_a_file_of_others, LINK),
    (link_through_a_link_of_a_shared_folder, LINK),
    (link_by_way_of_a_shared_folder, LINK),
    (link_by_way_of_a_folder_link_in_a_shared_folder, LINK),
]


@pytest.mark.parametrize(("make", "code"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_refused_with_its_place(make: Callable[[Path], None], code: str, tmp_path: Path) -> None:
    path = tmp_path / "opencode.json"
    make(path)
    start = time.monotonic()
    with pytest.raises(Refusal) as caught:
        read_snapshot(path)
    assert code_of(caught.value) == code
    assert str(caught.value.where) == str(path)
    assert caught.value.next_step
    assert time.monotonic() - start < 10, "it hung"


@pytest.mark.parametrize(("make", "code"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_refused_as_the_key_file(make: Callable[[Path], None], code: str, tmp_path: Path) -> None:
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    home.store.folder.mkdir(parents=True, mode=0o700)
    make(home.store.key)
    with pytest.raises(Refusal) as caught:
        credential.read_stored(home.store, home.host)
    assert code_of(caught.value) == "secret_file_unusable"
    assert str(caught.value.where) == str(home.store.key)


def test_a_fine_link_for_the_key_is_refused_all_the_same(tmp_path: Path) -> None:
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    home.store.folder.mkdir(parents=True, mode=0o700)
    put(tmp_path / "vault" / "key", NEW_KEY, 0o600)
    home.store.key.symlink_to(tmp_path / "vault" / "key")
    with pytest.raises(Refusal) as caught:
        read_snapshot(home.store.key, follow_links=False)
    assert code_of(caught.value) == LINK


@pytest.mark.parametrize("depth", [0, 1])
def test_a_link_for_the_keys_folder_is_refused(depth: int, tmp_path: Path) -> None:
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    folder = home.store.folders[depth]
    folder.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "vault" / "opencode").mkdir(parents=True)
    put(tmp_path / "vault" / "opencode" / "api-key", NEW_KEY, 0o600)
    folder.symlink_to(tmp_path / "vault")
    before = home.tree()
    works: list[Callable[[], object]] = [
        lambda: credential.read_stored(home.store, home.host),
        lambda: lock(home.store, home.host).__enter__(),
    ]
    for work in works:
        with pytest.raises(Refusal) as caught:
            work()
        assert code_of(caught.value) == "managed_state_unusable"
        assert str(caught.value.where) == str(folder)
    assert home.tree() == before


def test_a_home_behind_a_link_is_fine(tmp_path: Path) -> None:
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    (tmp_path / "link").symlink_to(home.folder)
    assert Store.at(tmp_path / "link", GONKAGATE).key == home.store.key


def test_links_within_ones_own_place_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "dotfiles" / "oc.json", b"{}", 0o644)
    (tmp_path / "config").symlink_to("dotfiles")
    (tmp_path / "dotfiles" / "opencode.json").symlink_to("../config/oc.json")
    shot = read_snapshot(tmp_path / "config" / "opencode.json")
    assert (shot.real, shot.data) == (tmp_path / "dotfiles" / "oc.json", b"{}")


def test_a_new_file_in_a_linked_folder_is_made_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "config").symlink_to("dotfiles")
    shot = read_snapshot(tmp_path / "config" / "opencode.json")
    assert (shot.real, shot.data) == (tmp_path / "dotfiles" / "opencode.json", None)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_a_link_of_another_user_on_the_way_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "own.json", b"{}", 0o644)
    (tmp_path / "hop").symlink_to("own.json")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "opencode.json").symlink_to("../hop")
    assert read_snapshot(tmp_path / "config" / "opencode.json").data == b"{}"
    os.chown(tmp_path / "hop", 12345, 12345, follow_symlinks=False)
    with pytest.raises(Refusal) as caught:
        read_snapshot(tmp_path / "config" / "opencode.json")
    assert code_of(caught.value) == LINK
    assert "belongs to another user" in caught.value.message


def test_a_shared_folder_without_a_link_is_its_users_business(tmp_path: Path) -> None:
    put(tmp_path / "shared" / "opencode.json", b"{}", 0o664)
    (tmp_path / "shared").chmod(0o777)
    assert read_snapshot(tmp_path / "shared" / "opencode.json").data == b"{}"


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("not a folder")
    with pytest.raises(Refusal) as caught:
        read_snapshot(tmp_path / "config" / "opencode" / "opencode.json")
    assert code_of(caught.value) == READ
    assert "config is not a folder" in caught.value.message


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    put(tmp_path / "opencode.json", b"{}", 0o000)
    with pytest.raises(Refusal) as caught:
        read_snapshot(tmp_path / "opencode.json")
    assert code_of(caught.value) == READ


def test_exactly_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    put(tmp_path / "a", b"x" * 100, 0o644)
    assert read_snapshot(tmp_path / "a", limit=100).data == b"x" * 100
    with pytest.raises(Refusal):
        read_snapshot(tmp_path / "a", limit=99)


def test_a_file_that_grows_while_it_is_read_is_not_read_in_halves(tmp_path: Path) -> None:
    """A writer appends whole pairs; a torn reading would end in half of one."""
    path = tmp_path / "opencode.json"
    path.write_bytes(b"")
    stop = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < 8 * 1024 * 1024:
                file.write(b"ab" * 4096)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            with suppress(Refusal):
                assert len(read_snapshot(path).data or b"") % 8192 == 0
    finally:
        stop.set()
        writer.join()


def test_a_folder_swapped_for_a_link_gets_nothing(tmp_path: Path) -> None:
    """Between check and use another process puts a link where the config's folder was."""
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    victim = tmp_path / "victim"
    victim.mkdir()
    home.user_config.parent.mkdir(parents=True)
    changes = [Write(read_snapshot(home.user_config), b"{}", role=Role.USER_CONFIG)]
    home.user_config.parent.rmdir()
    home.user_config.parent.symlink_to(victim)
    with lock(home.store, home.host), pytest.raises(Refusal):
        Transaction(home.store, home.host).apply(changes)
    assert list(victim.iterdir()) == []


def test_a_held_folder_stays_itself_when_its_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "victim").mkdir()
    with Folder(tmp_path / "real") as folder:
        (tmp_path / "real").rename(tmp_path / "moved")
        (tmp_path / "real").symlink_to("victim")
        os.close(folder.open("new", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    assert [path.name for path in (tmp_path / "moved").iterdir()] == ["new"]
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_link_above_is_no_folder_to_write_in(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match="symbolic links"):
        Folder(tmp_path / "link" / "inner")


def test_swapping_all_the_time_never_diverts_a_write(tmp_path: Path, deep: bool) -> None:
    """One thread swaps the config for a link to a victim and back while setups run."""
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    victim = tmp_path / "machine" / "victim"
    put(victim, b"precious", 0o600)
    put(home.user_config, b"{}", 0o644)
    stop = threading.Event()

    def swap() -> None:
        spare = home.user_config.with_name("spare")
        while not stop.is_set():
            spare.unlink(missing_ok=True)
            spare.symlink_to(victim)
            os.replace(spare, home.user_config)  # noqa: PTH105
            spare.write_bytes(b"{}")
            os.replace(spare, home.user_config)  # noqa: PTH105

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(300 if deep else 40):
            try:
                shot = read_snapshot(home.user_config)
                # The link is this user's own, so it is followed; its bytes then show where it led.
                if shot.real != home.user_config:
                    assert shot.data == b"precious"
                    continue
                with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
                    transaction.apply([Write(shot, b'{"a": 1}', role=Role.USER_CONFIG)])
            except Refusal as refusal:
                assert code_of(refusal) in (  # noqa: PT017
                    "targets_keep_changing",
                    "managed_rollback_failed",
                    "managed_config_write_failed",
                    "managed_state_unusable",
                    READ,
                )
    finally:
        stop.set()
        swapper.join()
    assert victim.read_bytes() == b"precious"


STRANGE = "\n\r\t\x1b\x07\x7f\x9b '\"\\%{}[]*?~$`;&|<>éßΩ漢\U0001f600\u202e\u2028\udcff-."


def strange_name(random_: random.Random) -> str:
    name = "".join(random_.choice(STRANGE) for _ in range(random_.randint(1, 40)))
    return name if name.strip(".") else name + "x"


def test_hostile_names_of_folders_and_files(
    tmp_path: Path, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """A whole setup in a home and project of any name: only targets are written, and all goes back."""
    cases = 1000 if deep else 60
    for seed in range(cases):
        random_ = random.Random(seed)
        root = tmp_path / f"{seed}" / strange_name(random_)
        try:
            root.mkdir(parents=True)
        except OSError:
            root = tmp_path / f"{seed}" / "plain"
            root.mkdir(parents=True)
        home = Home(root / strange_name(random_).replace("/", "_"))
        home.root.mkdir()
        home.folder.mkdir()
        home.project.mkdir()
        put(home.project_config, b'{"permission": "ask"}', 0o644)
        outside = sorted(os.fsencode(path) for path in root.rglob("*"))
        before = home.tree()
        BY_NAME["roll back of a first setup"].run(home)
        assert home.tree() == before, seed
        with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
            transaction.apply([private(home.store.key, NEW_KEY), *BY_NAME["scope switch"].changes(home)])
            (kept,) = transaction.commit()
        assert kept.read_bytes() == b'{"permission": "ask"}'
        assert kept.parent == home.store.backups
        assert unchanged(read_snapshot(home.project_config))
        inside = {os.fsencode(path) for path in (home.folder.rglob("*"))}
        assert sorted(path for path in map(os.fsencode, root.rglob("*")) if path not in inside) == outside
    figure("hostile names", cases, "homes set up and put back")


def test_hostile_journals_undo_nothing_and_crash_nothing(
    tmp_path: Path, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """A real journal with bytes flipped, cut and doubled: recovery ends, and every file is old or new."""
    from foundation.transaction import recover

    home = BY_NAME["rerun with changes"].make(tmp_path / "machine")
    before = home.tree()
    with lock(home.store, home.host):
        transaction = Transaction(home.store, home.host)
        transaction.apply(BY_NAME["rerun with changes"].changes(home))
        good = (home.store.journal / "entries").read_bytes()
        applied = home.tree()
        transaction.rollback()
        cases = 2000 if deep else 150
        for seed in range(cases):
            random_ = random.Random(seed)
            bad = bytearray(good)
            for _ in range(random_.randint(1, 4)):
                at = random_.randrange(len(bad))
                bad[at : at + random_.choice((0, 1, 1, 50))] = random_.choice(
                    (b"", bytes([random_.randrange(256)]), b"\n", b"\x00", b'"', b"null", good[:70])
                )
            home.store.journal.mkdir(mode=0o700)
            put(home.store.journal / "entries", bytes(bad), 0o600)
            done = recover(home.store, home.host)
            if done is not None and done.failures and home.store.journal.exists():
                (home.store.journal / "entries").unlink()
                home.store.journal.rmdir()
            for path, entry in home.tree().items():
                if path.endswith("/lock"):
                    continue
                assert entry[3] in (before[path][3], applied[path][3]), (seed, path)
    figure("hostile journals", cases, "read")


def test_deep_nesting_in_a_file_that_is_copied(tmp_path: Path) -> None:
    """A million nested arrays in the old config: its kept copy is made without a crash, in seconds."""
    home = BY_NAME["first setup"].make(tmp_path / "machine")
    data = b'{"x": ' + b"[" * 10**6 + b"]" * 10**6 + b"}"
    put(home.user_config, data, 0o644)
    start = time.monotonic()
    with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
        transaction.apply([Write(read_snapshot(home.user_config), b"{}", role=Role.USER_CONFIG)])
        (kept,) = transaction.commit()
    assert kept.read_bytes() == data
    assert time.monotonic() - start < 30, "it hung"
    assert BINDING.encode() not in data
