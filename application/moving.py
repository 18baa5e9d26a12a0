"""Move a ledger to another log: copy it record by record, then let the fold go on from there.

A copy is verbatim, void records too, so each record has the offset it had, and all that the
fold wrote stays true of the copy. Leaves hold no offset, so roots and receipts stay as they
are in any case. What is left out with `without_erased` is ciphertext whose keys were
destroyed on order: a record folds the same without its sealed parts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from domain.errors import Corrupt, Malformed, Refused
from ledger.fold import LogNotOurs
from ledger.readings import key_ids
from ledger.record import Frame, Kind, Readings, RecordMalformed, assemble, decode, encode_frame
from ledger.store import Folded
from replay.rebuild import Rebuilt, rebuild
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from uuid import UUID

    from ledger.log import CommitLog
    from ledger.store import FoldStore

BATCH_RECORDS: Final = 1_000
BATCH_BYTES: Final = 8 << 20


class NotACopy(Refused):
    """What the other log holds is not the beginning of what is to be copied there."""

    def __init__(self, offset: int) -> None:
        """Take where the other log first differs."""
        super().__init__(
            f"the other log differs at offset {offset}: it is another ledger's, or two copies ran "
            "at once; nothing more was written there: make a new one and copy again"
        )


class NotTheSame(Refused):
    """The other log does not lead to what was folded here."""

    def __init__(self, ends_at: int, folded: int) -> None:
        """Take the offset after the other log's last record, and after what was folded here."""
        super().__init__(
            f"the other log, up to offset {ends_at}, does not lead to what was folded here, up to "
            f"{folded}; the ledger was left on its log: stop every process of it, copy again (what "
            "is there is gone on with), and repeat this"
        )


def copy_log(
    source: CommitLog, target: CommitLog, change: Callable[[bytes], bytes] = bytes
) -> Iterator[int]:
    """Copy what the target lacks, and read all of it back; yield how many records it holds so far.

    One that was interrupted is gone on with. `change` is applied to each record. Raises
    `NotACopy`, and `Unavailable` where either log does not answer.
    """
    start, place = source.begin(), target.begin()
    while entries := source.read(start, limit=BATCH_RECORDS, bytes_max=BATCH_BYTES):
        wanted = [change(entry.record) for entry in entries]
        while wanted:
            held = [one.record for one in target.read(place, limit=len(wanted))]
            if held != wanted[: len(held)]:
                raise NotACopy(place)
            wanted = wanted[len(held) :]
            place += len(held)
            if not held:
                target.append(wanted)  # whether it is there is read, not believed
        start = entries[-1].offset + 1
        yield place


def adopt(log: CommitLog, store: FoldStore, origin: str) -> Rebuilt:
    """Have the fold go on from another log, having folded all of that again and compared.

    Raises `LogNotOurs` where that log may lose records, `NotTheSame` where it leads elsewhere.
    """
    described = log.describe()
    if described.faults:
        raise LogNotOurs("; ".join(described.faults))
    result = rebuild(log, store, origin)
    if not replace(result, again=replace(result.again, last=result.written.last)).same:
        raise NotTheSame(result.again.offset, result.written.offset)
    moved = replace(result.written, identity=described.identity, last=result.again.last)
    nothing = Folded(
        cursor=moved,
        records=0,
        heads={},
        fates={},
        accepted=[],
        segments=[],
        leaves=[],
        readings=[],
    )
    if not store.commit(result.written, nothing):
        raise NotTheSame(result.again.offset, store.cursor().offset)
    return result


def without_erased(record: bytes, ordered: Container[UUID]) -> bytes:
    """Return a record without the ciphertext of keys whose destruction was ordered."""
    try:
        parsed = decode(record)
    except RecordMalformed:
        return record
    if parsed.header.kind is not Kind.COMMIT:
        return record
    kept = [_kept(frame, ordered) for frame in parsed.frames]
    return assemble(parsed.header_bytes, [encode_frame(frame) for frame in kept])


def _kept(frame: Frame, ordered: Container[UUID]) -> Frame:
    try:
        private = decode_private(frame.private)
        ids = key_ids(frame.readings, private.extra) if frame.readings else []
    except (Corrupt, Malformed):
        return frame  # not written by this ledger: nobody can say whose it is
    sealed = b"" if private.key in ordered else frame.sealed
    return replace(frame, sealed=sealed, readings=_readings_kept(frame.readings, ids, ordered))


def _readings_kept(
    readings: Readings | None, ids: Sequence[UUID], ordered: Container[UUID]
) -> Readings | None:
    if readings is None:
        return None
    pairs = zip(ids, readings.sealed, strict=True)
    return replace(readings, sealed=tuple(b"" if key in ordered else one for key, one in pairs))
