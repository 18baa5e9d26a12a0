"""Sort a delivery's rows: under which consent each may be taken in, or why it may not.

A point leads through the lookup index to every account that declared it; each has its
own consents and gets its own copy. What no consent covers is counted by its reason and
its values are dropped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from application.residents import meter_lookup
from application.services import collection_id
from domain.aggregates import collection, consent, meter
from domain.aggregates.meter import power_kva_on
from domain.policies.coverage import CATEGORY_OF, Cover, Uncovered, outside, uncovered
from domain.values import civil_day
from ledger.readings import Row, key_name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.deliveries import Incoming
    from application.services import Services
    from application.transact import Loaded
    from domain.aggregates.agreement import Agreement
    from domain.aggregates.collection import Collection
    from domain.aggregates.consent import Consent
    from domain.aggregates.meter import Meter
    from domain.events.reading import Reading
    from domain.values import Category, Stream
    from keys.key import Key
    from keys.names import KeyName

COLLECTOR: Final = "metropole"
"""The recipient whose consents readings are collected under; others read what it holds."""

ACCEPTED: Final = "accepted"
UNKNOWN_POINT: Final = "unknown_point"

Taking = tuple["UUID", "KeyName", "Reading"]
"""A reading to take in: the consent, the name of its key, the reading."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The meters whose ids fall into slice `number` (from 0) of `slices`."""

    number: int = 0
    slices: int = 1

    def holds(self, declared: UUID) -> bool:
        """Whether a meter falls into the slice, by its random id."""
        return declared.int % self.slices == self.number


@dataclass(slots=True)
class Collector:
    """Everything that decides on one part, loaded at once; `cover` is the agreement."""

    services: Services
    incoming: Incoming
    cover: Stream[Agreement] | None
    at: datetime
    slice: Slice
    meters: dict[UUID, Loaded[Meter]] = field(default_factory=dict)
    consents: dict[UUID, Loaded[Consent]] = field(default_factory=dict)
    collections: dict[UUID, Loaded[Collection]] = field(default_factory=dict)

    def sort(
        self, rows: Sequence[tuple[str, Reading]]
    ) -> tuple[list[Taking], dict[str, Counter[str]]]:
        """Return what is taken in, and what became of the rows of each point number."""
        points = self._load({number for number, _ in rows})
        taken: list[Taking] = []
        outcomes: dict[str, Counter[str]] = {}
        for number, reading in rows:
            ends = outcomes.setdefault(number, Counter())
            declared = points.get(number, ())
            if declared:
                ours = [one for one in declared if self.slice.holds(one)]
                ends.update(self._sort_row(ours, reading, taken))
            elif self.slice.number == 0:
                ends.update([UNKNOWN_POINT])
        return taken, outcomes

    def _sort_row(
        self, declared: Iterable[UUID], reading: Reading, taken: list[Taking]
    ) -> Iterator[str]:
        """Yield what becomes of one reading for each account that declared its point."""
        for one in declared:
            consent_id, reason = self._under(one, reading)
            if consent_id is None or reason is not None:
                yield reason or Uncovered.NO_CONSENT
                continue
            granted = self.consents[consent_id].state.granted
            if granted is not None:
                name = key_name_of(granted.account, consent_id, reading)
                taken.append((consent_id, name, reading))
                yield ACCEPTED

    def _under(self, declared: UUID, reading: Reading) -> tuple[UUID | None, Uncovered | None]:
        """Return the first consent that covers a reading, else the first reason why not."""
        category = CATEGORY_OF[type(reading)]
        reasons: list[Uncovered] = []
        for consent_id in self._candidates(declared, category):
            granted = self.consents[consent_id].state.granted
            reason = self._uncovered(declared, consent_id, category)
            if reason is None and granted is not None:
                reason = outside(granted, reading)
            if reason is None:
                return consent_id, None
            reasons.append(reason)
        if self.cover is None:
            return None, Uncovered.NO_AGREEMENT
        return None, reasons[0] if reasons else Uncovered.NO_CONSENT

    def _candidates(self, declared: UUID, category: Category) -> Iterator[UUID]:
        for attached in self.meters[declared].state.attached:
            if attached.category == category and attached.recipient == COLLECTOR:
                yield attached.consent

    def _uncovered(self, declared: UUID, consent_id: UUID, category: Category) -> Uncovered | None:
        running = self.collections.get(collection_id(consent_id, self.incoming.channel))
        cover = Cover(
            channel=self.incoming.channel,
            agreement=self.cover,
            consent=self.consents[consent_id].state,
            collection=running.state if running else None,
            power_kva=power_kva_on(self.meters[declared].state, civil_day(self.at)),
        )
        return uncovered(cover, category, received_at=self.at)

    def _load(self, numbers: Iterable[str]) -> dict[str, tuple[UUID, ...]]:
        """Load every meter, consent and collection behind point numbers, each kind at once."""
        operator, fluid = self.incoming.operator, self.incoming.fluid
        lookups = {meter_lookup(operator, fluid, number): number for number in numbers}
        found = self.services.keys.index.find_many(lookups)
        points = {
            lookups[lookup]: tuple(sorted(entry.subject for entry in entries))
            for lookup, entries in found.items()
        }
        ledger = self.services.ledger
        ours = {m for ids in points.values() for m in ids if self.slice.holds(m)}
        self.meters = ledger.load_many(meter, ours)
        ids = {a.consent for seen in self.meters.values() for a in seen.state.attached}
        self.consents = ledger.load_many(consent, ids)
        channel = self.incoming.channel
        self.collections = ledger.load_many(
            collection, {collection_id(one, channel) for one in ids}
        )
        return points

    def sealable(self, taken: Sequence[Taking], keys: Mapping[KeyName, Key]) -> list[Row]:
        """Return what is taken in, with the keys that were minted for it."""
        return [Row(consent_id, keys[name], reading) for consent_id, name, reading in taken]

    def seen(self, taken: Sequence[Taking]) -> dict[UUID, Loaded[object]]:
        """Return the consents and collections that the commit must expect."""
        expected: dict[UUID, Loaded[object]] = {}
        for consent_id in {consent_id for consent_id, _, _ in taken}:
            stream = collection_id(consent_id, self.incoming.channel)
            given, running = self.consents[consent_id], self.collections[stream]
            expected[consent_id] = given  # type: ignore[assignment]  # states differ, versions matter
            expected[stream] = running  # type: ignore[assignment]  # states differ, versions matter
        return expected
