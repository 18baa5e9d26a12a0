"""Batches are read as the client's own reader reads them, and what is not as written is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from adapters.kafka.batches import BatchDamaged, RecordsGone, entries_of
from ledger.log import Entry

_value = st.none() | st.binary(max_size=200)
_header = st.tuples(st.text(max_size=5), _value)
_record = st.tuples(_value, _value, st.lists(_header, max_size=3))
_batches = st.lists(st.lists(_record, min_size=1, max_size=20), max_size=4)

FROM_BASE = 8 + 4 + 4 + 1 + 4
ATTRIBUTES = FROM_BASE + 1


def encoded(
    *batches: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
) -> bytes:
    """Return batches as a broker sends them, at offsets from 0 on."""
    data, base = b"", 0
    for records in batches:
        builder = MemoryRecordsBuilder(2, 0, 1 << 20)
        for key, value, headers in records:
            builder.append(1_764_000_000_000, key, value, headers)
        builder.close()
        data += base.to_bytes(8, "big") + bytes(builder.buffer())[8:]
        base += len(records)
    return data


def plain(*values: bytes) -> bytes:
    return encoded([(None, value, []) for value in values])


@given(_batches, st.integers(0, 90))
def test_the_clients_own_reader_finds_the_same(
    batches: list[list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]],
    start: int,
) -> None:
    data = encoded(*batches)
    theirs = [
        Entry(record.offset, record.value or b"")
        for batch in MemoryRecords(data)
        for record in batch
    ]
    if start < len(theirs):
        assert list(entries_of(data, start)) == theirs[start:]
    assert list(entries_of(data, 0)) == theirs


@given(st.integers(0, 400))
def test_a_batch_that_was_cut_off_is_left_for_the_next_fetch(cut: int) -> None:
    data = plain(b"1", b"2") + b""
    both = data + (2).to_bytes(8, "big") + plain(bytes(300))[8:]
    found = list(entries_of(both[: len(data) + min(cut, 300)], 0))
    assert found == [Entry(0, b"1"), Entry(1, b"2")]


@given(st.data())
def test_any_byte_that_is_not_as_written_is_noticed(draw: st.DataObject) -> None:
    data = bytearray(plain(b"one", b"two"))
    place = draw.draw(st.integers(FROM_BASE, len(data) - 1))
    data[place] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(BatchDamaged, match="checksum"):
        list(entries_of(bytes(data), 0))


def test_an_offset_that_has_no_record_any_more_stops_the_reader() -> None:
    later = (7).to_bytes(8, "big") + plain(b"late")[8:]
    with pytest.raises(RecordsGone, match=r"offset 2, its next one lies at 7.*manual: kafka"):
        list(entries_of(plain(b"0", b"1") + later, 0))


def test_another_format_and_a_compressed_batch_are_not_guessed_at() -> None:
    old = bytearray(plain(b"1"))
    old[16] = 1
    with pytest.raises(BatchDamaged, match="format 1"):
        list(entries_of(bytes(old), 0))
    builder = MemoryRecordsBuilder(2, 1, 1 << 20)
    builder.append(0, None, bytes(500))
    builder.close()
    with pytest.raises(BatchDamaged, match="compressed"):
        list(entries_of(bytes(builder.buffer()), 0))
