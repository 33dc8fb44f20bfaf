"""Links, files of others, full and read-only disks: a refusal with its place, and nothing is changed."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Callable

import pytest

from foundation.errors import Refusal
from sovereigncode.approvals.approval import State
from sovereigncode.errors import KINDS
from tests.faults import mounted as mounts
from tests.unit.sovereigncode.asked import ASKED, HOUR
from tests.unit.sovereigncode.records import Place, entry, with_hash

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners, modes, links and pipes of POSIX")
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives a file to another user"
)
STRANGER = 12345
Break = Callable[[Place], Path]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A chain with two records, and one approval that was approved."""
    made = Place(tmp_path, wait_seconds=1)
    made.approvals.approve(made.approvals.request(ASKED, HOUR).id, "ada")
    made.clock.pass_by(seconds=1)
    return made


def link_in_place_of(name: str) -> Break:
    def act(place: Place) -> Path:
        path = place.workspace / ".sovereigncode" / name if name else place.workspace / ".sovereigncode"
        moved = place.root / "moved"
        path.rename(moved)
        path.symlink_to(moved)
        return path

    return act


def file_link(place: Place) -> Path:
    path = place.file
    moved = place.root / "moved.jsonl"
    path.rename(moved)
    path.symlink_to(moved)
    return path


def hard_link(place: Place) -> Path:
    path = place.file
    os.link(path, place.root / "second-name")
    return path


def pipe(place: Place) -> Path:
    path = place.file
    path.unlink()
    os.mkfifo(path, 0o600)
    return path


def folder_in_place(place: Place) -> Path:
    path = place.file
    path.unlink()
    path.mkdir()
    return path


def file_in_place(place: Place) -> Path:
    place.log.folder.rename(place.root / "moved")
    place.log.folder.write_bytes(b"")
    return place.log.folder


def mode(name: str, bits: int) -> Break:
    def act(place: Place) -> Path:
        path = place.workspace / ".sovereigncode" / name
        path.chmod(bits)
        return path

    return act


def stranger(name: str) -> Break:
    def act(place: Place) -> Path:
        path = place.workspace / ".sovereigncode" / name
        os.chown(path, STRANGER, STRANGER)
        return path

    return act


def lock_link(place: Place) -> Path:
    path = place.log.folder / "lock"
    path.unlink()
    path.symlink_to(place.root / "elsewhere")
    return place.log.folder


def lock_folder(place: Place) -> Path:
    path = place.log.folder / "lock"
    path.unlink()
    path.mkdir()
    return place.log.folder


def head_link(place: Place) -> Path:
    path = place.log.head_path
    path.rename(place.root / "moved")
    path.symlink_to(place.root / "moved")
    return path


def head_mode(place: Place) -> Path:
    place.log.head_path.chmod(0o666)
    return place.log.head_path


def head_folder_mode(place: Place) -> Path:
    place.log.head_path.parent.chmod(0o777)
    return place.log.head_path.parent


def head_is_a_folder(place: Place) -> Path:
    place.log.head_path.unlink()
    place.log.head_path.mkdir()
    return place.log.head_path


AUDIT: list[tuple[str, Break]] = [
    ("the workspace's folder is a link", link_in_place_of("")),
    ("the folder is a link", link_in_place_of("audit")),
    ("a file is a link", file_link),
    ("a file has a second name", hard_link),
    ("a file is a pipe", pipe),
    ("a file is a folder", folder_in_place),
    ("the folder is a file", file_in_place),
    ("others can write the workspace's folder", mode("", 0o777)),
    ("others can write the folder", mode("audit", 0o722)),
    ("others can write a file", mode("audit/audit-202611.jsonl", 0o602)),
    ("others can write the lock", mode("audit/lock", 0o606)),
    ("the lock is a link", lock_link),
    ("the lock is a folder", lock_folder),
    ("the head is a link", head_link),
    ("others can write the head", head_mode),
    ("others can write the head's folder", head_folder_mode),
    ("the head is a folder", head_is_a_folder),
]
STRANGERS: list[tuple[str, Break]] = [
    ("the workspace's folder is a stranger's", stranger("")),
    ("the folder is a stranger's", stranger("audit")),
    ("a file is a stranger's", stranger("audit/audit-202611.jsonl")),
    ("the lock is a stranger's", stranger("audit/lock")),
]
APPROVALS: list[tuple[str, Break]] = [
    ("the folder is a link", link_in_place_of("approvals")),
    ("others can write the folder", mode("approvals", 0o777)),
    ("others can write the lock", mode("approvals/lock", 0o666)),
]


