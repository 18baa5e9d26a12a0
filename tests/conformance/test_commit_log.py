"""What the `CommitLog` port promises, held against every implementation.

What an implementation may do when it is in doubt is in `test_in_doubt.py`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from ledger.log import CommitLog, Entry
from ledger.record import RECORD_MAX
from tests.conformance.logs import LOGS, Opened

WRITERS = 8
READERS = 3


@pytest.fixture(params=LOGS)
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with LOGS[request.param](request) as opened:
        yield opened


@pytest.fixture
def log(opened: Opened) -> CommitLog:
    return opened.log


def append(log: CommitLog, *records: bytes) -> list[int]:
    """Append where nothing fails: every record gets its offset."""
    offsets = [offset for offset in log.append(records) if offset is not None]
    assert len(offsets) == len(records)
    return offsets


def read_all(log: CommitLog, *, start: int = 0, limit: int = 1_000) -> list[Entry]:
    """Read to the end, page by page."""
    found: list[Entry] = []
    while page := log.read(start, limit=limit):
        found.extend(page)
        start = page[-1].offset + 1
    return found


def test_an_empty_log_has_nothing_to_read(log: CommitLog) -> None:
    assert list(log.read(0)) == []
    assert log.end() == log.begin()


def test_appending_nothing_changes_nothing(log: CommitLog) -> None:
    assert list(log.append([])) == []
    assert log.end() == log.begin()


def test_offsets_rise_in_the_order_of_the_records(log: CommitLog) -> None:
    offsets = [*append(log, b"1", b"2", b"3"), *append(log, b"4"), *append(log, b"5", b"6")]
    assert all(a < b for a, b in pairwise(offsets))
    assert read_all(log) == list(map(Entry, offsets, [b"1", b"2", b"3", b"4", b"5", b"6"]))


def test_begin_and_end_enclose_what_is_held(log: CommitLog) -> None:
    offsets = append(log, b"1", b"2")
    assert log.begin() <= offsets[0]
    assert log.end() == offsets[-1] + 1
    assert next(iter(log.read(log.begin()))).offset == offsets[0]


def test_a_record_is_readable_as_soon_as_its_offset_was_answered(opened: Opened) -> None:
    other = opened.again()
    for n in range(20):
        (offset,) = append(opened.log, b"%d" % n)
        assert list(other.read(offset)) == [Entry(offset, b"%d" % n)]
        assert other.end() == offset + 1


def test_another_process_sees_the_same_log(opened: Opened) -> None:
    append(opened.log, b"mine")
    other = opened.again()
    append(other, b"theirs")
    assert [entry.record for entry in read_all(opened.log)] == [b"mine", b"theirs"]
    assert read_all(other) == read_all(opened.log)


def test_reading_starts_at_the_first_record_at_or_after_the_offset(log: CommitLog) -> None:
    offsets = append(log, *(b"%d" % n for n in range(10)))
    for place, offset in enumerate(offsets):
        assert [entry.offset for entry in log.read(offset)] == offsets[place:]


def test_reading_past_the_end_finds_nothing(log: CommitLog) -> None:
    append(log, b"1")
    for beyond in (0, 1, 1_000_000):
        assert list(log.read(log.end() + beyond)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_reading_in_pages_skips_nothing(log: CommitLog, limit: int) -> None:
    offsets = append(log, *(b"%d" % n for n in range(20)))
    assert len(log.read(0, limit=limit)) == min(limit, 20)
    assert [entry.offset for entry in read_all(log, limit=limit)] == offsets


def test_a_page_holds_as_many_records_as_fit_its_bytes(log: CommitLog) -> None:
    append(log, bytes(100), bytes(50), bytes(50), bytes(100), b"", bytes(1))
    for bytes_max, fit in ((100, 1), (149, 1), (150, 2), (200, 3), (300, 5), (301, 6), (9999, 6)):
        assert len(log.read(0, bytes_max=bytes_max)) == fit, bytes_max


def test_a_page_holds_at_least_one_record_however_large(log: CommitLog) -> None:
    offsets = append(log, bytes(1_000), bytes(1_000))
    assert [entry.offset for entry in log.read(0, bytes_max=1)] == offsets[:1]
    assert [entry.offset for entry in log.read(offsets[1], bytes_max=1)] == offsets[1:]


@pytest.mark.parametrize(
    "record",
    [b"", b"\0", b"\0" * 1_000, bytes(range(256)), b"\\x41\\000'\"\n", os.urandom(RECORD_MAX)],
    ids=["empty", "NUL", "NULs", "every byte", "escapes", "the largest"],
)
def test_bytes_come_back_as_they_were(log: CommitLog, record: bytes) -> None:
    (offset,) = append(log, record)
    assert list(log.read(offset)) == [Entry(offset, record)]


def test_the_same_bytes_may_be_appended_again(log: CommitLog) -> None:
    append(log, b"again", b"again")
    append(log, b"again")
    assert [entry.record for entry in read_all(log)] == [b"again"] * 3


def test_a_large_batch_is_appended_in_order(log: CommitLog) -> None:
    records = [b"%d:" % n + bytes(1_000) for n in range(2_000)]
    append(log, *records)
    assert [entry.record for entry in read_all(log)] == records


def test_a_log_describes_itself_the_same_to_everyone(opened: Opened) -> None:
    described = opened.log.describe()
    append(opened.log, b"1")
    assert opened.again().describe() == described
    assert described.name
    assert described.identity
    assert described.faults == ()


# ── many at once ────────────────────────────────────────────────────────────────────────────────


def batches_of(writer: int) -> Iterator[list[bytes]]:
    """Yield what one writer appends: batches of 1 to 8 records, each numbered in its order."""
    number = 0
    for batch in range(25):
        size = 1 + (batch * 7 + writer) % 8
        yield [b"%d %d " % (writer, number + n) + bytes(batch * 13) for n in range(size)]
        number += size


def write_some(log: CommitLog, writer: int) -> list[Entry]:
    """Append one writer's batches, one after the other."""
    return [
        Entry(offset, record)
        for batch in batches_of(writer)
        for offset, record in zip(append(log, *batch), batch, strict=True)
    ]


