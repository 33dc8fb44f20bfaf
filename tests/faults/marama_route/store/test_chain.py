"""The audit chain in a store: what the files of a workspace promise, this promises too."""

from __future__ import annotations

import json
import threading
from typing import Callable

import pytest

from foundation.errors import Refusal
from marama_route.store.store import Store
from sovereigncode.audit.record import LONGEST
from sovereigncode.audit.verdict import End, Verdict, Why
from tests.faults.marama_route.store.shelves import TENANT, Shelf
from tests.unit.sovereigncode.records import entry, with_hash, written


def ends(lines: list[bytes]) -> End:
    return End(len(lines), json.loads(lines[-1])["hash"])


def test_the_records_are_those_of_a_file(store: Store) -> None:
    """`written` makes the lines that sovereigncode's own files would have."""
    chain = store.audit(TENANT)
    lines = written(5)
    assert chain.head() == End()
    assert chain.verify() == Verdict(End(), None, remembered=True)
    assert chain.append([]) == ()
    first = chain.append([entry(0)])
    rest = chain.append([entry(1), entry(2)]) + chain.append([entry(3), entry(4)])
    assert [record.line + b"\n" for record in first + rest] == lines
    assert [record.line + b"\n" for record in chain.read()] == lines
    assert list(chain.read()) == list(first + rest)
    assert chain.head() == ends(lines)
    assert chain.verify() == Verdict(ends(lines), None, remembered=True)


def test_reading_a_part(store: Store) -> None:
    chain = store.audit(TENANT)
    chain.append([entry(number) for number in range(700)])

    def seqs(after: int = 0, limit: int | None = None) -> list[int]:
        return [record.seq for record in chain.read(after, limit)]

    assert seqs() == list(range(1, 701))
    assert seqs(690) == list(range(691, 701))
    assert seqs(10, 3) == [11, 12, 13]
    assert seqs(100, 512) == list(range(101, 613))
    assert seqs(700) == seqs(2**70) == seqs(0, 0) == seqs(0, -1) == []
    assert seqs(-5, 1) == [1]


def test_reading_while_somebody_appends(store: Store) -> None:
    chain = store.audit(TENANT)
    chain.append([entry(number) for number in range(300)])
    found = []
    for record in chain.read():
        found.append(record.seq)
        if len(found) == 100:
            chain.append([entry()])
    assert found == list(range(1, 302))


def test_each_tenant_has_a_chain(shelf: Shelf) -> None:
    one, two = shelf.opened(), shelf.opened()
    for number in range(3):
        one.audit("a").append([entry(number)])
        two.audit("b").append([entry(number)])
        two.audit("a").append([entry(number)])
    assert (one.audit("a").head().seq, one.audit("b").head().seq) == (6, 3)
    assert one.audit("a").verify().holds
    assert one.audit("b").verify().holds
    assert one.audit("c").head() == End()
    assert one.audit("a") is one.audit("a")