def refused(work: Callable[[], object], where: Path) -> Refusal:
    with pytest.raises(Refusal) as caught:
        work()
    refusal = caught.value
    assert refusal.kind in KINDS
    assert refusal.where is not None
    assert refusal.where.name.startswith(str(where)), (refusal.where, refusal.message)
    assert refusal.message
    assert refusal.next_step
    return refusal


@posix
@pytest.mark.parametrize(("what", "act"), AUDIT, ids=[name for name, _ in AUDIT])
def test_a_chain_that_is_not_only_ours_is_refused(place: Place, what: str, act: Break) -> None:
    where = act(place)
    before = place.tree()
    refused(lambda: place.log.append([entry()]), where)
    refused(place.log.verify, where)
    refused(place.log.approvals, where)
    if "head" not in what:
        if "lock" not in what:
            refused(lambda: list(place.log.read()), where)
        refused(place.log.head, where)
    refused(lambda: place.approvals.consume([ASKED]), where)
    refused(lambda: place.approvals.request(ASKED, HOUR), where)
    refused(place.approvals.listed, where)
    after = place.tree()
    assert {name: entry for name, entry in after.items() if not name.endswith("/lock")} == {
        name: entry for name, entry in before.items() if not name.endswith("/lock")
    }


@posix
@as_root
@pytest.mark.parametrize(("what", "act"), STRANGERS, ids=[name for name, _ in STRANGERS])
def test_a_chain_of_another_user_is_refused(place: Place, what: str, act: Break) -> None:
    where = act(place)
    refusal = refused(lambda: place.log.append([entry()]), where)
    assert f"user {STRANGER}" in refusal.message
    assert place.log.head_path.exists()
    refused(place.log.verify, where)
    refused(lambda: place.approvals.consume([ASKED]), where)


@posix
@pytest.mark.parametrize(("what", "act"), APPROVALS, ids=[name for name, _ in APPROVALS])
def test_approvals_that_are_not_only_ours_are_refused(place: Place, what: str, act: Break) -> None:
    where = act(place)
    before = place.tree()
    refused(lambda: place.approvals.consume([ASKED]), where)
    refused(lambda: place.approvals.request(ASKED, HOUR), where)
    if "lock" not in what:
        refused(place.approvals.listed, where)
    assert place.tree() == before


