"""Damaged runs: the files stay as they are, the service is not asked, and the message names the path."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Final

import pytest

from tests.faults.overlord.place import Place
from tests.faults.overlord.scenarios import Stage
from tests.faults.overlord.victims import Fate
from tests.support.overlord_records import read_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and links as POSIX has them")

Json = dict[str, Any]
UNUSABLE, NOT_WRITTEN, USAGE = 5, 8, 2
VERBS: Final = (
    ("status",),
    ("status", "--no-liveness"),
    ("send", "all", "Anybody?"),
    ("retry",),
    ("recover",),
    ("replace", "ultra"),
    ("await-human",),
    ("export",),
    ("watch",),
    ("stop",),
)


@dataclass(frozen=True)
class Damage:
    """What is done to a run's folder, and the code that it is answered with."""

    name: str
    do: Callable[[Path], object]
    code: str = "registry_unreadable"
    named: str = "registry.json"


def _bytes(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "registry.json").write_bytes(data)


def _changed(change: Callable[[Json], object]) -> Callable[[Path], object]:
    def do(folder: Path) -> None:
        path = folder / "registry.json"
        registry = json.loads(path.read_bytes())
        change(registry)
        path.write_bytes(json.dumps(registry).encode())

    return do


def _cut(folder: Path) -> None:
    path = folder / "registry.json"
    os.truncate(path, path.stat().st_size // 2)


def _huge(folder: Path) -> None:
    os.truncate(folder / "registry.json", 1 << 33)


def _linked(name: str) -> Callable[[Path], object]:
    def do(folder: Path) -> None:
        elsewhere = folder.parent.parent / f"elsewhere-{name.replace('/', '-')}"
        (folder / name).rename(elsewhere)
        (folder / name).symlink_to(elsewhere)

    return do


def _folder(name: str) -> Callable[[Path], object]:
    def do(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return do


def _fifo(name: str) -> Callable[[Path], object]:
    def do(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return do


def _without(name: str) -> Callable[[Path], object]:
    return _changed(lambda registry: registry.pop(name))


def _servant(**fields: Any) -> Callable[[Path], object]:
    return _changed(lambda registry: registry["servants"][0].update(fields))


FIELDS: Final = (
    *("schemaVersion", "runId", "runToken", "worktree", "state", "createdAt", "servants", "messages"),
    "ownedResources",
)
DAMAGES: Final = (
    Damage("empty", _bytes(b"")),
    Damage("cut", _cut),
    Damage("binary", _bytes(bytes(range(256)) * 16)),
    Damage("zeros", _bytes(bytes(4096))),
    Damage("not UTF-8", _bytes(b'{"runId": "\xff"}')),
    Damage("UTF-16", _bytes(json.dumps({"schemaVersion": 1}).encode("utf-16"))),
    Damage("a list", _bytes(b"[]")),
    Damage("null", _bytes(b"null")),
    Damage("two objects", _bytes(b"{}{}")),
    Damage("NaN", _bytes(b'{"schemaVersion": NaN}')),
    Damage("a number of 10,000 digits", _bytes(b'{"schemaVersion": ' + b"9" * 10_000 + b"}")),
    Damage("deep lists", _bytes(b"[" * 200_000)),
    Damage("deep lists that end", _bytes(b"[" * 200_000 + b"]" * 200_000)),
    Damage("deep objects", _bytes(b'{"a":' * 200_000)),
    Damage("huge", _huge),
    *(Damage(f"without {name}", _without(name)) for name in FIELDS),
    Damage("another run", _changed(lambda one: one.update(runId="run-20260101T000000Z-abcdef"))),
    Damage(
        "another token", _changed(lambda one: one.update(runToken="0" * 64)), "run_token_mismatch", "token"
    ),
    Damage("newer", _changed(lambda one: one.update(schemaVersion=2)), "registry_newer"),
    Damage("much newer", _changed(lambda one: one.update(schemaVersion=10**18)), "registry_newer"),
    Damage("version 0", _changed(lambda one: one.update(schemaVersion=0))),
    Damage("version as text", _changed(lambda one: one.update(schemaVersion="1"))),
    Damage("version true", _changed(lambda one: one.update(schemaVersion=True))),
    Damage("unknown state", _changed(lambda one: one.update(state="asleep"))),
    Damage("no servants", _changed(lambda one: one.update(servants=[]))),
    Damage("servants of another type", _changed(lambda one: one.update(servants={"ultra": {}}))),
    Damage("a servant as text", _changed(lambda one: one["servants"].append("normal-9"))),
    Damage("a servant twice", _changed(lambda one: one["servants"].append(one["servants"][0]))),
    Damage("a message as text", _changed(lambda one: one["messages"].append("m-0002"))),
    Damage("a resource as text", _changed(lambda one: one["ownedResources"].append("1234"))),
    Damage("an entry as text", _changed(lambda one: one["servants"][0]["llmMessages"].append("hello"))),
    Damage("no conversation", _servant(llmMessages=None)),
    Damage("no generation", _servant(generation="1")),
    Damage("usage as text", _servant(usage="much")),
    Damage("ledger notes as number", _changed(lambda one: one.update(ledgerPending=5))),
    Damage("ledger notes as text", _changed(lambda one: one.update(ledgerPending=["x"]))),
    Damage("no token", lambda folder: (folder / "token").unlink(), "run_token_mismatch", "token"),
    Damage("empty token", lambda folder: (folder / "token").write_bytes(b""), "run_token_mismatch", "token"),
    Damage("token cut", lambda folder: os.truncate(folder / "token", 32), "run_token_mismatch", "token"),
    Damage("token linked", _linked("token"), "run_token_mismatch", "token"),
    Damage("token a folder", _folder("token"), "run_token_mismatch", "token"),
    Damage("registry linked", _linked("registry.json")),
    Damage("registry a folder", _folder("registry.json")),
    Damage("registry a pipe", _fifo("registry.json")),
)


def tree(root: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every file below the state folder but the locks: mode and bytes, or where a link leads."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for path in sorted(root.rglob("*")):
        if "locks" in path.parts or path.name == "start.lock":
            continue
        status = path.lstat()
        data = None
        if stat.S_ISLNK(status.st_mode):
            data = os.fsencode(os.readlink(path))  # noqa: PTH115
        elif stat.S_ISREG(status.st_mode):
            data = path.read_bytes() if status.st_size < 1 << 30 else b"huge"
        found[str(path.relative_to(root))] = (status.st_mode, data)
    return found


@pytest.fixture
def run(stage: Stage, base: Path) -> Path:
    """The folder of a run in which something was said, kept in base/template."""
    stage.do("start", "--normal", "1")
    stage.do("send", "all", "The first message.")
    stage.place.keep(base / "template")
    return stage.place.only_run().folder


def test_what_cannot_be_a_registry(stage: Stage, run: Path, base: Path, deep: bool) -> None:
    wrong = []
    for number, damage in enumerate(DAMAGES):
        stage.place.again(base / "template")
        damage.do(run)
        before = tree(stage.place.state)
        verbs = VERBS if deep else (VERBS[number % len(VERBS)], VERBS[(number + 3) % len(VERBS)])
        for verb in verbs:
            wrong += [f"{damage.name}, {verb[0]}: {text}" for text in _refused(stage, run, verb, damage)]
        listed = stage.run("list", "--json")
        if [one["state"] for one in listed.report["runs"]] != ["unreadable"] or listed.status != 0:
            wrong.append(f"{damage.name}: listed as {listed.report['runs']}")
        if tree(stage.place.state) != before:
            wrong.append(f"{damage.name}: the files have changed")
        if stage.place.service.requests:
            wrong.append(f"{damage.name}: the service was asked")
        assert stage.place.crash_reports() == [], damage.name
    assert not wrong, "\n".join(wrong)


def _refused(stage: Stage, run: Path, verb: tuple[str, ...], damage: Damage) -> list[str]:
    fate = stage.run(*verb, "--json")
    report = fate.report
    found = []
    if (fate.status, report.get("errorCode")) != (UNUSABLE, damage.code):
        found.append(f"ended with {fate.status}, {report.get('errorCode')}: {report['message']}")
    where = report.get("where", {}).get("file", "")
    if not where.startswith(str(run)) or not where.endswith(damage.named):
        found.append(f"it names {where!r}")
    if not report.get("nextStep"):
        found.append("there is no next step")
    return found


def _end_with_half_a_line(folder: Path) -> None:
    with (folder / "ledger.jsonl").open("ab") as file:
        file.write(b'{"seq": 5, "at": "2026-')


def _remove(name: str) -> Callable[[Path], object]:
    return lambda folder: shutil.rmtree(folder / name)


def _binary_journal(folder: Path) -> None:
    for path in (folder / "journal").iterdir():
        path.write_bytes(bytes(range(256)))


def _large_journal(folder: Path) -> None:
    for path in (folder / "journal").iterdir():
        path.write_bytes((b'{"at": "' + b"x" * 1000 + b'"}\n') * 1038)


def _journal_folders(folder: Path) -> None:
    for path in list((folder / "journal").iterdir()):
        path.unlink()
        path.mkdir()


def _linked_journals(folder: Path) -> None:
    for path in list((folder / "journal").iterdir()):
        elsewhere = folder.parent.parent / f"elsewhere-{path.name}"
        path.rename(elsewhere)
        path.symlink_to(elsewhere)


def _unfinished(folder: Path) -> None:
    (folder / ".registry.json.new").write_bytes(b'{"half": ')


HARMLESS: Final[dict[str, Callable[[Path], object]]] = {
    "ledger with half a line": _end_with_half_a_line,
    "no locks": _remove("locks"),
    "no journals": _remove("journal"),
    "binary journals": _binary_journal,
    "large journals": _large_journal,
    "journals that are folders": _journal_folders,
    "journals that are links": _linked_journals,
    "journal folder that is a link": _linked("journal"),
    "an unfinished registry": _unfinished,
    "unknown fields": _changed(lambda one: one.update(mine={"a": [1]}, other=None)),
    "unknown fields of a servant": _servant(mine="x"),
}


@pytest.mark.parametrize("damage", HARMLESS.values(), ids=list(HARMLESS))
def test_what_a_run_survives(stage: Stage, run: Path, damage: Callable[[Path], object]) -> None:
    damage(run)
    elsewhere = {path: _contents(path) for path in run.parent.parent.glob("elsewhere-*")}
    registry = json.loads((run / "registry.json").read_bytes())
    assert stage.do("send", "all", "The second message.", "--json").report["ok"]
    assert stage.do("status", "--no-liveness", "--json").report["run"]["state"] == "ready"
    now = read_run(run)
    modes = ("has the mode",)
    assert [text for text in now.problems() if not any(one in text for one in modes)] == []
    assert len(now.events) == 2 + 2 + 2
    for name in ("mine", "other"):
        assert (name in now.registry) == (name in registry)
    assert ("mine" in now.servants["ultra"]) == ("mine" in registry["servants"][0])
    assert {path: _contents(path) for path in elsewhere} == elsewhere, "something outside was written"
    stage.do("stop")


def _contents(path: Path) -> object:
    return path.read_bytes() if path.is_file() else {one.name: one.read_bytes() for one in path.iterdir()}


@pytest.mark.parametrize("name", ["binary journals", "no journals"])
def test_journals_are_begun_anew(stage: Stage, run: Path, name: str) -> None:
    HARMLESS[name](run)
    stage.do("send", "ultra", "The second message.")
    for path in ((run / "journal" / "ultra.jsonl"), (run / "journal" / "ultra.events.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines
        assert all(json.loads(line) for line in lines)


def _locks_a_file(folder: Path) -> None:
    shutil.rmtree(folder / "locks")
    (folder / "locks").write_bytes(b"")


BLOCKED: Final[dict[str, Callable[[Path], object]]] = {
    "ledger linked": _linked("ledger.jsonl"),
    "ledger a folder": _folder("ledger.jsonl"),
    "locks linked": _linked("locks"),
    "locks a file": _locks_a_file,
    "registry lock linked": _linked("locks/registry"),
    "registry lock a folder": _folder("locks/registry"),
    "servant lock a folder": _folder("locks/ultra"),
}


@pytest.mark.parametrize("damage", BLOCKED.values(), ids=list(BLOCKED))
def test_what_cannot_be_stored_is_not_sent(
    stage: Stage, run: Path, base: Path, damage: Callable[[Path], object]
) -> None:
    stage.place.again(base / "template")
    stage.do("await-human")  # which leaves no event to be written again
    damage(run)
    before = tree(stage.place.state)
    fate = stage.run("send", "ultra", "The second message.", "--json")
    assert (fate.status, fate.report["errorCode"]) == (NOT_WRITTEN, "write_failed"), fate
    assert stage.place.service.chats == []
    assert stage.place.crash_reports() == []
    after = tree(stage.place.state)
    assert {name: one for name, one in after.items() if "registry" not in name} == {
        name: one for name, one in before.items() if "registry" not in name
    }
    fate = stage.run("status", "--no-liveness", "--json")
    assert fate.status in (0, 6, NOT_WRITTEN)
    assert stage.run("list", "--json").status == 0


def test_a_run_folder_that_is_a_link(stage: Stage, run: Path) -> None:
    elsewhere = run.parent.parent / "elsewhere"
    run.rename(elsewhere)
    run.symlink_to(elsewhere)
    before = tree(elsewhere)
    for verb in VERBS:
        for more in ((), ("--run", run.name)):
            fate = stage.run(*verb, *more, "--json")
            assert fate.status in (USAGE, UNUSABLE, NOT_WRITTEN), fate
    assert tree(elsewhere) == before
    assert stage.place.service.chats[2 + 2 :] == []


def test_a_state_folder_that_cannot_be_used(place: Place, base: Path) -> None:
    place.json("start")
    cases: dict[str, str] = {
        "relative": "state",
        "a file": str(base / "file"),
        "below a file": str(base / "file" / "x"),
    }
    (base / "file").write_bytes(b"mine")
    (base / "dangling").symlink_to(base / "nowhere" / "at all")
    loop = base / "loop"
    loop.symlink_to(loop)
    cases["a loop"] = str(loop)
    for name, value in cases.items():
        report = place.json("start", status=UNUSABLE, MMI_OVERLORD_HOME=value)
        assert report["errorCode"] == "state_unusable", name
    assert (base / "file").read_bytes() == b"mine"
    (base / "state").mkdir()
    (base / "state" / "runs").write_bytes(b"mine")
    for verb in (("start",), ("list",), ("status",)):
        report = place.json(*verb, status=UNUSABLE, MMI_OVERLORD_HOME=str(base / "state"))
        assert report["errorCode"] == "state_unusable", verb
    assert place.service.chats[3:] == []


def test_a_folder_without_a_registry_is_no_run(place: Place) -> None:
    (place.state / "runs" / "run-20260101T000000Z-abcdef").mkdir(parents=True)
    (place.state / "runs" / "something else").mkdir()
    assert place.json("list")["runs"] == []
    assert place.json("status", status=USAGE)["errorCode"] == "no_run"
    place.json("start")


def test_a_read_only_home(stage: Stage, run: Path) -> None:
    """Reading works, and whatever has to be stored is refused before anything is sent."""
    if os.getuid() != 0:
        pytest.skip("only root can run a command as a user who may not write")
    place = stage.place
    for path in (place.root.parent, place.root, *place.root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = tree(place.state)
    asked = len(place.service.requests)

    def as_nobody(*argv: str) -> Fate:
        return stage.run(*argv, "--json", how={"user": 65534})

    assert as_nobody("status", "--no-liveness").report["run"]["state"] == "ready"
    assert len(as_nobody("list").report["runs"]) == 1
    assert as_nobody("export").status == 0
    for verb in (("send", "all", "Anybody?"), ("replace", "ultra"), ("await-human",), ("stop",)):
        fate = as_nobody(*verb)
        assert (fate.status, fate.report["errorCode"]) == (NOT_WRITTEN, "write_failed"), fate
    fate = as_nobody("start", "--new")
    assert fate.status in (UNUSABLE, NOT_WRITTEN), fate
    assert tree(place.state) == before
    assert {one.method for one in place.service.requests[asked:]} <= {"GET"}