def write_pipelined(log: CommitLog, writer: int) -> list[Entry]:
    """Append with three calls under way at once: only the order in a call is promised."""
    with ThreadPoolExecutor(3) as pool:
        batches = list(batches_of(writer))
        answers = pool.map(lambda batch: append(log, *batch), batches)
        return [
            Entry(offset, record)
            for offsets, batch in zip(answers, batches, strict=True)
            for offset, record in zip(offsets, batch, strict=True)
        ]


def tail(log: CommitLog, done: threading.Event, limit: int) -> list[Entry]:
    """Follow the log until the writers are done and its end is reached."""
    found: list[Entry] = []
    start = 0
    while True:
        finished = done.is_set()
        page = log.read(start, limit=limit)
        if page:
            found.extend(page)
            start = page[-1].offset + 1
        elif finished:
            return found


@pytest.mark.parametrize("write", [write_some, write_pipelined], ids=["batched", "pipelined"])
def test_readers_that_follow_many_writers_miss_nothing(
    opened: Opened, write: Callable[[CommitLog, int], list[Entry]]
) -> None:
    done = threading.Event()
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        handles = [opened.log, opened.again()]
        readers = [
            pool.submit(tail, handles[n % 2], done, limit) for n, limit in enumerate((1_000, 7, 40))
        ]
        writers = [pool.submit(write, handles[n % 2], n) for n in range(WRITERS)]
        written = [entries.result() for entries in writers]
        done.set()
        followed = [entries.result() for entries in readers]
    whole = read_all(opened.log)
    assert followed == [whole] * READERS, "nothing missed, nothing twice, nothing out of order"
    assert sorted(entry for entries in written for entry in entries) == whole
    for writer, entries in enumerate(written):
        hold_each_call_in_order(entries, writer)
    if write is write_some:
        assert all(sorted(entries) == entries for entries in written)


def hold_each_call_in_order(entries: Sequence[Entry], writer: int) -> None:
    """The records of one call lie in the order given; others' may lie between them."""
    place = 0
    for batch in batches_of(writer):
        offsets = [entry.offset for entry in entries[place : place + len(batch)]]
        assert offsets == sorted(offsets)
        place += len(batch)
