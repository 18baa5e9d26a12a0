"""A copy is verbatim, gone on with, and never believed; the fold moves only to one like it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from typing_extensions import override

from application.moving import NotACopy, NotTheSame, adopt, copy_log, without_erased
from domain.errors import Corrupt
from ledger.fold import Folder, LogNotOurs
from ledger.log import Description
from ledger.memory import MemoryFoldStore
from ledger.simulated import SimulatedLog
from tests.ledger.builders import GENESIS, ORIGIN, barrier, commit

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDS = [
    GENESIS,
    *(commit(f"c{n}", ("a", n)) for n in range(50)),
    b"noise",
    b"",
    barrier("x"),
    commit("c1", ("b", 0)),
    *(commit(f"d{n}", ("b", n)) for n in range(50)),
]


def folded(log: SimulatedLog) -> MemoryFoldStore:
    store = MemoryFoldStore()
    Folder(log, store, ORIGIN).fold_through(log.end() - 1)
    return store


def test_a_copy_holds_every_record_where_it_lay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.moving.BATCH_RECORDS", 7)
    source, target = SimulatedLog(records=list(RECORDS)), SimulatedLog()
    steps = copy_log(source, target)
    assert (next(steps), next(steps)) == (7, 14)
    source.append([commit("late", ("late", 0))])
    assert list(copy_log(source, target))[-1] == len(RECORDS) + 1, "it is gone on with"
    assert target.records == source.records


def test_what_is_in_doubt_is_looked_at_and_not_believed() -> None:
    """A log that loses records and answers; what it delays past its time would be refused."""
    source = SimulatedLog(records=list(RECORDS))

    class Forgetful(SimulatedLog):
        @override
        def append(self, records: Sequence[bytes]) -> Sequence[int | None]:
            taken = Random(len(self.records)).randrange(len(records) + 1)
            self.records.extend(records[:taken])
            return [None] * len(records)

    target = Forgetful()
    list(copy_log(source, target))
    assert target.records == source.records


def test_another_ledgers_log_is_not_written_over() -> None:
    target = SimulatedLog(records=[GENESIS, commit("other", ("o", 0))])
    with pytest.raises(NotACopy, match="offset 0"):
        list(copy_log(SimulatedLog(records=list(RECORDS)), target))
    assert len(target.records) == 2


def test_the_fold_goes_on_from_a_copy() -> None:
    source, target = SimulatedLog(records=list(RECORDS)), SimulatedLog(identity="other")
    store = folded(source)
    list(copy_log(source, target))
    with pytest.raises(LogNotOurs, match="made again"):
        Folder(target, store, ORIGIN).check()
    assert adopt(target, store, ORIGIN).again.position == 100
    folder = Folder(target, store, ORIGIN)
    folder.check()
    target.append([commit("next", ("a", 50))])
    assert folder.fold() == 1
    with pytest.raises(LogNotOurs, match="made again"):
        Folder(source, store, ORIGIN).check()


@pytest.mark.parametrize(
    "held", [RECORDS[:-1], [*RECORDS, barrier("y")], [*RECORDS[:-1], barrier("y")]]
)
def test_the_fold_does_not_move_to_a_log_that_leads_elsewhere(held: list[bytes]) -> None:
    store = folded(SimulatedLog(records=list(RECORDS)))
    before = store.cursor()
    with pytest.raises((NotTheSame, Corrupt)):
        adopt(SimulatedLog(records=held, identity="other"), store, ORIGIN)
    assert store.cursor() == before


def test_the_fold_does_not_move_to_a_log_that_may_lose_records() -> None:
    class Leaky(SimulatedLog):
        def describe(self) -> Description:
            return Description(name="leaky", identity="leaky", faults=("retention is 7 days",))

    store = folded(SimulatedLog(records=list(RECORDS)))
    with pytest.raises(LogNotOurs, match="retention is 7 days"):
        adopt(Leaky(records=list(RECORDS)), store, ORIGIN)


def test_what_this_ledger_did_not_write_is_copied_as_it_is() -> None:
    everything = frozenset({UUID(int=0)})
    assert [without_erased(record, everything) for record in RECORDS] == RECORDS
