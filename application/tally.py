"""What the tree's public leaves add up to: counts for metrics and for the doctor.

Leaves are read in order, each once; nothing is opened, and no key is needed. Whoever keeps
a `Tally` pays at each `read` only for what came since, and at most for `LEAVES_AT_ONCE`.

Anyone may append to the log, and a leaf that the fold accepted may still be nobody's of
ours. So what it calls itself is no label: a type that is not registered, and a reason that
is not known, count as "other".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

import msgspec

from application.collecting import ACCEPTED, UNKNOWN_POINT
from domain.events.consent import ConsentExpired, ConsentRefused, ConsentWithdrawn
from domain.events.delivery import DeliveryCompleted, DeliveryParked, DeliveryReceived
from domain.policies.coverage import Uncovered
from ledger.store import FoldStore
from schemas.registry import EVENT_TYPES

LEAVES_AT_ONCE: Final = 100_000
OTHER: Final = "other"

_REFUSED: Final = frozenset({*Uncovered, ACCEPTED, UNKNOWN_POINT, "blank", "repeated"})
_ENDINGS: Final = frozenset({ConsentWithdrawn.TOPIC, ConsentExpired.TOPIC, ConsentRefused.TOPIC})


class _Payload(msgspec.Struct, frozen=True):
    """The members of a delivery's payload that are counted."""

    readings: int = 0
    counts: dict[str, int] = {}
    reason: str = OTHER


class _Told(msgspec.Struct, frozen=True):
    """The members of a leaf that are counted; `hour` as "2026-11-25T03Z"."""

    type: str = ""
    hour: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    consent: UUID | None = None
    last_day: date | None = None


_decoder: Final = msgspec.json.Decoder(_Told)
_payload_decoder: Final = msgspec.json.Decoder(_Payload)


@dataclass(slots=True)
class Tally:
    """Counts over the leaves up to `size`; `events` by topic, `refused` and `parked` by reason.

    `codes` are the reasons for which files are parked: the readers of files know them.
    `taken_at` and `parked_at` are the hours of the last delivery that was taken in and of
    the last that could not be read; `lasts` is the last day of every consent not ended.
    """

    codes: frozenset[str]
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
            self.add(entry)
        self.size = stop
        return stop == size

    def add(self, entry: bytes) -> None:
        """Add one leaf; one that is none of ours adds to "other" alone."""
        try:
            told = _decoder.decode(entry)
            payload = _payload_decoder.decode(told.payload)
            hour = datetime.strptime(told.hour, "%Y-%m-%dT%HZ").replace(tzinfo=UTC)
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            self.events[OTHER] += 1
            return
        self.events[told.type if told.type in EVENT_TYPES else OTHER] += 1
        if told.consent is not None:
            self._add_consent(told, told.consent)
        if told.type == DeliveryReceived.TOPIC:
            self.readings += max(payload.readings, 0)
            for reason, count in payload.counts.items():
                self.refused[reason if reason in _REFUSED else OTHER] += max(count, 0)
            self.taken_at = hour
        elif told.type == DeliveryParked.TOPIC:
            self.parked[payload.reason if payload.reason in self.codes else OTHER] += 1
            self.parked_at = hour

    def lapsed(self, today: date) -> int:
        """Count the consents whose last day is over and whose ending nobody recorded."""
        return sum(last < today for last in self.lasts.values())

    def _add_consent(self, told: _Told, consent: UUID) -> None:
        if told.last_day is not None:
            self.lasts[consent] = told.last_day
        elif told.type in _ENDINGS:
            self.lasts.pop(consent, None)
