"""Sort a delivery's rows: under which consent each may be taken in, or why it may not.

A point leads through the lookup index to every account that declared it; each has its
own consents and gets its own copy. What no consent covers is counted by its reason and
its values are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from application.residents import meter_value
from domain.aggregates.collection import CollectionStatus
from domain.aggregates.meter import power_of
from domain.policies.coverage import (
    Footing,
    Perimeter,
    Uncovered,
    outside_of,
    uncovered_on,
)
from keys.index import Kind
from keys.names import KeyName, Purpose
from ledger.readings import Row
from ledger.record import Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from application.incoming import Incoming
    from application.services import Services
    from domain.aggregates.agreement import Agreement
    from domain.values import Category, Stream
    from keys.tree import Ring
    from ledger.forms import Form
    from projections.covers import Cover

COLLECTOR: Final = "metropole"
"""The recipient whose consents readings are collected under; others read what it holds."""

ACCEPTED: Final = "accepted"
UNKNOWN_POINT: Final = "unknown_point"


class Declared(NamedTuple):
    """A meter as one account declared it; both ids are 16 bytes."""

    owner: bytes
    meter: bytes


End = tuple[str, str]
"""A point's number, and what became of one row of it: `ACCEPTED`, or a reason."""

Points = Mapping[str, "Sequence[Declared]"]
"""The accounts that declared a point, by the point's number."""


class Taking(NamedTuple):
    """A reading to take in: under which consent, of whom, and with which year's key."""

    cover: Cover
    owner: bytes
    year: int
    form: Form


@dataclass(frozen=True, slots=True)
class Slice:
    """The meters whose ids fall into slice `number` (from 0) of `slices`."""

    number: int = 0
    slices: int = 1

    def holds(self, meter: bytes) -> bool:
        """Whether a meter falls into the slice, by its random id."""
        return self.slices == 1 or int.from_bytes(meter) % self.slices == self.number


@dataclass(frozen=True, slots=True)
class Collecting:
    """What stays the same however often a part is decided."""

    services: Services
    incoming: Incoming
    points: Points
    slice: Slice