def test_threads_append_to_one_chain(store: Store) -> None:
    def work(who: int) -> None:
        for number in range(25):
            store.audit(TENANT).append([entry(number, actor=str(who))] * (1 + number % 2))

    threads = [threading.Thread(target=work, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    records = list(store.audit(TENANT).read())
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert len(records) == 8 * (25 + 12)
    assert store.audit(TENANT).verify().holds
    for who in range(8):
        mine = [record.entry.decision_id for record in records if record.entry.actor == str(who)]
        assert mine == [entry(n).decision_id for n in range(25) for _ in range(1 + n % 2)]


def test_approvals_are_those_of_the_whole_chain(store: Store) -> None:
    chain = store.audit(TENANT)
    assert chain.approvals() == {}
    asked = entry(kind="approval", approval_id="ap_1", decision="pending")
    chain.append([entry(1), asked])
    assert [one.entry.decision for one in chain.approvals()["ap_1"]] == ["pending"]
    chain.append([entry(2), entry(kind="approval", approval_id="ap_1", decision="approved")])
    chain.append([entry(kind="tool", approval_id="ap_1"), entry(kind="approval", approval_id="ap_2")])
    found = chain.approvals()
    assert [one.entry.decision for one in found["ap_1"]] == ["pending", "approved"]
    assert list(found) == ["ap_1", "ap_2"]
    assert chain.approvals() == found


def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(store: Store) -> None:
    chain = store.audit(TENANT)
    for wrong in (entry(kind="nonsense"), entry(actor="x" * LONGEST)):
        with pytest.raises(Refusal) as caught:
            chain.append([entry(), wrong])
        assert caught.value.kind == "request_invalid"
    assert chain.head() == End()
    assert chain.append([entry()])[0].seq == 1


def row(shelf: Shelf, seq: int) -> dict[str, object]:
    ((line,),) = shelf.sql("SELECT line FROM audit_records WHERE tenant = ? AND seq = ?", TENANT, seq)
    return dict(json.loads(line))


def replaced(shelf: Shelf, seq: int, line: bytes) -> None:
    shelf.sql("UPDATE audit_records SET line = ? WHERE tenant = ? AND seq = ?", line, TENANT, seq)


def changed(shelf: Shelf) -> None:
    replaced(shelf, 3, json.dumps({**row(shelf, 3), "actor": "nobody"}).encode())


def forged(shelf: Shelf) -> None:
    replaced(shelf, 3, with_hash({**row(shelf, 3), "actor": "nobody"}).rstrip())


def emptied(shelf: Shelf) -> None:
    replaced(shelf, 3, b"")


def typed(shelf: Shelf) -> None:
    shelf.sql("UPDATE audit_records SET line = 'text' WHERE seq = 3")


def removed(shelf: Shelf) -> None:
    shelf.sql("DELETE FROM audit_records WHERE seq = 3")


def cut(shelf: Shelf) -> None:
    shelf.sql("DELETE FROM audit_records WHERE seq >= 5")


def cleared(shelf: Shelf) -> None:
    shelf.sql("DELETE FROM audit_records")


def swapped(shelf: Shelf) -> None:
    shelf.sql("UPDATE audit_records SET seq = CASE seq WHEN 2 THEN 1003 WHEN 3 THEN 1002 ELSE seq END")
    shelf.sql("UPDATE audit_records SET seq = seq - 1000 WHERE seq > 1000")


def moved(shelf: Shelf) -> None:
    shelf.sql("UPDATE audit_records SET seq = 60 WHERE seq = 6")


def added(shelf: Shelf) -> None:
    line = with_hash({**row(shelf, 6), "seq": 7, "prev": row(shelf, 6)["hash"]}).rstrip()
    shelf.sql("INSERT INTO audit_records (tenant, seq, line) VALUES (?, 7, ?)", TENANT, line)


def headless(shelf: Shelf) -> None:
    shelf.sql("DELETE FROM audit_heads")


def rewritten(shelf: Shelf) -> None:
    """The newest record replaced by one that fits all before it."""
    replaced(shelf, 6, with_hash({**row(shelf, 6), "actor": "nobody"}).rstrip())


HARM: dict[Callable[[Shelf], None], tuple[int, Why]] = {
    changed: (3, Why.CHANGED),
    forged: (3, Why.CHANGED),
    emptied: (3, Why.CHANGED),
    typed: (3, Why.CHANGED),
    removed: (3, Why.MISSING),
    cut: (5, Why.CUT_OFF),
    cleared: (1, Why.CUT_OFF),
    swapped: (2, Why.CHANGED),
    moved: (6, Why.CHANGED),
    added: (7, Why.CHANGED),
    headless: (1, Why.CHANGED),
    rewritten: (6, Why.CHANGED),
}
# Harm that is before the newest record: an append looks at that one only.
UNSEEN = (changed, forged, emptied, typed, removed, swapped)


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_what_somebody_changed_is_found(shelf: Shelf, harm: Callable[[Shelf], None]) -> None:
    store = shelf.opened()
    chain = store.audit(TENANT)
    chain.append([entry(number) for number in range(6)])
    harm(shelf)
    seq, why = HARM[harm]
    fault = chain.verify().fault
    assert fault is not None
    assert (fault.seq, fault.why) == (seq, why)
    assert fault.where.name.endswith(f"chain of {TENANT}")
    with pytest.raises(Refusal) as caught:
        chain.approvals()
    assert caught.value.kind == "chain_broken"
    for act in (lambda: chain.append([entry()]), chain.head):
        if harm in UNSEEN:
            act()
        else:
            with pytest.raises(Refusal) as caught:
                act()
            assert caught.value.kind == "chain_broken"
            assert why.value in caught.value.message
    assert not chain.verify().holds
    # Another tenant's chain goes on.
    assert store.audit("other").append([entry()])[0].seq == 1
    assert store.audit("other").verify().holds


def test_a_row_that_is_not_a_record_is_not_read_as_one(shelf: Shelf) -> None:
    chain = shelf.opened().audit(TENANT)
    chain.append([entry(number) for number in range(6)])
    changed(shelf)
    with pytest.raises(Refusal) as caught:
        list(chain.read())
    assert caught.value.kind == "chain_broken"
    assert [record.seq for record in chain.read(3)] == [4, 5, 6]


@pytest.mark.parametrize("value", ["'x'", "NULL", "x'00'", "-1", "2.5"])
def test_a_damaged_head_is_an_error_and_no_end(shelf: Shelf, value: str) -> None:
    chain = shelf.opened().audit(TENANT)
    chain.append([entry()])
    shelf.sql("DROP TABLE audit_heads")
    shelf.sql("CREATE TABLE audit_heads (tenant PRIMARY KEY, seq, hash)")
    shelf.sql(f"INSERT INTO audit_heads VALUES ('{TENANT}', {value}, 'h')")
    for act in (chain.head, lambda: chain.append([entry()])):
        with pytest.raises(Refusal) as caught:
            act()
        assert caught.value.kind in ("audit_unusable", "chain_broken")