def test_a_workspace_that_is_none(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (place.workspace / ".sovereigncode").rmdir()
    for work in (place.log.verify, lambda: place.log.append([entry()]), place.approvals.listed):
        refusal = refused(work, place.workspace / ".sovereigncode")
        assert refusal.kind == "workspace_unusable"
        assert "sovereigncode init" in refusal.next_step
    place.workspace.rmdir()
    refused(place.log.verify, place.workspace)


Spoil = Callable[[Path, bytes], object]


def put_link(path: Path, text: bytes) -> None:
    path.unlink()
    elsewhere = path.parents[2] / "copy.json"
    elsewhere.write_bytes(text)
    path.symlink_to(elsewhere)


def put_pipe(path: Path, _: bytes) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def put_folder(path: Path, _: bytes) -> None:
    path.unlink()
    path.mkdir()


def with_fields(**fields: object) -> Spoil:
    return lambda path, text: path.write_bytes(json.dumps({**json.loads(text), **fields}).encode())


SPOILED: list[tuple[str, Spoil]] = [
    ("a link", put_link),
    ("a pipe", put_pipe),
    ("a folder", put_folder),
    ("a second name", lambda path, _: os.link(path, path.with_name("copy"))),
    ("others can write it", lambda path, _: path.chmod(0o666)),
    ("empty", lambda path, _: path.write_bytes(b"")),
    ("rubbish", lambda path, _: path.write_bytes(os.urandom(1000))),
    ("cut", lambda path, text: path.write_bytes(text[:-10])),
    ("too large", lambda path, text: path.write_bytes(text + b" " * (17 << 20))),
    ("other arguments", with_fields(arguments={"command": "rm -rf /"})),
    ("another session", with_fields(session_id="ses_2")),
    ("a longer life", with_fields(expires="2030-01-01T00:00:00.000Z")),
    ("another diff", with_fields(diff="@@ -1 +1 @@\n-a\n+harmless\n")),
    ("another summary", with_fields(summary="harmless")),
]


@posix
@pytest.mark.parametrize(("what", "spoil"), SPOILED, ids=[name for name, _ in SPOILED])
def test_an_approval_changed_by_hand_never_counts(place: Place, what: str, spoil: Spoil) -> None:
    """It is listed as invalid with the reason; others still count."""
    (one,) = place.approvals.listed()
    other = place.approvals.request(ASKED, HOUR)
    spoil(one.place, one.place.read_bytes())
    assert [found.state for found in place.approvals.listed()] == [State.INVALID, State.PENDING]
    assert place.approvals.get(one.id).why
    assert place.approvals.consume([ASKED]) is None
    for decide in (place.approvals.approve, place.approvals.reject):
        with pytest.raises(Refusal) as caught:
            decide(one.id, "ada")
        assert caught.value.kind == "approval_invalid"
        assert str(caught.value.where) == str(one.place)
    assert place.log.verify().holds
    place.approvals.approve(other.id, "ada")
    (used,) = place.approvals.consume([ASKED]) or (None,)
    assert used is not None
    assert used.id == other.id


def test_the_word_approved_in_the_file_is_worth_nothing(tmp_path: Path) -> None:
    """Neither the word alone nor a copy of the file from before it was used."""
    place = Place(tmp_path)
    made = place.approvals.request(ASKED, HOUR)
    path = place.approvals.folder / f"{made.id}.json"
    granted = {"state": "approved", "decided_at": made.created, "decided_by": "ada"}
    with_fields(**granted)(path, path.read_bytes())
    assert place.approvals.get(made.id).state is State.INVALID
    assert place.approvals.consume([ASKED]) is None
    with pytest.raises(Refusal):
        place.approvals.approve(made.id, "ada")
    path.write_bytes(made.text())
    place.approvals.approve(made.id, "ada")
    approved = path.read_bytes()
    assert place.approvals.consume([ASKED]) is not None
    path.write_bytes(approved)
    assert place.approvals.get(made.id).state is State.USED
    assert place.approvals.consume([ASKED]) is None


def test_a_record_written_by_hand_does_not_approve(tmp_path: Path) -> None:
    """An agent can compute a hash that fits, but the chain's end is remembered outside the workspace."""
    place = Place(tmp_path)
    made = place.approvals.request(ASKED, HOUR)
    last = json.loads(place.lines()[-1])
    forged = {**last, "seq": last["seq"] + 1, "prev": last["hash"], "decision": "approved", "actor": "ada"}
    place.file.write_bytes(place.file.read_bytes() + with_hash(forged))
    path = place.approvals.folder / f"{made.id}.json"
    with_fields(state="approved", decided_at=made.created, decided_by="ada")(path, path.read_bytes())
    for work in (lambda: place.approvals.consume([ASKED]), place.approvals.listed):
        with pytest.raises(Refusal) as caught:
            work()
        assert caught.value.kind == "chain_broken"


def test_an_id_is_never_a_path(place: Place) -> None:
    text = place.approvals.listed()[0].place.read_bytes()
    (place.workspace / ".sovereigncode" / "x.json").write_bytes(text)
    for name in ("../x", "..", "", ".", "/etc/passwd", "ap_", "lock", "ap_" + "0" * 32):
        for work in (place.approvals.get, lambda name: place.approvals.approve(name, "ada")):
            with pytest.raises(Refusal) as caught:
                work(name)
            assert caught.value.kind == "approval_not_found"


def test_other_files_in_the_folder_do_not_matter(place: Place) -> None:
    folder = place.approvals.folder
    for name in ("notes.txt", "ap_1.json", ".ap_x.json.tmp", "ap_" + "0" * 31 + "G.json"):
        (folder / name).write_bytes(b"x")
    assert len(place.approvals.listed()) == 1
    assert place.approvals.consume([ASKED]) is not None


FULL = """
import os, sys
from pathlib import Path
from foundation.errors import Refusal
from tests.unit.sovereigncode.records import Place, entry
from tests.unit.sovereigncode.asked import ASKED, HOUR
which, free, mount = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
place = Place(mount / "machine") if which == "both" else Place(mount.parent / "machine")
if which == "workspace":
    place.workspace.joinpath(".sovereigncode").rmdir()
    (mount / "ws").mkdir()
    (mount / "ws").rename(mount / ".sovereigncode")
    place.workspace.rmdir()
    place.workspace.symlink_to(mount)
if which == "home":
    place.home.rmdir()
    place.home.symlink_to(mount)
place.log.append([entry(1), entry(2)])
fill = os.open(mount / "fill", os.O_WRONLY | os.O_CREAT)
try:
    while True:
        os.write(fill, b"x" * 4096)
except OSError:
    pass
os.ftruncate(fill, max(0, os.fstat(fill).st_size - free * 4096))
os.close(fill)
done = 0
for number in range(200):
    try:
        if number % 20:
            place.log.append([entry(number, purpose="x" * 500)])
        else:
            place.approvals.request(ASKED, HOUR)
        done += 1
    except Refusal as refusal:
        assert refusal.kind == "write_failed", refusal.kind
        print(refusal.message, "|", refusal.next_step)
        break
verdict = place.log.verify()
assert verdict.holds, verdict
assert verdict.end.seq >= 2 + done
os.unlink(mount / "fill")
place.log.append([entry(3)])
verdict = place.log.verify()
assert verdict.holds and not verdict.unfinished, verdict
print("done", done)
"""


@mounts.needs_mounts
@pytest.mark.parametrize("which", ["workspace", "home", "both"])
def test_a_full_disk(which: str, tmp_path: Path, deep: bool) -> None:
    """What was written before is whole; what does not fit is refused; with room again it goes on."""
    said = []
    for free in range(0, 12, 1 if deep else 4):
        mount = tmp_path / f"mount{free}"
        mount.mkdir()
        script = f'mount -t tmpfs -o size=120k none {mount} && exec "$@"'
        said.append(mounts.run(FULL, which, free, mount, script=script))
        if (tmp_path / "machine").exists():
            (tmp_path / "machine").rename(tmp_path / f"machine{free}")
    if which == "home":
        # What is remembered there never grows.
        assert said == ["done 200\n"] * len(said)
    else:
        assert "no space left" in said[0]
        assert all("free up space" in one for one in said if "no space left" in one)


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from foundation.errors import Refusal
from tests.unit.sovereigncode.records import Place, entry
from tests.unit.sovereigncode.asked import ASKED, HOUR
mount = Path(sys.argv[1])
place = Place(mount / "machine")
if sys.argv[2] == "used":
    place.approvals.approve(place.approvals.request(ASKED, HOUR).id, "ada")
before = place.tree()
subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
for work in (
    lambda: place.log.append([entry()]),
    lambda: place.approvals.consume([ASKED]),
    lambda: place.approvals.request(ASKED, HOUR),
):
    try:
        work()
        print("accepted")
    except Refusal as refusal:
        print(refusal.kind, refusal.message)
assert place.tree() == before
log = place.log
print(log.verify().holds, len(list(log.read())), len(place.approvals.listed()), log.head().seq)
"""


@mounts.needs_mounts
@pytest.mark.parametrize(("state", "end"), [("used", "True 2 1 2"), ("new", "True 0 0 0")])
def test_a_read_only_workspace(tmp_path: Path, state: str, end: str) -> None:
    """It can be read and verified; nothing is recorded, so nothing is done."""
    mount = tmp_path / "mount"
    mount.mkdir()
    script = f'mount -t tmpfs none {mount} && exec "$@"'
    *refusals, last = mounts.run(READ_ONLY, mount, state, script=script).splitlines()
    assert len(refusals) == 3
    assert all(line.startswith("write_failed") and "read-only file system" in line for line in refusals), (
        refusals
    )
    assert last == end


@posix
def test_no_file_is_readable_by_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        place = Place(tmp_path)
        (place.workspace / ".sovereigncode").chmod(0o755)
        place.approvals.approve(place.approvals.request(ASKED, HOUR).id, "ada")
    finally:
        os.umask(before)
    ours = [*place.log.folder.rglob("*"), *place.approvals.folder.rglob("*"), place.log.head_path]
    assert {stat.S_IMODE(path.lstat().st_mode) for path in ours} == {0o600}
    folders = (place.log.folder, place.approvals.folder, place.log.head_path.parent)
    assert {stat.S_IMODE(path.lstat().st_mode) for path in folders} == {0o700}
