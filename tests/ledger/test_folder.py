"""A folder folds only the log it has been folding, and a late one changes nothing."""

from collections.abc import Generator
from dataclasses import replace

import pytest

from ledger.fold import Folder, LogNotOurs
from ledger.genesis import NoGenesis, make_genesis
from ledger.log import Description, Entry
from ledger.memory import MemoryFoldStore
from ledger.simulated import SimulatedLog
from ledger.store import Folded
from tests.ledger.builders import GENESIS, ORIGIN, barrier, commit, name

FIRST = commit("c", ("a", 0))
SECOND = commit("d", ("a", 1))
THIRD = commit("e", ("a", 2))


def folder(*records: bytes, folded: bool = True) -> tuple[Folder, SimulatedLog]:
    log = SimulatedLog(records=list(records))
    made = Folder(log, MemoryFoldStore(), ORIGIN)
    if folded:
        made.fold()
    return made, log


def drain(steps: Generator[None, None, Folded | None]) -> Folded | None:
    """Let a folder finish what it slept in; return what it folded."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # typed by the generator


def test_a_log_that_only_grew_is_ours() -> None:
    made, log = folder(GENESIS, FIRST)
    made.check()
    log.append([SECOND])
    made.check()
    assert made.fold() == 1


def test_a_log_that_was_never_folded_has_nothing_to_compare() -> None:
    made, _ = folder(folded=False)
    made.check()
    assert made.fold() == 0


def test_a_log_that_ends_before_the_cursor_is_refused() -> None:
    made, log = folder(GENESIS, FIRST, SECOND)
    log.records.pop()
    with pytest.raises(LogNotOurs, match="ends before"):
        made.check()


def test_nothing_is_folded_on_top_of_a_tail_that_was_cut_off_and_outgrown() -> None:
    made, log = folder(GENESIS, FIRST, SECOND)
    before = made.store.cursor()
    log.records[2:] = [barrier("x"), THIRD, barrier("y")]
    with pytest.raises(LogNotOurs, match="another one now"):
        made.fold_through(4)
    assert made.store.cursor() == before


def test_a_folder_that_is_left_on_a_former_log_folds_no_more() -> None:
    made, log = folder(GENESIS, FIRST)
    store = made.store
    assert isinstance(store, MemoryFoldStore)
    store.at = replace(store.at, identity="the log that the ledger was moved to")
    log.append([SECOND])
    with pytest.raises(LogNotOurs, match="moved to another log"):
        made.fold()


def test_a_tail_that_was_cut_off_and_grew_again_is_caught() -> None:
    made, log = folder(GENESIS, FIRST, SECOND)
    log.records[2:] = [barrier("x"), THIRD]
    with pytest.raises(LogNotOurs, match="another one now"):
        made.check()


def test_a_log_made_again_under_the_same_name_is_caught() -> None:
    made, log = folder(GENESIS, FIRST)
    log.identity = "made again"
    with pytest.raises(LogNotOurs, match="made again"):
        made.check()


def test_a_log_whose_first_records_were_dropped_is_caught() -> None:
    made, log = folder(GENESIS, FIRST, SECOND)
    log.records[0] = b""
    with pytest.raises(LogNotOurs, match="not the genesis"):
        made.check()


def test_a_log_with_another_genesis_is_caught() -> None:
    made, log = folder(GENESIS, FIRST)
    log.records[0] = make_genesis(ORIGIN, "2027-01-01T00:00:00Z")
    with pytest.raises(LogNotOurs, match="not the genesis"):
        made.check()


def test_settings_that_name_another_origin_are_caught() -> None:
    made, log = folder(GENESIS, FIRST)
    with pytest.raises(NoGenesis, match=r"ledger\.example/other"):
        Folder(log, made.store, "ledger.example/other").check()


def test_a_log_that_may_lose_records_is_refused_with_its_faults() -> None:
    class Leaky(SimulatedLog):
        def describe(self) -> Description:
            return Description(name="leaky", identity="leaky", faults=("retention is 7 days",))

    made = Folder(Leaky(records=[GENESIS]), MemoryFoldStore(), ORIGIN)
    with pytest.raises(LogNotOurs, match="retention is 7 days"):
        made.check()


@pytest.mark.parametrize("first", [b"", b"noise", GENESIS[:-1]])
def test_a_log_that_begins_with_malformed_bytes_is_not_folded(first: bytes) -> None:
    made, _ = folder(first, FIRST, folded=False)
    with pytest.raises((LogNotOurs, NoGenesis)):
        made.fold()
    assert made.store.cursor().offset == 0


def test_a_log_without_its_genesis_is_not_folded() -> None:
    for first in (FIRST, barrier("c"), make_genesis("ledger.example/other", "2026")):
        made, _ = folder(first, GENESIS, folded=False)
        with pytest.raises(NoGenesis):
            made.fold()
        assert made.store.cursor().offset == 0


def test_folding_through_an_offset_that_is_gone_stops_instead_of_waiting() -> None:
    made, _ = folder(GENESIS, FIRST)
    made.fold_through(1)
    with pytest.raises(LogNotOurs, match="offset 2"):
        made.fold_through(2)


@pytest.mark.parametrize("pauses", [1, 2, 3, 4])
def test_a_folder_that_wakes_up_late_changes_nothing(pauses: int) -> None:
    """Wherever it slept, another one folded its records and more in the meantime."""
    zombie, log = folder(GENESIS, FIRST)
    log.append([SECOND])
    asleep = zombie.steps()
    for _ in range(pauses):
        next(asleep)
    log.append([THIRD])
    other = Folder(log, zombie.store, ORIGIN)
    assert other.fold() == 2
    before = other.store.cursor()
    assert drain(asleep) is None
    assert other.store.cursor() == before
    assert list(other.store.entries(0, 9)) == [b"c 0", b"d 0", b"e 0"]


def test_two_folders_may_begin_the_same_log() -> None:
    late, log = folder(GENESIS, FIRST, folded=False)
    asleep = late.steps()
    for _ in range(4):
        next(asleep)
    assert Folder(log, late.store, ORIGIN).fold() == 2
    assert drain(asleep) is None
    late.check()


def test_who_folds_through_is_told_what_was_committed_and_where_the_store_stands() -> None:
    made, log = folder(GENESIS, FIRST)
    log.append([SECOND, THIRD])
    told: list[Folded] = []
    assert made.fold_through(2, told.append) == made.store.cursor() == told[-1].cursor
    assert [(one.command, one.offset) for batch in told for one in batch.accepted] == [
        (name("d"), 2),
        (name("e"), 3),
    ]
    told.clear()
    assert made.fold_through(2, told.append).offset == 4
    assert told == []


def test_of_two_who_fold_the_same_records_one_is_told_and_both_know_where_the_store_stands() -> (
    None
):
    slow, log = folder(GENESIS, FIRST)
    log.append([SECOND])
    quick, told = Folder(log, slow.store, ORIGIN), list[Folded]()

    class Overtaken(SimulatedLog):
        """A log whose reader is overtaken each time while it reads."""

        def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> list[Entry]:
            quick.fold_through(2)
            return list(log.read(start, limit=limit, bytes_max=bytes_max))

    slow.log = Overtaken(records=log.records)
    assert slow.fold_through(2, told.append) == quick.store.cursor()
    assert told == []
