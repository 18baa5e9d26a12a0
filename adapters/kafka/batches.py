"""What a fetch brings: record batches of format 2, as entries without a gap.

::

    batch    base i64 ‖ length i32 ‖ leader epoch i32 ‖ magic i8 = 2 ‖ crc u32 ‖
             attributes i16 ‖ last delta i32 ‖ times i64 i64 ‖ producer i64 i16 i32 ‖ count i32
    record   length ‖ attributes i8 ‖ time ‖ offset delta ‖ key length ‖ key ‖
             value length ‖ value ‖ headers              (lengths and deltas are zigzag varints)

Source: https://kafka.apache.org/documentation/#recordbatch. We read it ourselves because
the client leaves markers of transactions out and fails over a header name that is no
UTF-8: either would let a foreign producer hold up the fold. Here keys and headers are
skipped, a tombstone and a marker are *empty records*, which the fold voids, and so every
offset has its entry. An offset that has none was deleted or compacted away.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from crc32c import crc32c

from domain.errors import Corrupt
from ledger.log import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_batch = struct.Struct(">qiibIhiqqqhii")
_PREFIX: Final = struct.calcsize(">qi")
_CRC_FROM: Final = struct.calcsize(">qiibI")
_MAGIC: Final = 2
_COMPRESSED: Final = 0x07
_CONTROL: Final = 0x20


class RecordsGone(Corrupt):
    """Records that were in the topic are not in it any more."""

    def __init__(self, offset: int, found: int) -> None:
        """Take the offset that was asked for and the next one that is held."""
        super().__init__(
            f"the topic holds no record at offset {offset}, its next one lies at {found}: records "
            "were deleted or compacted away; stop every process of the ledger (manual: kafka)"
        )


class BatchDamaged(Corrupt):
    """Bytes that a broker sent are no batch of records, or not the ones that were written."""

    def __init__(self, offset: int, why: str) -> None:
        """Take the offset of the batch and a word on what fails."""
        super().__init__(
            f"the batch of records at offset {offset} cannot be read: {why}; another replica may "
            "hold it whole (manual: kafka)"
        )


def entries_of(data: bytes, start: int) -> Iterator[Entry]:
    """Yield the entries of a fetch from offset `start` on, one for every offset.

    The last batch may be cut off, and is then left for the next fetch. Raises
    `RecordsGone` where an offset is missing and `BatchDamaged` where bytes are not as written.
    """
    expected, at = start, 0
    while at + _PREFIX <= len(data):
        end = at + _PREFIX + int.from_bytes(data[at + 8 : at + 12], "big", signed=True)
        if end > len(data):
            return
        for entry in _batch_entries(data, at, end):
            if entry.offset < expected:
                continue
            if entry.offset > expected:
                raise RecordsGone(expected, entry.offset)
            yield entry
            expected += 1
        at = end


def _batch_entries(data: bytes, at: int, end: int) -> Iterator[Entry]:
    base, _, _, magic, crc, attributes, last, *_, count = _batch.unpack_from(data, at)
    if magic != _MAGIC:
        raise BatchDamaged(base, f"format {magic}")
    if crc32c(memoryview(data)[at + _CRC_FROM : end]) != crc:
        raise BatchDamaged(base, "its checksum differs")
    if attributes & _COMPRESSED:
        raise BatchDamaged(base, "it is compressed, though the topic must not compress")
    if attributes & _CONTROL:
        return (Entry(base + delta, b"") for delta in range(last + 1))
    return _record_entries(data, at + _batch.size, base, count)


def _record_entries(data: bytes, at: int, base: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        length, at = _varint(data, at)
        end = at + length
        _, at = _varint(data, at + 1)  # past the attributes, and the time
        delta, at = _varint(data, at)
        key, at = _varint(data, at)
        size, at = _varint(data, at + max(key, 0))
        yield Entry(base + delta, data[at : at + max(size, 0)])
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a zigzag varint and where it ends."""
    byte = data[at]
    if byte < 0x80:  # noqa: PLR2004 - most are one byte, and this is run six times a record
        return (byte >> 1) ^ -(byte & 1), at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says whether more follow
            return (value >> 1) ^ -(value & 1), at + 1
        shift += 7
