"""The commit record: one record of the log is one commit, atomic by being one record.

::

    record   u32 length of the header ‖ header ‖ body

    header   form u8 = 1 ‖ kind u8 ‖ command 16 ‖ reads u32 ‖ writes u16
             reads × ( stream 16 ‖ version u32 )
             writes × ( stream 16 ‖ version u32 ‖ events u32 ‖ ends u8 )

    body     of a commit: frames u16, then each frame:
             leaf u16 ‖ private u32 ‖ sealed u32 ‖ readings u32   (lengths, and a count)
             leaf bytes ‖ private bytes ‖ sealed bytes
             readings × leaf 65 ‖ readings × u16 length ‖ the readings' sealed bytes
             of a barrier: empty; of a genesis or a change of rule: canonical JSON

Reads and writes together are the commit's `expects`: the version of *every* stream
the decision read. Each list is strictly ascending by stream and no stream is in
both, so a header has one spelling. A frame holds one event; a delivery's frame also
holds its readings, each an event of the delivery's stream. Frames lie in the order of
the decision; which stream a frame is of, its private zone says. The sealed parts may be
empty: a record folds the same without them, which is how ciphertext can be dropped.

Malformed means that this form fails, byte by byte. What leaves and sealed parts say
is never looked at here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.errors import Malformed
from schemas.leaf import LEAF_MAX, READING_LEAF_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RECORD_MAX: Final = 900_000
"""The largest record, in bytes: a broker's default limit of 1 MiB counts its overhead."""

FORM: Final = 1

_length = struct.Struct(">I")
_fixed = struct.Struct(">BB16sIH")
_read = struct.Struct(">16sI")
_write = struct.Struct(">16sIIB")
_frames = struct.Struct(">H")
_frame = struct.Struct(">HIII")


class RecordMalformed(Malformed):
    """A log record does not have the fixed form; the fold voids it and goes on."""

    def __init__(self, why: str) -> None:
        """Take a word on what fails."""
        self.why = why
        super().__init__(f"a log record is malformed: {why}; it is void and changes nothing")


class Kind(IntEnum):
    """What a record is; stored by value."""

    GENESIS = 1
    COMMIT = 2
    BARRIER = 3
    RULE = 4


_KINDS: Final = {kind.value: kind for kind in Kind}


class Read(NamedTuple):
    """A stream the decision read and does not write, at the version it saw."""

    stream: bytes
    version: int


