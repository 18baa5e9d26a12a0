"""With keys: is each reading of the consented point, and of a day the consent covers?

What cannot be read because a leaf orders its key destroyed is counted as erased; a
key that is gone without an order is a breach (`KEY_LOST`). Keys are fetched a record
at a time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from domain.errors import Corrupt
from domain.events.consent import ConsentGranted
from keys.redaction import KeyMissing, Redacted
from ledger.frames import key_id_of, open_event
from ledger.readings import first_day, key_ids, open_readings
from replay.findings import Breach, Finding
from schemas.leaf import decode_leaf
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keys.key import Key
    from ledger.readings import OpenedReading
    from ledger.record import Frame, Readings
    from replay.refold import Replayed


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a grant says of the point and the days, None once it is erased."""

    number: str | None
    first_data_day: date


@dataclass(slots=True)
class OpenAudit:
    """The open audit's state; fed every accepted commit in order.

    `fetch` returns the living keys of ids; `ordered` are the ids that leaves order
    destroyed, of the whole log. `opened` and `erased` count readings.
    """

    fetch: Callable[[set[UUID]], Mapping[UUID, Key]]
    ordered: frozenset[UUID]
    scopes: dict[bytes, _Scope] = field(default_factory=dict)
    opened: int = 0
    erased: int = 0

    def take(self, replayed: Replayed) -> Iterator[Finding]:
        """Yield what is wrong with a commit, opened."""
        digest = hashlib.sha256(replayed.record.header_bytes).digest()
        for index, frame in enumerate(replayed.record.frames, replayed.commit.leaf):
            yield from self._event(index, frame, digest)
            if frame.readings is not None:
                yield from self._readings(index, frame, frame.readings)

    def _event(self, index: int, frame: Frame, digest: bytes) -> Iterator[Finding]:
        key = key_id_of(frame)
        keys = self.fetch({key}) if key else {}
        try:
            opened = open_event(frame, digest, keys, self.ordered)
        except KeyMissing:
            yield Finding(breach=Breach.KEY_LOST, leaf=index)
        except Corrupt:
            yield Finding(breach=Breach.UNREADABLE, leaf=index)
        else:
            if isinstance(granted := opened.event, ConsentGranted):
                scope = _Scope(granted.number, granted.first_data_day)
                self.scopes[granted.consent.bytes] = scope
            elif isinstance(granted, Redacted) and opened.leaf.type == ConsentGranted.TOPIC:
                consent = opened.leaf.consent or UUID(int=0)
                self.scopes[consent.bytes] = _Scope(None, date.min)

    def _readings(self, index: int, frame: Frame, readings: Readings) -> Iterator[Finding]:
        try:
            ids = key_ids(readings, decode_private(frame.private).extra)
        except Corrupt:
            yield Finding(breach=Breach.READINGS_ALTERED, leaf=index)
            return
        keys = self.fetch(set(ids))
        for place in range(len(readings)):
            breach = self._reading(readings, ids, place, keys)
            if breach is not None:
                yield Finding(breach=breach, leaf=index, place=place)

    def _reading(
        self, readings: Readings, ids: list[UUID], place: int, keys: Mapping[UUID, Key]
    ) -> Breach | None:
        try:
            (opened,) = open_readings(readings, ids, [place], keys, self.ordered)
        except KeyMissing:
            return Breach.KEY_LOST
        except Corrupt:
            return Breach.UNREADABLE
        if isinstance(opened.reading, Redacted):
            self.erased += 1
            return None
        self.opened += 1
        return self._in_scope(opened)

    def _in_scope(self, opened: OpenedReading) -> Breach | None:
        scope = self.scopes.get(opened.leaf.consent)
        reading = opened.reading
        if scope is None or isinstance(reading, Redacted):
            return Breach.NO_CONSENT
        if scope.number is not None and scope.number != reading.number:
            return Breach.OTHER_POINT
        outside = first_day(reading) < scope.first_data_day
        return Breach.OUTSIDE_PERIMETER if outside else None


def ordered_by(replayed: Replayed) -> Iterator[UUID]:
    """Yield the ids of the keys that a commit orders destroyed."""
    for frame in replayed.record.frames:
        if b'"type":"DestructionOrdered' in frame.leaf and decode_leaf(frame.leaf).type == (
            "DestructionOrdered.v1"
        ):
            extra = decode_private(frame.private).extra
            yield from (UUID(bytes=extra[at : at + 16]) for at in range(0, len(extra), 16))
