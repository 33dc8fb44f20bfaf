"""The files of a chain: where records are written, read and verified."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from foundation.errors import Refusal
from sovereigncode.audit import months
from sovereigncode.audit.heads import head_file, state_folder
from sovereigncode.audit.log import AuditLog
from sovereigncode.audit.record import chained
from sovereigncode.audit.verdict import End, Verdict
from tests.unit.sovereigncode.records import Place, entry, with_hash, written


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def fault(place: Place) -> tuple[str, str] | None:
    """Where, without the folder, and why. No approval counts then, and an append refuses or mends nothing."""
    found = place.log.verify().fault
    if found is None:
        return None
    with pytest.raises(Refusal) as caught:
        place.log.approvals()
    assert (caught.value.kind, caught.value.where) == ("chain_broken", found.where)
    assert found.why.value in caught.value.message
    with suppress(Refusal):
        place.log.append([entry()])
    assert place.log.verify().fault == found
    return str(found.where).removeprefix(f"{place.log.folder}{os.sep}"), found.why.value


def test_records_are_lines_of_the_months_file(place: Place) -> None:
    first = place.log.append([entry(1), entry(2)])
    second = place.log.append([entry(3)])
    records = (*first, *second)
    assert place.file.name == "audit-202611.jsonl"
    assert place.lines() == [record.line + b"\n" for record in records]
    assert records == chained([entry(1), entry(2), entry(3)], seq=0, prev=None, now=place.clock.now)
    assert tuple(place.log.read()) == records
    assert place.log.head() == End(3, records[-1].hash)
    assert place.log.verify() == Verdict(End(3, records[-1].hash), None, remembered=True)


def test_an_empty_chain(place: Place) -> None:
    before = place.tree()
    assert list(place.log.read()) == []
    assert place.log.head() == End()
    assert place.log.verify() == Verdict(End())
    assert place.log.approvals() == {}
    assert place.log.append([]) == ()
    assert set(place.tree()) - set(before) == {
        f"workspace/.sovereigncode/audit{name}" for name in ("", "/lock")
    } | {name for name in place.tree() if name.startswith("home/")}
    assert place.log.verify().holds


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_only_the_user_can_read_and_write_them(place: Place) -> None:
    place.log.append([entry()])
    modes = {path: mode & 0o777 for path, (mode, _) in place.tree().items()}
    assert modes["workspace/.sovereigncode/audit"] == 0o700
    assert modes["workspace/.sovereigncode/audit/audit-202611.jsonl"] == 0o600
    heads = Path(place.log.head_path).relative_to(place.root)
    assert modes[heads.as_posix()] == 0o600
    assert modes[heads.parent.as_posix()] == 0o700


def test_each_month_has_a_file_and_seq_goes_on(place: Place) -> None:
    for _ in range(4):
        place.log.append([entry(), entry()])
        place.clock.pass_by(days=20)
    assert [file.name[6:12] for file in place.files] == ["202611", "202612", "202701"]
    assert [json.loads(line)["seq"] for line in place.lines()] == list(range(1, 9))
    assert [record.seq for record in place.log.read(after=3)] == [4, 5, 6, 7, 8]
    assert place.log.verify().end.seq == 8


def test_a_month_begins_at_midnight_utc(place: Place) -> None:
    place.clock.now = datetime.fromisoformat("2026-12-01T12:30:00+13:00")
    place.log.append([entry()])
    assert place.file.name == "audit-202611.jsonl"


@pytest.mark.parametrize("back", [1, 40, 400], ids="{} days".format)
def test_a_clock_that_jumps_back_never_writes_into_an_older_file(place: Place, back: int) -> None:
    place.log.append([entry()])
    place.clock.pass_by(days=30)
    place.log.append([entry()])
    place.clock.pass_by(days=-back)
    place.log.append([entry()])
    assert [len(file.read_bytes().splitlines()) for file in place.files] == [1, 2]
    assert place.log.verify().end.seq == 3
    assert list(place.log.read())[2].time.startswith(place.clock.now.strftime("%Y-%m-%d")), (
        "the clock's own time"
    )


def test_a_clock_that_jumps_a_thousand_years_and_back(place: Place) -> None:
    for year in (1, 1970, 9999, 2026):
        place.clock.now = datetime(year, 1, 1, tzinfo=timezone.utc)
        place.log.append([entry()])
    assert [file.name for file in place.files] == [
        f"audit-{year}01.jsonl" for year in ("0001", "1970", "9999")
    ]
    assert place.log.verify().end.seq == 4


@pytest.mark.parametrize("length", [0, 1, 2, 10, 300])
def test_reading_from_the_middle(place: Place, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small steps, so that the search for the first line has something to do."""
    monkeypatch.setattr(months, "_CHUNK", 500)
    monkeypatch.setattr(months, "_STEP", 700)
    for _ in range(3):
        place.log.append([entry(number) for number in range(length)])
        place.clock.pass_by(days=31)
    every = list(place.log.read())
    assert [record.seq for record in every] == list(range(1, 3 * length + 1))
    for after in sorted({0, 1, length - 1, length, length + 1, 2 * length, 3 * length - 1, 3 * length}):
        for limit in (None, 0, 1, 3):
            wanted = [record for record in every if record.seq > after][:limit]
            assert list(place.log.read(max(after, 0), limit)) == (wanted if after >= 0 else every[:limit])


