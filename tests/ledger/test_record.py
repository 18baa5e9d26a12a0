"""The record's fixed form: one spelling, every departure from it named, nothing crashes."""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import record as records
from ledger.record import Frame, Header, Kind, Read, RecordMalformed, Write
from tests.ledger.builders import GENESIS, barrier, commit, commits, frame, name, record_of

A_DELIVERY = record_of(
    Header(
        kind=Kind.COMMIT,
        command=name("deliver"),
        reads=(Read(name("collection"), 1), Read(name("consent"), 2)),
        writes=(Write(name("delivery"), 0, 4, 1), Write(name("meter"), 7, 1, 0)),
    ),
    (frame("received", readings=3), frame("noted")),
)


def decoded(record: bytes) -> records.Record | None:
    try:
        return records.decode(record)
    except RecordMalformed:
        return None


@given(commits())
def test_a_record_is_read_back_as_it_was_written(
    drawn: tuple[Header, tuple[Frame, ...]],
) -> None:
    header, held = drawn
    record = records.decode(record_of(header, held))
    assert (record.header, record.frames) == (header, held)
    assert record.header_bytes == records.encode_header(header)


@given(commits(), st.randoms(use_true_random=False))
def test_the_order_in_which_streams_are_given_does_not_show(
    drawn: tuple[Header, tuple[Frame, ...]], chance: Random
) -> None:
    header, _ = drawn
    reads, writes = list(header.reads), list(header.writes)
    chance.shuffle(reads)
    chance.shuffle(writes)
    shuffled = Header(
        kind=header.kind, command=header.command, reads=tuple(reads), writes=tuple(writes)
    )
    assert records.encode_header(shuffled) == records.encode_header(header)


