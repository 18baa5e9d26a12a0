"""Records for tests: short names become ids, and a commit is written in one line."""

from hypothesis import strategies as st

from ledger import record as records
from ledger.genesis import make_genesis
from ledger.log import Entry
from ledger.record import Frame, Header, Kind, Read, Readings, Write
from schemas.leaf import READING_LEAF_SIZE

ORIGIN = "ledger.example/test"
GENESIS = make_genesis(ORIGIN, "2026-11-25T00:00:00Z")


def name(text: str) -> bytes:
    """Return a 16-byte id that reads as its name in a failure."""
    return text.encode().ljust(16, b".")


def frame(text: str, *, readings: int = 0, consent: str = "consent") -> Frame:
    leaves = b"".join(
        b"\x01" + n.to_bytes(16, "big") + name(consent) + bytes(32) for n in range(readings)
    )
    rows = Readings(leaves=leaves, sealed=(b"s",) * readings) if readings else None
    return Frame(leaf=text.encode(), private=b"private", readings=rows)


def commit(
    command: str,
    *writes: tuple[str, int],
    reads: tuple[tuple[str, int], ...] = (),
    ends: tuple[str, ...] = (),
    events: int = 1,
) -> bytes:
    """Return a commit that writes `events` events to each (stream, version)."""
    written = sorted(
        Write(name(stream), version, events, int(stream in ends)) for stream, version in writes
    )
    header = Header(
        kind=Kind.COMMIT,
        command=name(command),
        reads=tuple(Read(name(stream), version) for stream, version in reads),
        writes=tuple(written),
    )
    frames = [frame(f"{command} {n}") for n in range(events * len(written))]
    return records.assemble(
        records.encode_header(header), [records.encode_frame(frame) for frame in frames]
    )


def plain(kind: Kind, command: str, note: bytes = b"") -> bytes:
    """Return a record without streams: a barrier, a change of rule, a genesis."""
    header = Header(kind=kind, command=name(command))
    return records.assemble(records.encode_header(header), (), note)


def barrier(command: str) -> bytes:
    return plain(Kind.BARRIER, command)


def entries(*log: bytes) -> list[Entry]:
    return [Entry(offset, record) for offset, record in enumerate(log)]


_ids = st.binary(min_size=16, max_size=16)
_versions = st.integers(0, 2**32 - 1)
_short = st.binary(max_size=40)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    sealed = draw(st.lists(_short, max_size=3))
    size = READING_LEAF_SIZE * len(sealed)
    leaves = draw(st.binary(min_size=size, max_size=size))
    return Frame(
        leaf=draw(st.binary(min_size=1, max_size=60)),
        private=draw(_short),
        sealed=draw(_short),
        readings=Readings(leaves=leaves, sealed=tuple(sealed)) if sealed else None,
    )


@st.composite
def commits(draw: st.DrawFn) -> tuple[Header, tuple[Frame, ...]]:
    """Draw any well-formed commit: a header in order, and its frames."""
    streams = draw(st.lists(_ids, min_size=1, max_size=6, unique=True))
    cut = draw(st.integers(1, len(streams)))
    held = [draw(st.lists(frames(), min_size=1, max_size=3)) for _ in range(cut)]
    writes = tuple(
        Write(stream, draw(_versions), sum(f.events for f in of_stream), draw(st.integers(0, 1)))
        for stream, of_stream in zip(sorted(streams[:cut]), held, strict=True)
    )
    reads = tuple(Read(stream, draw(_versions)) for stream in sorted(streams[cut:]))
    header = Header(kind=Kind.COMMIT, command=draw(_ids), reads=reads, writes=writes)
    return header, tuple(frame for of_stream in held for frame in of_stream)


def record_of(header: Header, held: tuple[Frame, ...]) -> bytes:
    return records.assemble(
        records.encode_header(header), [records.encode_frame(frame) for frame in held]
    )