def test_reading_names_a_line_that_is_no_record(place: Place) -> None:
    place.log.append([entry(1), entry(2)])
    place.file.write_bytes(b"x" + place.file.read_bytes())
    with pytest.raises(Refusal) as caught:
        list(place.log.read())
    assert (caught.value.kind, str(caught.value.where)) == ("chain_broken", str(place.file))


def test_reading_never_shows_a_record_that_was_changed(place: Place) -> None:
    place.log.append([entry(1), entry(2)])
    place.file.write_bytes(place.file.read_bytes().replace(b"acme", b"akme"))
    with pytest.raises(Refusal, match="not a record"):
        list(place.log.read())


@pytest.mark.parametrize(
    "fields",
    [
        *({"seq": "1"}, {"seq": True}, {"seq": 1.0}, {"time": 5}, {"kind": []}, {"tenant": 1}, {"prev": 1}),
        *({"reasons": [5]}, {"reasons": 5}, {"obligations": [{"code": "a"}]}, {"audit_tags": [None]}),
        {"extra": 1},
    ],
    ids=str,
)
def test_a_forged_line_of_another_shape_is_never_a_crash(place: Place, fields: dict[str, object]) -> None:
    place.log.append([entry(1)])
    place.file.write_bytes(with_hash({**json.loads(place.lines()[0]), **fields}) * 2)
    place.log.head_path.unlink()
    for work in (
        lambda: list(place.log.read()),
        lambda: list(place.log.read(5)),
        place.log.head,
        place.log.approvals,
        lambda: place.log.append([entry(2)]),
    ):
        with pytest.raises(Refusal) as caught:
            work()
        assert caught.value.kind == "chain_broken"
    assert not place.log.verify().holds


def test_what_is_done_to_the_files_is_noticed(place: Place) -> None:
    place.log.append([entry(1), entry(2)])
    place.clock.pass_by(days=30)
    place.log.append([entry(3), entry(4)])
    old, new = place.files
    texts = {file: file.read_bytes() for file in (old, new, place.log.head_path)}

    def check(expected: tuple[str, str] | None) -> None:
        assert fault(place) == expected
        shutil.rmtree(place.log.folder)
        place.log.folder.mkdir(mode=0o700)
        for file, text in texts.items():
            file.write_bytes(text)
            file.chmod(0o600)
        assert fault(place) is None

    old.unlink()
    check((f"{new.name}:1", "missing"))
    new.unlink()
    check((f"{old.name}:3", "cut off"))
    new.write_bytes(b"")
    check((f"{old.name}:3", "cut off"))
    old.rename(old.with_name("audit-202701.jsonl"))
    check((f"{new.name}:1", "out of order"))
    shutil.copy(old, old.with_name("audit-202610.jsonl"))
    old.with_name("audit-202610.jsonl").chmod(0o600)
    check((f"{old.name}:1", "made twice"))
    new.write_bytes(texts[new][:-1])
    check((f"{new.name}:2", "cut off"))
    new.write_bytes(texts[new] + b"{")
    check((f"{new.name}:3", "changed"))
    old.write_bytes(texts[old] + b"{")
    check((f"{old.name}:3", "changed"))
    for file in place.files:
        file.unlink()
    check((f"{place.log.folder}:1", "cut off"))
    (place.log.folder / "audit-202613.jsonl").write_bytes(b"not a month")
    (place.log.folder / "notes.txt").write_bytes(b"not ours")
    check(None)


