"""Seal readings a file at a time, and open them again.

A reading's payload is packed before it is sealed (a third of the bytes); its
commitment is over the canonical JSON all the same, so that a receipt can be read by
anyone. The bulk forms give the same bytes as one at a time would.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from domain.errors import Corrupt
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)
from domain.values import civil_day
from keys import sealing
from keys.names import KeyName, Purpose
from keys.redaction import Redacted, missing
from ledger.frames import FrameBroken, disclosure
from ledger.record import Readings
from proofs.disclosure import COMMITMENT_V1
from schemas import canonical
from schemas.leaf import ReadingLeaf, decode_reading_leaf, encode_reading_leaf
from schemas.packing import pack, unpack
from schemas.private import ids_in
from schemas.registry import KIND_OF, reading_type

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from datetime import date

    from domain.events.reading import Reading
    from keys.key import Key

GROUP: Final = "reading"
"""The one disclosure group of every reading."""


class ReadingKeysMissing(Corrupt):
    """A delivery does not say which key opens each of its readings."""

    def __init__(self, readings: int, keys: int) -> None:
        """Take the two counts."""
        super().__init__(
            f"a delivery holds {readings} readings and {keys} key ids; it was altered or is not "
            "ours; run 'metroledger audit'"
        )


class Row(NamedTuple):
    """A reading to be sealed: under which consent (16 bytes), with which key, and its bytes."""

    consent: bytes
    key: Key
    kind: int
    packed: bytes
    canonical: bytes


def row_of(consent: UUID, key: Key, reading: Reading) -> Row:
    """Return the row of a reading that was not packed yet."""
    kind = KIND_OF[type(reading)]
    return Row(consent.bytes, key, kind, pack(reading), canonical.encode(reading))


class OpenedReading(NamedTuple):
    """A stored reading, verified; `Redacted` where its key was destroyed on order."""

    leaf: ReadingLeaf
    leaf_bytes: bytes
    key: UUID
    reading: Reading | Redacted


def first_day(reading: Reading) -> date:
    """Return the civil day a reading begins on, which decides the year of its key."""
    match reading:
        case IndexReceived():
            return civil_day(reading.at)
        case IntervalReceived():
            return civil_day(reading.start)
        case LoadCurveDayReceived() | MaximumPowerReceived():
            return reading.day


def key_name_of(owner: UUID, consent: UUID, reading: Reading) -> KeyName:
    """Return the name of the key that seals a reading: one a consent and civil year."""
    year = first_day(reading).year
    return KeyName(owner=owner, purpose=Purpose.READINGS, consent=consent, year=year)


def commitment_of(key: Key, event_id: bytes, reading: Reading) -> bytes:
    """Return the commitment over a reading's canonical JSON."""
    return _commitment(key, event_id, canonical.encode(reading))


def _commitment(key: Key, event_id: bytes, said: bytes) -> bytes:
    disclosed = _disclosure(key, event_id, said)
    return hashlib.sha256(COMMITMENT_V1 + hashlib.sha256(disclosed).digest()).digest()


def disclosure_of(key: Key, event_id: bytes, reading: Reading) -> str:
    """Return a reading's one disclosure."""
    return _disclosure(key, event_id, canonical.encode(reading)).decode("ascii")


def _disclosure(key: Key, event_id: bytes, said: bytes) -> bytes:
    return disclosure(sealing.salt(key, event_id, GROUP), GROUP, said)


def seal_readings(rows: Sequence[Row]) -> tuple[Readings, bytes]:
    """Return the sealed readings, column by column, and the ids of their keys end to end."""
    noise = os.urandom(16 * len(rows))
    leaves: list[bytes] = []
    sealings: list[sealing.Sealing] = []
    for place, (consent, key, kind, packed, said) in enumerate(rows):
        event_id = noise[16 * place : 16 * place + 16]
        commitment = _commitment(key, event_id, said)
        leaf = encode_reading_leaf(ReadingLeaf(kind, event_id, consent, commitment))
        leaves.append(leaf)
        sealings.append(sealing.Sealing(key, packed, leaf))
    sealed = tuple(sealing.seal_many(sealings))
    return Readings(leaves=b"".join(leaves), sealed=sealed), b"".join(r.key.id.bytes for r in rows)


def key_ids(readings: Readings, extra: bytes) -> list[UUID]:
    """Return the key id of each reading of a delivery, out of its private zone."""
    if len(extra) != 16 * len(readings):
        raise ReadingKeysMissing(len(readings), len(extra) // 16)
    return ids_in(extra)


def open_readings(
    readings: Readings,
    ids: Sequence[UUID],
    places: Sequence[int],
    keys: Mapping[UUID, Key],
    ordered: Container[UUID],
) -> Iterator[OpenedReading]:
    """Yield the readings at `places`, verified and opened with the keys fetched for them."""
    for place in places:
        leaf_bytes = readings.leaf(place)
        leaf = decode_reading_leaf(leaf_bytes)
        key = keys.get(ids[place])
        if key is None:
            topic = reading_type(leaf.kind).TOPIC
            yield OpenedReading(leaf, leaf_bytes, ids[place], missing(topic, ids[place], ordered))
        else:
            reading = open_reading(key, leaf, leaf_bytes, readings.sealed[place])
            yield OpenedReading(leaf, leaf_bytes, key.id, reading)


def open_reading(key: Key, leaf: ReadingLeaf, leaf_bytes: bytes, sealed: bytes) -> Reading:
    """Open one reading; raise a `Corrupt` leaf unless it is what its leaf commits to."""
    reading = unpack(leaf.kind, sealing.open(key, sealed, leaf_bytes))
    if commitment_of(key, leaf.event, reading) != leaf.commitment:
        raise FrameBroken(UUID(bytes=leaf.event), "its payload is not what its leaf commits to")
    return reading
