"""Every sealed payload of a ledger's log, and how many of them some keys open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from domain.errors import Corrupt
from keys import sealing
from keys.key import Key
from ledger.frames import key_id_of
from ledger.readings import key_ids
from replay.refold import Refold
from schemas.private import decode_private
from tests.application.world import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.log import CommitLog

Fetch = Callable[[UUID], Key | None]
"""Gets one key, or says that it cannot."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One event's payload as it lies in the log, and the id of the key that it asks for."""

    key: UUID
    content: bytes
    leaf: bytes

    def opens_with(self, secret: bytes) -> bool:
        try:
            sealing.open(Key(self.key, secret), self.content, self.leaf)
        except sealing.SealBroken:
            return False
        return True


def sealed_in(log: CommitLog) -> list[Sealed]:
    """Return all sealed payloads of a log: of events, and of each reading."""
    found: list[Sealed] = []
    for replayed in Refold(log, ORIGIN).commits():
        for frame in replayed.record.frames:
            if (key := key_id_of(frame)) is not None:
                found.append(Sealed(key, frame.sealed, frame.leaf))
            if frame.readings is not None:
                ids = key_ids(frame.readings, decode_private(frame.private).extra)
                found += [
                    Sealed(one, frame.readings.sealed[place], frame.readings.leaf(place))
                    for place, one in enumerate(ids)
                ]
    return found


def opened(payloads: Iterable[Sealed], fetch: Callable[[Iterable[UUID]], dict[UUID, Key]]) -> int:
    """Count the payloads that open with keys got one by one, whatever refuses."""
    count = 0
    for one in payloads:
        try:
            key = fetch([one.key]).get(one.key)
        except Corrupt:
            continue
        count += key is not None and one.opens_with(key.secret)
    return count