@pytest.mark.parametrize("record", [A_DELIVERY, GENESIS, barrier("c"), commit("c", ("a", 3))])
def test_every_changed_byte_is_malformed_or_reads_otherwise(record: bytes) -> None:
    original = records.decode(record)
    for place in range(len(record)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(record)
            changed[place] ^= mask
            assert decoded(bytes(changed)) != original, (place, mask)


@pytest.mark.parametrize("record", [A_DELIVERY, barrier("c"), commit("c", ("a", 3))])
def test_every_shortened_or_lengthened_record_is_malformed(record: bytes) -> None:
    for size in range(len(record)):
        assert decoded(record[:size]) is None, size
    assert decoded(record + b"\0") is None


@given(commits(), st.data())
def test_a_header_that_reads_the_same_is_the_same_bytes(
    drawn: tuple[Header, tuple[Frame, ...]], data: st.DataObject
) -> None:
    encoded = records.encode_header(drawn[0])
    changed = bytearray(encoded)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        header = records.decode_header(bytes(changed))
    except RecordMalformed:
        return
    assert records.encode_header(header) == bytes(changed)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_malformed(record: bytes) -> None:
    decoded(record)


@given(commits())
def test_a_record_folds_the_same_without_its_sealed_parts(
    drawn: tuple[Header, tuple[Frame, ...]],
) -> None:
    header, held = drawn
    bare = tuple(
        Frame(
            leaf=f.leaf,
            private=f.private,
            readings=None
            if f.readings is None
            else records.Readings(leaves=f.readings.leaves, sealed=(b"",) * len(f.readings)),
        )
        for f in held
    )
    record = records.decode(record_of(header, bare))
    assert record.header_bytes == records.encode_header(header)
    assert [f.leaf for f in record.frames] == [f.leaf for f in held]


# ── every reason for which a record is malformed, each by the smallest record that has it ──────


def header_bytes(*, kind: int = 2, reads: bytes = b"", writes: bytes = b"", form: int = 1) -> bytes:
    counts = (len(reads) // 20, len(writes) // 25)
    return struct.pack(">BB16sIH", form, kind, name("c"), *counts) + reads + writes


def read(stream: str) -> bytes:
    return struct.pack(">16sI", name(stream), 0)


def write(stream: str, *, events: int = 1, ends: int = 0) -> bytes:
    return struct.pack(">16sIIB", name(stream), 0, events, ends)


def body(*held: bytes, count: int | None = None) -> bytes:
    return struct.pack(">H", len(held) if count is None else count) + b"".join(held)


def raw_frame(*, leaf: bytes = b"x", readings: int = 0, rest: bytes = b"") -> bytes:
    return struct.pack(">HIII", len(leaf), 0, 0, readings) + leaf + rest


def record(header: bytes, rest: bytes = b"") -> bytes:
    return struct.pack(">I", len(header)) + header + rest


ONE = body(raw_frame())
TWO_READINGS = raw_frame(readings=1, rest=bytes(65) + b"\0\0")

REASONS: dict[str, Callable[[], bytes]] = {
    "header too short": lambda: record(b"\1\2"),
    "form of the header unknown": lambda: record(header_bytes(form=2, writes=write("a")), ONE),
    "kind of the record unknown": lambda: record(header_bytes(kind=9)),
    "header length": lambda: record(header_bytes() + b"\0"),
    "reads out of order": lambda: record(
        header_bytes(reads=read("b") + read("a"), writes=write("c")), ONE
    ),
    "writes out of order": lambda: record(
        header_bytes(writes=write("a") + write("a")), body(raw_frame(), raw_frame())
    ),
    "a write of nothing": lambda: record(header_bytes(writes=write("a", events=0)), ONE),
    "a stream both read and written": lambda: record(
        header_bytes(reads=read("a"), writes=write("a")), ONE
    ),
    "expects do not fit the kind": lambda: record(header_bytes(kind=3, reads=read("a"))),
    "larger than 900000 bytes": lambda: bytes(900_001),
    "record too short": lambda: b"\0\0\0",
    "header longer than the record": lambda: struct.pack(">I", 9) + b"short",
    "events promised and held differ": lambda: record(
        header_bytes(writes=write("a", events=2)), ONE
    ),
    "a barrier with a body": lambda: record(header_bytes(kind=3), b"x"),
    "no frames": lambda: record(header_bytes(writes=write("a")), b"\0"),
    "bytes after the last frame": lambda: record(header_bytes(writes=write("a")), ONE + b"x"),
    "frame too short": lambda: record(header_bytes(writes=write("a")), body(b"", count=1)),
    "length of a leaf": lambda: record(
        header_bytes(writes=write("a")), body(raw_frame(leaf=bytes(16 * 1024 + 1)))
    ),
    "frame longer than the record": lambda: record(
        header_bytes(writes=write("a")), body(raw_frame()[:-1])
    ),
    "readings longer than the record": lambda: record(
        header_bytes(writes=write("a", events=2)), body(TWO_READINGS[:-1])
    ),
}

ALSO: tuple[tuple[str, bytes], ...] = (
    ("kind of the record unknown", record(header_bytes(kind=0))),
    ("a write of nothing", record(header_bytes(writes=write("a", ends=2)), ONE)),
    ("expects do not fit the kind", record(header_bytes(kind=1, writes=write("a")), ONE)),
    ("expects do not fit the kind", record(header_bytes(reads=read("a")), ONE)),
    ("events promised and held differ", record(header_bytes(writes=write("a")), body())),
    ("length of a leaf", record(header_bytes(writes=write("a")), body(raw_frame(leaf=b"")))),
    (
        "readings longer than the record",
        record(
            header_bytes(writes=write("a", events=2)),
            body(raw_frame(readings=1, rest=bytes(65) + b"\0\1")),
        ),
    ),
    (
        "readings longer than the record",
        record(
            header_bytes(writes=write("a", events=2)),
            body(raw_frame(readings=2**32 - 1, rest=bytes(67))),
        ),
    ),
)


@pytest.mark.parametrize(
    ("why", "malformed"), [*((why, make()) for why, make in REASONS.items()), *ALSO]
)
def test_a_malformed_record_is_refused_with_its_reason(why: str, malformed: bytes) -> None:
    with pytest.raises(RecordMalformed) as caught:
        records.decode(malformed)
    assert caught.value.why == why


def test_every_reason_in_the_code_has_its_record_here() -> None:
    source = Path(records.__file__).read_text("utf-8")
    spelled = re.findall(r'RecordMalformed\(\s*f?"([^"]+)"', source)
    assert {why.replace("{RECORD_MAX}", "900000") for why in spelled} == REASONS.keys()
    assert len(REASONS) == 20


def test_the_smallest_and_the_largest_record_are_read() -> None:
    assert records.decode(record(header_bytes(writes=write("a")), ONE)).header.events == 1
    start = record_of(
        Header(kind=Kind.COMMIT, command=name("c"), writes=(Write(name("a"), 0, 1, 0),)),
        (Frame(leaf=b"x", private=b""),),
    )
    full = record_of(
        Header(kind=Kind.COMMIT, command=name("c"), writes=(Write(name("a"), 0, 1, 0),)),
        (Frame(leaf=b"x", private=b"", sealed=bytes(records.RECORD_MAX - len(start))),),
    )
    assert len(full) == records.RECORD_MAX
    assert decoded(full) is not None
