"""Sort a delivery's rows: under which consent each may be taken in, or why it may not.

A point leads through the lookup index to every account that declared it; each has its
own consents and gets its own copy. What no consent covers is counted by its reason and
its values are dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from application.residents import meter_lookup
from application.services import collection_id
from application.transact import Loaded
from domain.aggregates import collection, meter
from domain.aggregates.meter import power_kva_on
from domain.policies.coverage import CATEGORY_OF, Cover, Uncovered, outside, uncovered
from domain.values import civil_day
from keys.index import Entry
from ledger.readings import Row, key_name_of
from projections.standing import Placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.deliveries import Incoming
    from application.services import Services
    from domain.aggregates.agreement import Agreement
    from domain.aggregates.collection import Collection
    from domain.aggregates.consent import Consent
    from domain.aggregates.meter import Meter
    from domain.events.consent import ConsentGranted
    from domain.events.meter import ConsentAttached
    from domain.events.reading import Reading
    from domain.values import Stream
    from keys.key import Key
    from keys.names import KeyName

COLLECTOR: Final = "metropole"
"""The recipient whose consents readings are collected under; others read what it holds."""

ACCEPTED: Final = "accepted"
UNKNOWN_POINT: Final = "unknown_point"

Points = Mapping[str, tuple[Entry, ...]]
"""The accounts that declared a point and their meters for it, by the point's number."""

_UNSTARTED: Final = Placed(0, False, collection.INITIAL)  # noqa: FBT003 (version, ended, state)


class PackedRow(NamedTuple):
    """One row of a delivery, packed: its size decides where the delivery is cut."""

    number: str
    reading: Reading
    packed: bytes


Taking = tuple["UUID", "KeyName", PackedRow]
"""A reading to take in: the consent, the name of its key, the row."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The meters whose ids fall into slice `number` (from 0) of `slices`."""

    number: int = 0
    slices: int = 1

    def holds(self, declared: UUID) -> bool:
        """Whether a meter falls into the slice, by its random id."""
        return declared.int % self.slices == self.number


@dataclass(frozen=True, slots=True)
class Collecting:
    """What stays the same however often a part is decided."""

    services: Services
    incoming: Incoming
    points: Points
    slice: Slice