def test_a_folder_that_was_removed_is_a_cut_end(place: Place) -> None:
    place.log.append([entry()])
    shutil.rmtree(place.log.folder)
    found = place.log.verify().fault
    assert found is not None
    assert (str(found.where), found.why.value) == (f"{place.log.folder}:1", "cut off")
    with pytest.raises(Refusal, match="cut off"):
        place.log.append([entry()])


def test_a_forged_record_is_refused_although_its_hash_fits(place: Place) -> None:
    place.log.append([entry()])
    last = json.loads(place.lines()[0])
    forged = with_hash({**last, "seq": 2, "prev": last["hash"], "kind": "approval", "decision": "approved"})
    place.file.write_bytes(place.file.read_bytes() + forged)
    assert fault(place) == (f"{place.file.name}:2", "changed")


def test_a_chain_from_elsewhere_is_taken_over_if_it_holds(place: Place) -> None:
    """Another machine's: nothing is remembered, so a cut end cannot be seen, and `verify` says so."""
    place.log.append([entry(1), entry(2)])
    place.log.head_path.unlink()
    assert place.log.verify() == Verdict(place.log.head(), None, remembered=False)
    place.log.append([entry(3)])
    assert place.log.verify().remembered
    place.file.write_bytes(b"".join(place.lines()[:2]))
    assert fault(place) == (f"{place.file.name}:3", "cut off")


def test_a_chain_from_elsewhere_is_not_taken_over_if_it_does_not_hold(place: Place) -> None:
    lines = written(3)
    place.log.folder.mkdir(mode=0o700)
    (place.log.folder / "audit-202611.jsonl").write_bytes(lines[0] + lines[2])
    (place.log.folder / "audit-202611.jsonl").chmod(0o600)
    assert fault(place) == ("audit-202611.jsonl:2", "missing")


def test_half_a_line_is_removed_by_the_next_append(place: Place) -> None:
    place.log.append([entry(1, kind="approval", approval_id="ap_1")])
    log = place.log
    (next_one,) = chained([entry(2)], seq=1, prev=log.head().hash, now=place.clock.now)
    with pytest.MonkeyPatch.context() as patched:
        # What a process leaves that is killed after half a write.
        def killed(*_: object) -> None:
            with place.file.open("ab") as file:
                file.write(next_one.line[:100])
            raise KeyboardInterrupt

        patched.setattr(months, "extend", killed)
        with pytest.raises(KeyboardInterrupt):
            log.append([entry(2)])
    assert place.log.verify() == Verdict(log.head(), None, remembered=True, unfinished=True)
    assert [record.seq for record in place.log.read()] == [1]
    assert place.log.approvals().keys() == {"ap_1"}
    place.clock.pass_by(days=30)
    place.log.append([entry(3)])
    assert place.log.verify() == Verdict(place.log.head(), None, remembered=True)
    assert [len(file.read_bytes().splitlines()) for file in place.files] == [1, 1]
    assert len(place.log.approvals()["ap_1"]) == 1, "what was recorded here before the kill still counts"