@dataclass(slots=True)
class Collector:
    """Everything that decides on one part, loaded at once.

    `covers` are the consents by their meter; `reasons` says of each consent why no reading
    may be taken in under it, None when some may. What is read may be older than the ledger:
    the commit expects the versions read (`expects`), and is void where they have moved.
    """

    collecting: Collecting
    agreement: Stream[Agreement] | None
    at: datetime
    today: date
    covers: dict[bytes, list[Cover]] = field(default_factory=dict)
    rings: dict[bytes, Ring] = field(default_factory=dict)
    reasons: dict[bytes, Uncovered | None] = field(default_factory=dict)
    _judged: dict[Footing, Uncovered | None] = field(default_factory=dict)
    _past: dict[tuple[Category, int], bool] = field(default_factory=dict)

    def sort(self, rows: Sequence[Form]) -> tuple[list[Taking], list[End]]:
        """Return what is taken in, and what became of each row, for each who declared its point."""
        points, part = self.collecting.points, self.collecting.slice
        ours = {
            number: [one for one in points.get(number, ()) if part.holds(one.meter)]
            for number in {form.measured.number for form in rows}
        }
        self._load(ours.values(), {form.day.year for form in rows})
        taken: list[Taking] = []
        ends: list[End] = []
        for form in rows:
            number = form.measured.number
            for one in ours[number]:
                cover, reason = self._under(one.meter, form)
                if cover is not None:
                    taken.append(Taking(cover, one.owner, form.day.year, form))
                ends.append((number, reason if cover is None else ACCEPTED))
            if number not in points and part.number == 0:
                ends.append((number, UNKNOWN_POINT))
        return taken, ends

    def _under(self, meter: bytes, form: Form) -> tuple[Cover | None, Uncovered]:
        """Return the first consent that covers a reading, else the first reason why none does."""
        first: Uncovered | None = None
        measured = form.measured
        for cover in self.covers.get(meter, ()):
            if cover.category != measured.category:
                continue
            perimeter = Perimeter(cover.category, cover.number, cover.first_data_day)
            reason = self.reasons[cover.consent] or outside_of(perimeter, measured)
            if reason is None and self._is_past(cover.category, form.day.year):
                reason = Uncovered.PAST_RETENTION
            if reason is None:
                return cover, Uncovered.NO_CONSENT
            first = first or reason
        if self.agreement is None:
            return None, Uncovered.NO_AGREEMENT
        return None, first or Uncovered.NO_CONSENT

    def _is_past(self, category: Category, year: int) -> bool:
        """Tell whether a year is past its period, asking the rule once for each."""
        if (category, year) not in self._past:
            periods = self.collecting.services.periods
            self._past[category, year] = periods.is_past(category, year, self.today)
        return self._past[category, year]

    def _load(self, ours: Iterable[Sequence[Declared]], years: set[int]) -> None:
        """Load the covers behind these points, and the keys that their readings need."""
        services = self.collecting.services
        owners = {one.owner for declared in ours for one in declared}
        self.rings = services.keys.rings(owners, min(years, default=0), max(years, default=0))
        for covers in services.shown.covers_of(self.rings).values():
            for cover in covers:
                if cover.recipient == COLLECTOR:
                    self.covers.setdefault(cover.meter, []).append(cover)
                    self.reasons[cover.consent] = self._uncovered(cover)

    def _uncovered(self, cover: Cover) -> Uncovered | None:
        """Return why nothing may be taken in under a consent, judging equal footings once.

        Instants that have passed are all alike to the rule, so they are judged as `at`.
        """
        running = cover.collections.get(self.collecting.incoming.channel)
        started_at = running.started_at if running else None
        footing = Footing(
            operator=cover.operator,
            category=cover.category,
            status=cover.status,
            granted_at=max(cover.granted_at, self.at),
            last_day=cover.last_day,
            collection=running.status if running else CollectionStatus.IDLE,
            started_at=max(started_at, self.at) if started_at else None,
            power_kva=power_of(cover.powers, self.today),
        )
        if footing not in self._judged:
            channel = self.collecting.incoming.channel
            self._judged[footing] = uncovered_on(
                self.agreement, channel, footing, cover.category, received_at=self.at
            )
        return self._judged[footing]

    def sealable(self, taken: Sequence[Taking]) -> list[Row]:
        """Return what is taken in with its keys, minting those of a consent's first in a year."""
        wanted = {
            (one.owner, one.cover.consent, one.year)
            for one in taken
            if (one.cover.consent, one.year) not in self.rings[one.owner].readings
        }
        names = {
            KeyName(
                owner=UUID(bytes=owner),
                purpose=Purpose.READINGS,
                consent=UUID(bytes=consent),
                year=year,
            ): (owner, (consent, year))
            for owner, consent, year in wanted
        }
        for name, key in self.collecting.services.keys.mint(names).items() if names else ():
            owner, place = names[name]
            self.rings[owner].readings[place] = key
        return [
            Row(
                cover.consent,
                self.rings[owner].readings[cover.consent, year],
                form.kind,
                form.packed,
                form.canonical,
            )
            for cover, owner, year, form in taken
        ]

    def expects(self, taken: Sequence[Taking]) -> list[Read]:
        """Return the consents and collections that the commit must expect, at what versions."""
        channel = self.collecting.incoming.channel
        reads = []
        for cover in {one.cover.consent: one.cover for one in taken}.values():
            running = cover.collections[channel]
            reads.append(Read(cover.consent, cover.version))
            reads.append(Read(running.stream, running.version))
        return reads


def find_points(services: Services, incoming: Incoming) -> Points:
    """Return who declared a delivery's points, all at once."""
    found = leads(services, incoming, Kind.METER, {row.measured.number for row in incoming.rows})
    return {
        number: sorted((Declared(*one) for one in entries), key=lambda one: one.meter)
        for number, entries in found.items()
    }


def leads(
    services: Services, incoming: Incoming, kind: Kind, numbers: Iterable[str]
) -> dict[str, list[tuple[bytes, bytes]]]:
    """Return where a delivery's points lead in the index: owner and subject, by number."""
    values = {meter_value(incoming.operator, incoming.fluid, one): one for one in numbers}
    found = services.keys.index.lead(kind, list(values)) if values else {}
    return {values[value]: entries for value, entries in found.items()}
