"""With keys: is each reading of the consented point, and of a day the consent covers?

What cannot be read because a leaf orders its key destroyed is counted as erased; a
key that is gone without an order is a breach (`KEY_LOST`), and so is one that still
opens after a certificate of its destruction (`KEY_ALIVE`). Keys are fetched a record
at a time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from domain.errors import Corrupt
from domain.events.account import AccountErased, AccountOpened, DestructionOrdered
from domain.events.consent import ConsentGranted
from domain.events.destruction import KeysDestroyed
from domain.events.retention import RetentionCarriedOut
from domain.policies.coverage import measured_from
from domain.values import Direction, midnight
from keys.redaction import KeyMissing, Redacted
from ledger.frames import key_id_of, open_event
from ledger.readings import key_ids, open_reading
from replay.findings import Breach, Finding
from replay.integrity import order_matches
from schemas.leaf import decode_reading_leaf
from schemas.private import decode_private, ids_in
from schemas.registry import ORDERS
from schemas.upcasting import UnknownEventVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from domain.events.reading import Reading
    from keys.key import Key
    from ledger.frames import Opened
    from ledger.record import Frame, Readings
    from replay.refold import Replayed
    from replay.statement import Statement


class _Scope(NamedTuple):
    """What a grant says of the point and the days."""

    number: str
    begins: datetime


@dataclass(slots=True)
class Orders:
    """The ids of keys that leaves of the whole log order destroyed, and certify destroyed.

    `profiles` are those that sealed each account's opening: an erasure certifies them destroyed
    whatever its order names.
    """

    ordered: set[UUID] = field(default_factory=set)
    certified: set[UUID] = field(default_factory=set)
    by_cause: dict[UUID, list[UUID]] = field(default_factory=dict)
    profiles: dict[UUID, UUID] = field(default_factory=dict)

    def take(self, statement: Statement) -> None:
        """Note an order or a certificate; an order that its leaf belies orders nothing."""
        said, extra = statement.said, statement.private.extra
        if isinstance(said, ORDERS) and order_matches(extra, said):
            ids = ids_in(extra)
            self.ordered.update(ids)
            cause = (
                said.request if isinstance(said, DestructionOrdered) else statement.private.stream
            )
            self.by_cause.setdefault(cause, []).extend(ids)
        elif isinstance(said, AccountErased | KeysDestroyed):
            self.certified.update(self.by_cause.get(said.request, ()))
            if (profile := self.profiles.get(statement.private.stream)) is not None:
                self.certified.add(profile)
        elif statement.type == AccountOpened.TOPIC:
            self.profiles.setdefault(statement.private.stream, statement.private.key)
        elif isinstance(said, RetentionCarriedOut):
            self.certified.update(self.by_cause.get(statement.private.stream, ()))


@dataclass(slots=True)
class OpenAudit:
    """The open audit's state; fed every accepted commit in order.

    `fetch` returns the living keys of ids; `opened` and `erased` count readings. A grant
    that is erased has the scope None.
    """

    fetch: Callable[[set[UUID]], Mapping[UUID, Key]]
    orders: Orders
    scopes: dict[bytes, _Scope | None] = field(default_factory=dict)
    opened: int = 0
    erased: int = 0

    def take(self, replayed: Replayed) -> Iterator[Finding]:
        """Yield what is wrong with a commit, opened."""
        digest = hashlib.sha256(replayed.record.header_bytes).digest()
        for index, frame in replayed.leaves():
            breach = self._event(frame, digest)
            if breach is not None:
                yield Finding(breach=breach, leaf=index)
            if frame.readings is not None:
                yield from self._readings(index, frame, frame.readings)

    def _event(self, frame: Frame, digest: bytes) -> Breach | None:
        try:
            key = key_id_of(frame)
            keys = self.fetch({key}) if key else {}
            opened = open_event(frame, digest, keys, self.orders.ordered)
        except KeyMissing:
            return Breach.KEY_LOST
        except (Corrupt, UnknownEventVersion):
            return Breach.UNREADABLE
        if opened.leaf.type == ConsentGranted.TOPIC:
            self._grant(opened)
        return None if self.orders.certified.isdisjoint(keys) else Breach.KEY_ALIVE

    def _grant(self, opened: Opened) -> None:
        """Note the scope of a grant; only the first grant of a consent counts."""
        granted, consent = opened.event, opened.leaf.consent
        if isinstance(granted, ConsentGranted):
            scope = _Scope(granted.number, midnight(granted.first_data_day))
            self.scopes.setdefault(granted.consent.bytes, scope)
        elif isinstance(granted, Redacted) and consent is not None:
            self.scopes.setdefault(consent.bytes, None)

    def _readings(self, index: int, frame: Frame, readings: Readings) -> Iterator[Finding]:
        try:
            ids = key_ids(readings, decode_private(frame.private).extra)
        except Corrupt:
            yield Finding(breach=Breach.UNREADABLE, leaf=index)
            return
        keys = self.fetch(set(ids))
        alive = self.orders.certified.intersection(keys)
        for place, key_id in enumerate(ids):
            if key_id in alive:
                breach: Breach | None = Breach.KEY_ALIVE
            else:
                breach = self._reading(readings, place, key_id, keys.get(key_id))
            if breach is not None:
                yield Finding(breach=breach, leaf=index, place=place)

    def _reading(
        self, readings: Readings, place: int, key_id: UUID, key: Key | None
    ) -> Breach | None:
        if key is None:
            ordered = key_id in self.orders.ordered
            self.erased += ordered
            return None if ordered else Breach.KEY_LOST
        leaf_bytes = readings.leaf(place)
        leaf = decode_reading_leaf(leaf_bytes)
        try:
            reading = open_reading(key, leaf, leaf_bytes, readings.sealed[place])
        except Corrupt:
            return Breach.UNREADABLE
        return self._in_scope(leaf.consent, reading)

    def _in_scope(self, consent: bytes, reading: Reading) -> Breach | None:
        """Return what a reading breaks; one of a grant that cannot be read breaks nothing here.

        The grant's own finding, or the closed audit's, then says what is wrong.
        """
        scope = self.scopes.get(consent)
        if scope is None:
            self.erased += consent in self.scopes
            return None
        if reading.number != scope.number:
            return Breach.OTHER_POINT
        if reading.direction is not Direction.CONSUMPTION:
            return Breach.OTHER_DIRECTION
        if measured_from(reading) < scope.begins:
            return Breach.OUTSIDE_PERIMETER
        self.opened += 1
        return None