@dataclass(slots=True)
class Collector:
    """Everything that decides on one part, loaded at once; `cover` is the agreement.

    `reasons` says of each consent why no reading may be taken in under it, None when
    some may.
    """

    collecting: Collecting
    cover: Stream[Agreement] | None
    at: datetime
    meters: dict[UUID, Placed[Meter]] = field(default_factory=dict)
    consents: dict[UUID, Placed[Consent]] = field(default_factory=dict)
    collections: dict[UUID, Placed[Collection]] = field(default_factory=dict)
    reasons: dict[UUID, Uncovered | None] = field(default_factory=dict)

    def sort(self, rows: Sequence[PackedRow]) -> tuple[list[Taking], dict[str, Counter[str]]]:
        """Return what is taken in, and what became of the rows of each point number."""
        points, part = self.collecting.points, self.collecting.slice
        ours = {
            number: [one.subject for one in points.get(number, ()) if part.holds(one.subject)]
            for number in {row.number for row in rows}
        }
        self._load(ours)
        taken: list[Taking] = []
        outcomes: dict[str, Counter[str]] = {}
        for row in rows:
            ends = outcomes.setdefault(row.number, Counter())
            ends.update(self._sort_row(ours[row.number], row, taken))
            if row.number not in points and part.number == 0:
                ends.update([UNKNOWN_POINT])
        return taken, outcomes

    def _sort_row(
        self, declared: Iterable[UUID], row: PackedRow, taken: list[Taking]
    ) -> Iterator[str]:
        """Yield what becomes of one reading for each account that declared its point."""
        for one in declared:
            granted, reason = self._under(one, row.reading)
            if granted is None:
                yield reason
                continue
            name = key_name_of(granted.account, granted.consent, row.reading)
            taken.append((granted.consent, name, row))
            yield ACCEPTED

    def _under(self, declared: UUID, reading: Reading) -> tuple[ConsentGranted | None, Uncovered]:
        """Return the first grant that covers a reading, else the first reason why none does."""
        reasons: list[Uncovered] = []
        for attached in self._candidates(declared):
            granted = self.consents[attached.consent].state.granted
            if granted is None or attached.category != CATEGORY_OF[type(reading)]:
                continue
            reason = self.reasons[attached.consent] or outside(granted, reading)
            if reason is None:
                return granted, Uncovered.NO_CONSENT
            reasons.append(reason)
        if self.cover is None:
            return None, Uncovered.NO_AGREEMENT
        return None, reasons[0] if reasons else Uncovered.NO_CONSENT

    def _candidates(self, declared: UUID) -> Iterator[ConsentAttached]:
        attached = self.meters[declared].state.attached
        return (one for one in attached if one.recipient == COLLECTOR)

    def _load(self, ours: Mapping[str, Sequence[UUID]]) -> None:
        """Load how the accounts behind these points stand: their meters, consents, collections.

        What is read may be older than the ledger; the commit expects the versions read.
        """
        services = self.collecting.services
        declared = {one for meters in ours.values() for one in meters}
        entries = {entry for number in ours for entry in self.collecting.points.get(number, ())}
        owners = {entry.owner for entry in entries if entry.subject in declared}
        for standing in services.shown.standing_of(owners).values():
            self.meters |= {one: standing.meters[one] for one in declared & standing.meters.keys()}
            self.consents |= standing.consents
            self.collections |= standing.collections
        for one in declared - self.meters.keys():  # destroyed since the index was asked
            self.meters[one] = Placed(0, False, meter.INITIAL)  # noqa: FBT003 (version, ended, state)
        for one in self.meters:
            for each in self._candidates(one):
                self.reasons[each.consent] = self._uncovered(one, each)

    def _uncovered(self, declared: UUID, attached: ConsentAttached) -> Uncovered | None:
        channel = self.collecting.incoming.channel
        cover = Cover(
            channel=channel,
            agreement=self.cover,
            consent=self.consents[attached.consent].state,
            collection=self._collection(attached.consent).state,
            power_kva=power_kva_on(self.meters[declared].state, civil_day(self.at)),
        )
        return uncovered(cover, attached.category, received_at=self.at)

    def _collection(self, consent_id: UUID) -> Placed[Collection]:
        stream = collection_id(consent_id, self.collecting.incoming.channel)
        return self.collections.get(stream, _UNSTARTED)

    def seen(self, taken: Sequence[Taking]) -> dict[UUID, Loaded[Any]]:
        """Return the consents and collections that the commit must expect."""
        expected: dict[UUID, Loaded[Any]] = {}
        for consent_id in {consent_id for consent_id, _, _ in taken}:
            stream = collection_id(consent_id, self.collecting.incoming.channel)
            for one, placed in (
                (consent_id, self.consents[consent_id]),
                (stream, self.collections[stream]),
            ):
                expected[one] = Loaded(placed.state, placed.version, placed.ended)
        return expected


def find_points(services: Services, incoming: Incoming) -> Points:
    """Return who declared a delivery's points, all at once."""
    operator, fluid = incoming.operator, incoming.fluid
    lookups = {meter_lookup(operator, fluid, number): number for number, _ in incoming.rows}
    return {
        lookups[lookup]: tuple(sorted(entries, key=lambda entry: entry.subject))
        for lookup, entries in services.keys.index.find_many(lookups).items()
    }


def sealable(taken: Sequence[Taking], keys: Mapping[KeyName, Key]) -> list[Row]:
    """Return what is taken in, with the keys that were minted for it."""
    return [Row(consent, keys[name], row.reading, row.packed) for consent, name, row in taken]
