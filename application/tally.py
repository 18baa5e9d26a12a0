"""What the tree's public leaves add up to: counts for metrics and for the doctor.

Leaves are read in order, each once; nothing is opened, and no key is needed. Whoever keeps
a `Tally` pays at each `read` only for what came since, and at most for `LEAVES_AT_ONCE`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.events.consent import ConsentExpired, ConsentRefused, ConsentWithdrawn
from domain.events.delivery import DeliveryCompleted, DeliveryParked, DeliveryReceived
from ledger.store import FoldStore

LEAVES_AT_ONCE: Final = 100_000

_ENDINGS: Final = frozenset({ConsentWithdrawn.TOPIC, ConsentExpired.TOPIC, ConsentRefused.TOPIC})


class _Told(msgspec.Struct, frozen=True):
    """The members of a leaf that are counted."""

    type: str = ""
    hour: str = ""
    payload: dict[str, Any] = {}
    consent: UUID | None = None
    last_day: str | None = None


_decoder: Final = msgspec.json.Decoder(_Told)


@dataclass(slots=True)
class Tally:
    """Counts over the leaves up to `size`; `events` by topic, `refused` and `parked` by reason.

    `taken_at` and `parked_at` are the hours of the last delivery that was taken in and of
    the last that could not be read; `lasts` is the last day of every consent not ended.
    """

    size: int = 0
    events: Counter[str] = field(default_factory=Counter)
    readings: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    parked: Counter[str] = field(default_factory=Counter)
    taken_at: datetime | None = None
    parked_at: datetime | None = None
    lasts: dict[UUID, date] = field(default_factory=dict)

    @property
    def deliveries(self) -> int:
        """How many deliveries were taken in whole."""
        return self.events[DeliveryCompleted.TOPIC]

    def read(self, store: FoldStore, limit: int = LEAVES_AT_ONCE) -> bool:
        """Add the leaves that came since, at most `limit`; say whether that was all."""
        size = store.cursor().size
        stop = min(size, self.size + limit)
        for entry in store.entries(self.size, stop):
            self._add(_decoder.decode(entry))
        self.size = stop
        return stop == size

    def lapsed(self, today: date) -> int:
        """Count the consents whose last day is over and whose ending nobody recorded."""
        return sum(last < today for last in self.lasts.values())

    def _add(self, told: _Told) -> None:
        self.events[told.type] += 1
        if told.consent is not None:
            self._add_consent(told, told.consent)
        if told.type == DeliveryReceived.TOPIC:
            self.readings += told.payload["readings"]
            self.refused.update(told.payload["counts"])
            self.taken_at = _instant(told.hour)
        elif told.type == DeliveryParked.TOPIC:
            self.parked[told.payload["reason"]] += 1
            self.parked_at = _instant(told.hour)

    def _add_consent(self, told: _Told, consent: UUID) -> None:
        if told.last_day is not None:
            self.lasts[consent] = date.fromisoformat(told.last_day)
        elif told.type in _ENDINGS:
            self.lasts.pop(consent, None)


def _instant(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%dT%HZ").replace(tzinfo=UTC)