def test_approval_records_by_approval(place: Place) -> None:
    log = place.log
    log.append([entry(1), entry(2, kind="approval", approval_id="ap_a", decision="pending")])
    assert {name: [one.entry.decision for one in records] for name, records in log.approvals().items()} == {
        "ap_a": ["pending"]
    }
    place.log.append([entry(3, kind="approval", approval_id="ap_b", decision="pending")])
    place.clock.pass_by(days=30)
    place.log.append([entry(3, kind="approval", approval_id="ap_a", decision="approved"), entry(4)])
    expected = {"ap_a": ["pending", "approved"], "ap_b": ["pending"]}
    for one in (log, place.log):
        found = {
            name: [record.entry.decision for record in records] for name, records in one.approvals().items()
        }
        assert found == expected
    place.files[0].write_bytes(place.files[0].read_bytes().replace(b"pending", b"refused"))
    with pytest.raises(Refusal):
        place.log.approvals()
    place.files[1].write_bytes(b"")
    with pytest.raises(Refusal):
        log.approvals()


def refusal_of(log: AuditLog) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        log.approvals()
    return caught.value.message, str(caught.value.where)


def test_a_file_that_was_replaced_is_read_again(place: Place) -> None:
    """By one of the same length, whose beginning is another one."""
    log = place.log
    log.append([entry(1), entry(2)])
    assert log.approvals() == {}
    other = place.file.with_name("other")
    other.write_bytes(place.file.read_bytes().replace(b"acme", b"akme", 1))
    other.chmod(0o600)
    other.replace(place.file)
    assert refusal_of(log) == refusal_of(place.log)
    assert refusal_of(log)[1] == f"{place.file}:1"


def test_an_older_file_that_appears_is_read_in_its_place(place: Place) -> None:
    log = place.log
    log.append([entry(1), entry(2)])
    assert log.approvals() == {}
    older = place.file.with_name("audit-202610.jsonl")
    for text, expected in ((place.lines()[1], "out of order"), (b"x\n", "changed")):
        older.write_bytes(text)
        older.chmod(0o600)
        assert refusal_of(log) == refusal_of(place.log)
        assert expected in refusal_of(log)[0]
        older.unlink()
        assert log.approvals() == {}


def test_where_the_end_is_remembered(place: Place) -> None:
    host = place.host
    home = host.home
    assert state_folder(replace(host, platform="linux")) == home / ".local/state"
    assert state_folder(replace(host, platform="linux", environ={"XDG_STATE_HOME": "/else"})) == Path("/else")
    assert (
        state_folder(replace(host, platform="linux", environ={"XDG_STATE_HOME": "rel"}))
        == home / ".local/state"
    )
    assert state_folder(replace(host, platform="darwin")) == home / "Library/Application Support"
    assert state_folder(replace(host, platform="win32")) == home / "AppData/Local"
    one, other = head_file(host, place.workspace), head_file(host, place.root)
    assert one.parent == other.parent
    assert one != other
    if os.name != "nt":
        link = place.root / "link"
        link.symlink_to(place.workspace)
        assert head_file(host, link) == one


@pytest.mark.parametrize("damage", [b"", b"x" * 1024, b"{}\n"])
def test_a_head_that_cannot_be_understood_is_refused(place: Place, damage: bytes) -> None:
    place.log.append([entry()])
    place.log.head_path.write_bytes(damage)
    for act in (place.log.verify, lambda: place.log.append([entry()]), place.log.approvals):
        with pytest.raises(Refusal) as caught:
            act()
        assert (caught.value.kind, str(caught.value.where)) == ("audit_unusable", str(place.log.head_path))


@pytest.mark.parametrize("slot", [0, 1])
def test_a_half_written_slot_of_the_head_leaves_the_other(place: Place, slot: int) -> None:
    """A power cut may leave rubbish in the block that was being written."""
    place.log.append([entry(1)])
    place.log.append([entry(2)])
    text = bytearray(place.log.head_path.read_bytes())
    text[512 * slot : 512 * slot + 256] = bytes(256)
    place.log.head_path.write_bytes(text)
    assert place.log.verify().holds
    place.log.append([entry(3)])
    assert place.log.verify() == Verdict(place.log.head(), None, remembered=True)