class Write(NamedTuple):
    """A stream the commit writes: the version before it, how many events, whether it ends."""

    stream: bytes
    version: int
    events: int
    ends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """All that the rule looks at."""

    kind: Kind
    command: bytes
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()

    @property
    def events(self) -> int:
        """How many events the commit holds."""
        return sum(write.events for write in self.writes)

    def expects(self) -> Iterator[tuple[bytes, int]]:
        """Yield every stream the decision read, written or not, with the version it saw."""
        yield from self.reads
        for write in self.writes:
            yield write.stream, write.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """A delivery's readings, column by column: 65-byte leaves end to end, and sealed bytes."""

    leaves: bytes
    sealed: tuple[bytes, ...]

    def __len__(self) -> int:
        """How many readings."""
        return len(self.sealed)

    def leaf(self, position: int) -> bytes:
        """Return the 65 bytes of the leaf at a position from 0."""
        start = position * READING_LEAF_SIZE
        return self.leaves[start : start + READING_LEAF_SIZE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event as stored; `readings` only in a delivery's."""

    leaf: bytes
    private: bytes
    sealed: bytes = b""
    readings: Readings | None = None

    @property
    def events(self) -> int:
        """How many events of the stream it holds: itself, and its readings."""
        return 1 + (len(self.readings) if self.readings else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record, parsed: `header_bytes` is what leaves bind, `note` a genesis's or rule's JSON."""

    header: Header
    header_bytes: bytes
    frames: tuple[Frame, ...] = ()
    note: bytes = b""


def encode_header(header: Header) -> bytes:
    """Return a header's bytes, its lists put in order."""
    reads = sorted(header.reads)
    writes = sorted(header.writes)
    fixed = _fixed.pack(FORM, header.kind, header.command, len(reads), len(writes))
    return b"".join(
        (
            fixed,
            *(_read.pack(*read) for read in reads),
            *(_write.pack(*write) for write in writes),
        )
    )


def encode_frame(frame: Frame) -> bytes:
    """Return a frame's bytes."""
    readings = frame.readings
    sizes = _frame.pack(
        len(frame.leaf), len(frame.private), len(frame.sealed), len(readings) if readings else 0
    )
    head = sizes + frame.leaf + frame.private + frame.sealed
    if readings is None:
        return head
    lengths = struct.pack(f">{len(readings)}H", *map(len, readings.sealed))
    return b"".join((head, readings.leaves, lengths, *readings.sealed))


def assemble(header: bytes, frames: Sequence[bytes], note: bytes = b"") -> bytes:
    """Return a record out of a header's bytes and its frames'."""
    body = note or (_frames.pack(len(frames)) + b"".join(frames) if frames else b"")
    return _length.pack(len(header)) + header + body


def decode_header(encoded: bytes) -> Header:
    """Parse a header; raise `RecordMalformed` unless it has the one spelling it may have."""
    if len(encoded) < _fixed.size:
        raise RecordMalformed("header too short")
    form, kind, command, reads, writes = _fixed.unpack_from(encoded)
    if form != FORM:
        raise RecordMalformed("form of the header unknown")
    if kind not in _KINDS:
        raise RecordMalformed("kind of the record unknown")
    middle = _fixed.size + reads * _read.size
    if len(encoded) != middle + writes * _write.size:
        raise RecordMalformed("header length")
    header = Header(
        kind=_KINDS[kind],
        command=command,
        reads=tuple(map(Read._make, _read.iter_unpack(encoded[_fixed.size : middle]))),
        writes=tuple(map(Write._make, _write.iter_unpack(encoded[middle:]))),
    )
    _check_header(header)
    return header


def _check_header(header: Header) -> None:
    """Refuse lists out of order, a stream named twice, a write of nothing, odd flags."""
    read, written = [r.stream for r in header.reads], [w.stream for w in header.writes]
    if len(read) > 1 and read != sorted(set(read)):
        raise RecordMalformed("reads out of order")
    if len(written) > 1 and written != sorted(set(written)):
        raise RecordMalformed("writes out of order")
    for write in header.writes:
        if write.events < 1 or write.ends > 1:
            raise RecordMalformed("a write of nothing")
    if read and not set(written).isdisjoint(read):
        raise RecordMalformed("a stream both read and written")
    if (header.kind is Kind.COMMIT) != bool(header.writes) or (
        header.kind is not Kind.COMMIT and header.reads
    ):
        raise RecordMalformed("expects do not fit the kind")


def split(encoded: bytes) -> tuple[bytes, bytes]:
    """Return a record's header bytes and body bytes."""
    if len(encoded) > RECORD_MAX:
        raise RecordMalformed(f"larger than {RECORD_MAX} bytes")
    if len(encoded) < _length.size:
        raise RecordMalformed("record too short")
    (length,) = _length.unpack_from(encoded)
    end = _length.size + length
    if end > len(encoded):
        raise RecordMalformed("header longer than the record")
    return encoded[_length.size : end], encoded[end:]


def decode(encoded: bytes) -> Record:
    """Parse a record; raise `RecordMalformed` where the fixed form fails."""
    header_bytes, body = split(encoded)
    header = decode_header(header_bytes)
    if header.kind is Kind.COMMIT:
        frames = tuple(_decode_frames(body))
        if sum(frame.events for frame in frames) != header.events:
            raise RecordMalformed("events promised and held differ")
        return Record(header=header, header_bytes=header_bytes, frames=frames)
    if header.kind is Kind.BARRIER and body:
        raise RecordMalformed("a barrier with a body")
    return Record(header=header, header_bytes=header_bytes, note=body)


def _decode_frames(body: bytes) -> Iterator[Frame]:
    if len(body) < _frames.size:
        raise RecordMalformed("no frames")
    (count,) = _frames.unpack_from(body)
    at = _frames.size
    for _ in range(count):
        frame, at = decode_frame(body, at)
        yield frame
    if at != len(body):
        raise RecordMalformed("bytes after the last frame")


def decode_frame(body: bytes, at: int = 0) -> tuple[Frame, int]:
    """Parse the frame that begins at `at`; return it and where it ends."""
    if at + _frame.size > len(body):
        raise RecordMalformed("frame too short")
    leaf, private, sealed, readings = _frame.unpack_from(body, at)
    if not 0 < leaf <= LEAF_MAX:
        raise RecordMalformed("length of a leaf")
    start = at + _frame.size
    ends = (start + leaf, start + leaf + private, start + leaf + private + sealed)
    if ends[2] > len(body):
        raise RecordMalformed("frame longer than the record")
    rows, end = _decode_readings(body, ends[2], readings)
    frame = Frame(
        leaf=body[start : ends[0]],
        private=body[ends[0] : ends[1]],
        sealed=body[ends[1] : ends[2]],
        readings=rows,
    )
    return frame, end


def _decode_readings(body: bytes, at: int, count: int) -> tuple[Readings | None, int]:
    if not count:
        return None, at
    lengths_at = at + count * READING_LEAF_SIZE
    sealed_at = lengths_at + 2 * count
    if sealed_at > len(body):
        raise RecordMalformed("readings longer than the record")
    lengths = struct.unpack_from(f">{count}H", body, lengths_at)
    end = sealed_at + sum(lengths)
    if end > len(body):
        raise RecordMalformed("readings longer than the record")
    sealed: list[bytes] = []
    position = sealed_at
    for length in lengths:
        sealed.append(body[position : position + length])
        position += length
    return Readings(leaves=body[at:lengths_at], sealed=tuple(sealed)), end
