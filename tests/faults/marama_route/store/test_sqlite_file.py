"""The SQLite file: who may read it, which files are refused, and disks that do not do what they are asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from foundation.errors import Refusal
from marama_route.store import sqlite_file, sqlite_open
from marama_route.store.failures import StoreUnusable
from marama_route.store.schema import VERSION
from tests.faults import mounted
from tests.faults.marama_route.store.shelves import DONE, TENANT, SqliteShelf, call, decision, now
from tests.faults.sovereigncode.scenarios import fork
from tests.unit.sovereigncode.records import entry

ROOT = Path(__file__).resolve().parents[4]
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes and limits")
_PAGE = 4096
_NOBODY = 65534
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


def refused(shelf: SqliteShelf, about: str, wait_seconds: float = 60) -> Refusal:
    with pytest.raises(Refusal) as caught:
        shelf.opened(wait_seconds)
    assert caught.value.kind == "not_ready"
    assert about in caught.value.message, caught.value.message
    assert caught.value.next_step
    assert str(shelf.path.parent) in str(caught.value.where)
    return caught.value


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


@posix
def test_only_the_user_can_read_any_of_its_files(sqlite: SqliteShelf) -> None:
    before = os.umask(0)
    try:
        store = sqlite.opened()
        now(store.put(decision()))
        store.audit(TENANT).append([entry()])
    finally:
        os.umask(before)
    folder = sqlite.path.parent
    assert mode(folder) == 0o700
    names = {path.name.split(".", 1)[-1]: mode(path) for path in folder.iterdir()}
    assert names == dict.fromkeys(("sqlite3", "sqlite3-wal", "sqlite3-shm", "running", "lock"), 384)
    now(store.close())
    assert {path.name for path in folder.iterdir()} == {"gateway.sqlite3", "lock"}


@posix
def test_a_file_that_others_could_read_is_closed_to_them(sqlite: SqliteShelf) -> None:
    now(sqlite.opened().close())
    sqlite.path.chmod(0o644)
    now(sqlite.opened().put(decision()))
    assert mode(sqlite.path) == 0o600


@posix
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_others_can_write_is_refused(sqlite: SqliteShelf, what: str) -> None:
    now(sqlite.opened().close())
    (sqlite.path if what == "file" else sqlite.path.parent).chmod(0o777)
    refused(sqlite, "other users can write")


def test_a_commit_is_synced(sqlite: SqliteShelf) -> None:
    """With FULL the log is synced in every commit (sqlite.org/pragma.html#pragma_synchronous)."""
    sqlite.opened()
    for reading in (True, False):
        with closing(sqlite_open.connected(sqlite.path, 1, reading=reading)) as connection:
            found = {
                name: connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in (
                    "synchronous",
                    "fullfsync",
                    "checkpoint_fullfsync",
                    "journal_mode",
                    "secure_delete",
                )
            }
        assert list(found.values()) == [2, 1, 1, "wal", 1]


def text(path: Path) -> None:
    path.write_text("this is a diary\n" * 1000)


def another(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE photos (name)")


def named(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA application_id = 1")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA application_id = {sqlite_open.APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


def older_than_any(path: Path) -> None:
    newer(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = -1")


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    (path.parent / "elsewhere").touch(0o600)
    path.symlink_to(path.parent / "elsewhere")


def second_name(path: Path) -> None:
    (path.parent / "elsewhere").touch(0o600)
    os.link(path.parent / "elsewhere", path)


STRANGE: dict[Callable[[Path], None], str] = {
    text: "not a store",
    another: "not a store",
    named: "not a store",
    newer: "newer version",
    older_than_any: "newer version",
    folder: "not a plain file",
    link: "not a plain file",
    second_name: "not a plain file",
}


@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(
    sqlite: SqliteShelf, make: Callable[[Path], None]
) -> None:
    if sys.platform == "win32" and make in (link, second_name):
        pytest.skip("Windows lets not every user make links")
    sqlite.path.parent.mkdir(parents=True, mode=0o700)
    make(sqlite.path)
    before = {path.name: path.read_bytes() for path in sqlite.path.parent.iterdir() if path.is_file()}
    refused(sqlite, STRANGE[make])
    after = {path.name: path.read_bytes() for path in sqlite.path.parent.iterdir() if path.is_file()}
    after.pop("lock")
    assert after == before


def test_an_empty_file_becomes_a_store(sqlite: SqliteShelf) -> None:
    """A process that was killed right after it made the file leaves this."""
    sqlite.path.parent.mkdir(parents=True, mode=0o700)
    sqlite.path.touch(0o600)
    now(sqlite.opened().put(decision()))


def test_a_folder_that_is_a_file_is_refused(sqlite: SqliteShelf) -> None:
    sqlite.root.mkdir()
    sqlite.path.parent.write_text("")
    refused(sqlite, "cannot be made or opened")


def test_another_program_that_keeps_the_lock_is_waited_for(sqlite: SqliteShelf) -> None:
    store = sqlite.opened(wait_seconds=0.05)
    now(store.put(decision(1)))
    with closing(sqlite3.connect(sqlite.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Refusal) as caught:
            now(store.put(decision(2)))
        assert (caught.value.kind, "another process" in caught.value.message) == ("not_ready", True)
        with pytest.raises(Refusal) as caught:
            store.audit(TENANT).append([entry()])
        assert caught.value.kind == "in_progress"
        refused(sqlite, "another process", wait_seconds=0.05)
        # Reading does not wait for writers.
        assert now(store.get(TENANT, decision(1).id))
        other.execute("ROLLBACK")
    now(store.put(decision(3)))
    assert store.audit(TENANT).append([entry()])[0].seq == 1
    assert [one["id"] for one in now(store.listed(TENANT))] == [decision(3).id, decision(1).id]


@posix
def test_a_store_that_several_processes_make_at_once(roots: Iterator[Path]) -> None:
    """Without the lock, 31 of 360 refused (SQLite 3.40.1, two cores): they saw half of what another did."""
    for _ in range(12):
        shelf = SqliteShelf(next(roots))
        begin = time.time() + 0.02

        def child(shelf: SqliteShelf = shelf, begin: float = begin) -> None:
            while time.time() < begin:
                pass
            sqlite_file.prepared(shelf.path, 60)

        with ThreadPoolExecutor(5) as parents:
            assert list(parents.map(fork, [child] * 5)) == [0] * 5
        now(shelf.opened().put(decision()))
        shelf.close()


@posix
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_nothing_is_promised_for_a_file_that_is_gone(sqlite: SqliteShelf, how: str, tmp_path: Path) -> None:
    """SQLite would go on with the file that has no name any more."""
    store = sqlite.opened()
    now(store.put(decision(1)))
    store.audit(TENANT).append([entry()])
    copy = SqliteShelf(tmp_path)
    copy.path.parent.mkdir()
    with closing(sqlite3.connect(sqlite.path)) as source, closing(sqlite3.connect(copy.path)) as target:
        source.backup(target)
    for path in list(sqlite.path.parent.glob("gateway.sqlite3*")):
        path.unlink()
    if how == "removed":
        for work in (store.put(decision(2)), store.get(TENANT, decision(1).id), store.probe()):
            with pytest.raises(Refusal) as caught:
                now(work)
            assert caught.value.kind == "not_ready"
        with pytest.raises(Refusal) as caught:
            store.audit(TENANT).append([entry()])
        assert caught.value.kind == "audit_unusable"
        assert not sqlite.path.exists()
    shutil.copy(copy.path, sqlite.path)
    now(store.put(decision(3)))
    assert now(store.get(TENANT, decision(1).id))
    assert now(store.get(TENANT, decision(3).id))
    assert store.audit(TENANT).append([entry()])[0].seq == 2
    with closing(sqlite3.connect(sqlite.path)) as connection:
        assert connection.execute("SELECT count(*) FROM decisions").fetchone() == (2,)


@posix
def test_a_file_that_is_removed_during_a_commit(sqlite: SqliteShelf) -> None:
    store = sqlite.opened()

    def work(connection: Any) -> None:
        connection.execute("INSERT INTO probes VALUES ('owner', 1, x'00')")
        sqlite.path.rename(sqlite.path.with_name("elsewhere"))

    with pytest.raises(StoreUnusable):
        now(store._batches.do(work))
    sqlite.path.with_name("elsewhere").rename(sqlite.path)
    now(store.put(decision()))
    assert sqlite.sql("SELECT count(*) FROM probes") == [(0,)]


def test_what_has_expired_is_not_in_the_file_any_more(sqlite: SqliteShelf) -> None:
    store = sqlite.opened()
    marks = [f"mark-{number:04d}-of-this-test" for number in range(300)]
    for number, mark in enumerate(marks):
        now(store.put(decision(number, requested_model=mark, expires=2**40 if number % 3 else 0)))
    now(store.expire())
    now(store.close())
    found = sqlite.path.read_bytes()
    assert [number for number, mark in enumerate(marks) if mark.encode() in found] == [
        number for number in range(300) if number % 3
    ]


def test_one_work_that_fails_does_not_harm_the_others(sqlite: SqliteShelf) -> None:
    store = sqlite.opened()

    async def work() -> list[Any]:
        puts = [store.put(decision(number)) for number in range(40)]
        wrong = [store._batches.do(lambda c: c.execute("INSERT INTO nowhere VALUES (1)")) for _ in range(2)]
        mistakes = [store._batches.do(lambda _: 1 // 0)]
        doubled = [store._batches.do(twice)]
        return await asyncio.gather(
            *puts[:20], *wrong, *mistakes, *doubled, *puts[20:], return_exceptions=True
        )

    def twice(connection: Any) -> None:
        connection.execute("INSERT INTO probes VALUES ('half', 1, x'00')")
        connection.execute("INSERT INTO probes VALUES ('half', 1, x'00')")

    results = now(work())
    assert [type(one) for one in results if one is not None] == [
        *(StoreUnusable, StoreUnusable),
        *(ZeroDivisionError, StoreUnusable),
    ]
    assert len(now(store.listed(TENANT))) == 40
    assert sqlite.sql("SELECT * FROM probes") == []


def test_the_log_stays_short(sqlite: SqliteShelf, figure: Callable[[str, float, str], None]) -> None:
    store = sqlite.opened()
    log = sqlite.path.with_name("gateway.sqlite3-wal")
    longest = 0
    for first in range(0, 4000, 500):
        now(_many(store, range(first, first + 500)))
        longest = max(longest, log.stat().st_size)
    figure("longest log", longest / 2**20, "MiB")
    assert longest < 64 * 2**20
    assert sqlite.path.stat().st_size > 4 * 2**20


async def _many(store: Any, numbers: range) -> None:
    await asyncio.gather(*(store.put(decision(number)) for number in numbers))


FILL = """
import asyncio, json, resource, sys
from pathlib import Path
from foundation.errors import Refusal
from tests.faults.marama_route.store.shelves import SqliteShelf, decision, now, TENANT
from tests.unit.sovereigncode.records import entry
shelf = SqliteShelf(Path(sys.argv[1]))
store = shelf.opened()
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
kept, refused, records, kinds = [], [], 0, set()
for number in range(4000):
    try:
        now(store.put(decision(number)))
        kept.append(number)
        refused.clear()
    except Refusal as problem:
        refused.append((problem.kind, problem.message))
    try:
        records = store.audit(TENANT).append([entry(number)])[-1].seq
    except Refusal as problem:
        kinds.add(problem.kind)
    if len(refused) == 3:
        break
readable = all(now(store.get(TENANT, decision(number).id)) for number in kept)
holds = store.audit(TENANT).verify().holds
head = store.audit(TENANT).head().seq
try:
    now(store.probe())
    probed = True
except Refusal:
    probed = False
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
else:
    Path(sys.argv[1], "ballast").unlink()
now(store.put(decision(9000)))
now(store.probe())
more = store.audit(TENANT).append([entry()])[0].seq
print(json.dumps([len(kept), refused, readable, holds, head, records, sorted(kinds), probed, more]))
now(store.close())
"""


def judged(said: str, about: str) -> None:
    kept, refusals, readable, holds, head, records, kinds, probed, more = json.loads(said)
    assert kept > 10
    assert [(kind, about in message) for kind, message in refusals] == [("not_ready", True)] * 3
    assert (readable, holds, probed) == (True, True, False)
    assert head == records
    assert more == head + 1
    assert set(kinds) <= {"write_failed"}


@posix
def test_a_file_that_must_not_grow(sqlite: SqliteShelf) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(sqlite.root), str(2**19)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    judged(done.stdout, "the disk")


@posix
def test_a_log_that_must_not_grow_begins_again(sqlite: SqliteShelf) -> None:
    """The file needs no more room, and the reader keeps the log from being removed."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from foundation.errors import Refusal\n"
        "from tests.faults.marama_route.store.shelves import SqliteShelf, decision, now, tried, TENANT\n"
        "store = SqliteShelf(Path(sys.argv[1])).opened()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2 ** 19, 2 ** 19))\n"
        "refused = 0\n"
        "for number in range(200):\n"
        "    now(store.get(TENANT, decision().id))\n"
        "    try:\n"
        "        now(store.put(decision()))\n"
        "    except Refusal:\n"
        "        refused += 1\n"
        "now(store.close())\n"
        "print(refused)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(sqlite.root)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 1 <= int(done.stdout) <= 10


@mounted.needs_mounts
def test_a_full_disk(tmp_path: Path) -> None:
    ballast = f"head -c 1000000 /dev/zero > {tmp_path}/ballast"
    script = f'mount -t tmpfs -o size=2m none {tmp_path} && {ballast} && exec "$@"'
    judged(mounted.run(FILL, tmp_path, script=script), "is full")


@mounted.needs_mounts
@pytest.mark.parametrize("there", [False, True], ids=["nothing yet", "a store"])
def test_a_read_only_disk(tmp_path: Path, there: bool) -> None:
    if there:
        shelf = SqliteShelf(tmp_path)
        now(shelf.opened().put(decision()))
        shelf.close()
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from foundation.errors import Refusal\n"
        "from tests.faults.marama_route.store.shelves import SqliteShelf\n"
        "try:\n"
        "    SqliteShelf(Path(sys.argv[1])).opened()\n"
        "except Refusal as problem:\n"
        "    print(problem.kind, problem.message)\n"
    )
    script = f'mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path} && exec "$@"'
    said = mounted.run(program, tmp_path, script=script)
    assert said.startswith(
        "not_ready the gateway's store cannot be made or opened here (read-only file system"
    )


def as_somebody(work: Callable[[Path], None], place: Path) -> None:
    """Do this as a user who is not root, for whom modes count."""
    if os.geteuid() != 0:
        work(place)
        return
    for path in (place, *place.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)

    def child() -> None:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
        work(place)

    assert fork(child) == 0


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder whose parents anybody may enter; pytest's own are for this user only."""
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


@posix
def test_a_folder_that_is_not_writable(open_to_all: Path) -> None:
    def work(place: Path) -> None:
        refused(SqliteShelf(place), "cannot be made or opened here (permission denied)")

    open_to_all.chmod(0o500)
    as_somebody(work, open_to_all)


@posix
def test_a_file_that_is_not_writable(open_to_all: Path) -> None:
    def work(place: Path) -> None:
        shelf = SqliteShelf(place)
        shelf.path.chmod(0o400)
        refused(shelf, "it is read-only")

    shelf = SqliteShelf(open_to_all)
    now(shelf.opened().put(decision(1)))
    shelf.close()
    as_somebody(work, open_to_all)


def damages(text: bytes, number: int) -> Iterator[bytes]:
    """The file with bytes changed, pages emptied or exchanged, and its end cut off."""
    chance = random.Random(1)
    for _ in range(number):
        data = bytearray(text)
        kind = chance.randrange(4)
        if kind == 0:
            for _ in range(chance.choice((1, 8, 200))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        elif kind == 1:
            page = _PAGE * chance.randrange(len(data) // _PAGE)
            data[page : page + _PAGE] = bytes(_PAGE)
        elif kind == 2:
            one, two = (_PAGE * chance.randrange(len(data) // _PAGE) for _ in range(2))
            data[one : one + _PAGE], data[two : two + _PAGE] = (
                data[two : two + _PAGE],
                data[one : one + _PAGE],
            )
        else:
            del data[chance.randrange(len(data)) :]
        yield bytes(data)


def test_a_damaged_file_is_refused_or_answers(
    sqlite: SqliteShelf, deep: bool, figure: Callable[[str, float, str], None]
) -> None:
    """Whatever is broken: a refusal or a value, never another error, and no answer without its commit."""
    store = sqlite.opened()
    for number in range(60):
        now(store.put(decision(number) if number % 2 else decision(number).ended(DONE)))
        now(store.remember([call(number)]))
        store.audit(TENANT).append([entry(number)])
    now(store.close())
    text = sqlite.path.read_bytes()
    refusals = total = 0
    kinds: set[str] = set()
    for data in damages(text, 1500 if deep else 100):
        place = SqliteShelf(sqlite.root / "damaged")
        place.path.parent.mkdir(parents=True, mode=0o700)
        place.path.write_bytes(data)
        place.path.chmod(0o600)
        for work in WORKS:
            total += 1
            try:
                work(place)
            except Refusal as problem:
                refusals += 1
                kinds.add(problem.kind)
        with contextlib.suppress(Refusal):
            place.close()
        shutil.rmtree(place.root)
    figure("calls on damaged files", total, f"{refusals} refused")
    assert 0 < refusals < total
    assert kinds <= {"not_ready", "audit_unusable", "write_failed", "chain_broken"}


WORKS: tuple[Callable[[SqliteShelf], Any], ...] = (
    lambda place: place.opened(0.1),
    lambda place: now(opened(place).interrupted()),
    lambda place: now(opened(place).get(TENANT, decision(1).id)),
    lambda place: now(opened(place).listed(TENANT)),
    lambda place: now(opened(place).take(TENANT, "ses_1", ["call_1", "call_2"])),
    lambda place: list(opened(place).audit(TENANT).read()),
    lambda place: opened(place).audit(TENANT).verify(),
    lambda place: opened(place).audit(TENANT).approvals(),
    lambda place: opened(place).audit(TENANT).append([entry()]),
    lambda place: now(opened(place).put(decision(100))),
    lambda place: now(opened(place).expire()),
    lambda place: now(opened(place).probe()),
)


def opened(place: SqliteShelf) -> Any:
    return place.stores[0] if place.stores else place.opened(0.1)
