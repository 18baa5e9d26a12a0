"""What some commits bring to the projections, sorted: what is copied, and what is to be opened."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from domain.errors import Corrupt
from keys.key import WrapBroken
from ledger.readings import ReadingKeysMissing
from projections.requests import ENDS, MARKS, Step
from projections.standing import PUBLIC_MARKS
from projections.store import Slip, Unread
from schemas.leaf import decode_leaf, rest_of
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from uuid import UUID

    from keys.key import Key
    from keys.store import KeyStore
    from ledger.record import Frame, Readings, Record
    from ledger.store import Accepted
    from schemas.private import Private


class ToOpen(NamedTuple):
    """An event still to be opened: its position, its commit's header's digest, its key."""

    position: int
    header: bytes
    frame: Frame
    private: Private


@dataclass(slots=True)
class Gathered:
    """What some commits bring, before it is sealed."""

    slips: list[Slip] = field(default_factory=list)
    frames: list[ToOpen] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    @property
    def leaving(self) -> set[UUID]:
        """The accounts whose erasure request moved."""
        return {step.account for step in self.steps}


def gather(gathered: Gathered, commit: Accepted, record: Record) -> int:
    """Sort a record's frames into what is copied and what is opened; return its size in bytes."""
    header = hashlib.sha256(record.header_bytes).digest()
    size, position = 0, commit.position
    for place, frame in enumerate(record.frames):
        size += len(frame.leaf) + len(frame.private) + len(frame.sealed)
        try:
            if frame.readings is not None:
                size += sum(map(len, frame.readings.sealed))
                gathered.slips += _slips(frame.readings, frame.private, commit.leaf + place)
            elif frame.sealed or any(mark in frame.leaf for mark in PUBLIC_MARKS):
                private = decode_private(frame.private)
                gathered.frames.append(ToOpen(position, header, frame, private))
                gathered.steps += _steps(record, header, frame, private)
        except Corrupt as error:
            gathered.unread.append(Unread(position, type(error).__name__))
        position += frame.events
    return size


def _steps(record: Record, header: bytes, frame: Frame, private: Private) -> Iterator[Step]:
    """Yield where an erasure request moves to, if the commit wrote that very account's stream.

    The rule looks at headers alone: a frame that names another stream is accepted, and moves
    nobody's request.
    """
    if any(mark in frame.leaf for mark in MARKS):
        leaf = decode_leaf(frame.leaf)
        written = {write.stream for write in record.header.writes}
        if private.stream.bytes in written and leaf.rest == rest_of(header, frame.private):
            yield Step(private.stream, leaf.type, private.at)


def _slips(readings: Readings, private_zone: bytes, leaf: int) -> Iterator[Slip]:
    private = decode_private(private_zone)
    if len(private.extra) != 16 * len(readings):
        raise ReadingKeysMissing(len(readings), len(private.extra) // 16)
    for place, sealed in enumerate(readings.sealed):
        reading_leaf = readings.leaf(place)
        key = private.extra[16 * place : 16 * place + 16]
        yield Slip(reading_leaf[17:33], leaf, place, private.at, key, reading_leaf, sealed)


def whole(keys: KeyStore, ids: Collection[UUID]) -> dict[UUID, Key]:
    """Fetch keys; one whose wrap is broken is as one that is missing, and holds up no other."""
    try:
        return keys.fetch(ids)
    except WrapBroken:
        found: dict[UUID, Key] = {}
        for one in ids:
            with contextlib.suppress(WrapBroken):
                found |= keys.fetch([one])
        return found


def believed(keys: KeyStore, steps: Iterable[Step]) -> list[Step]:
    """Leave out the ends of erasures whose accounts have keys yet: their leaves are not ours.

    An end is written when the keys are gone; the leaf alone, which anybody may append, ends none.
    """
    return [one for one in steps if one.topic not in ENDS or not keys.keys_of(one.account)]
