"""What is held of a person as tables: what was consumed, and every reading as it was received.

A table is columns and rows, whatever file it becomes. A column is what its `Kind` says, in each
row, or None where there is nothing: a gap, or a quantity that this kind of reading does not have.
None is never 0. Both tables are for the right of access and of portability (GDPR 15 and 20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import msgspec

from application import viewing
from application.viewing import Use
from domain.aggregates.consent import ConsentStatus
from domain.events.reading import IndexReceived, LoadCurveDayReceived
from domain.values import civil_day

if TYPE_CHECKING:
    from uuid import UUID

    from application.services import Services
    from application.views import Access, ConsentView, Overview
    from domain.aggregates.consumption import DayConsumption
    from domain.events.reading import Reading, Run

Cell = str | int | bool | date | datetime | None
Row = tuple[Cell, ...]


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole number"
    TRUTH = "true or false"
    DAY = "civil day"
    INSTANT = "instant"
    """Aware, in UTC, to the microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns by name, and rows with a cell for each; the rows are read once."""

    columns: Mapping[str, Kind]
    rows: Iterator[Row]


_OF_WHAT: Final = {
    "consent": Kind.TEXT,
    "category": Kind.TEXT,
    "fluid": Kind.TEXT,
    "meter_number": Kind.TEXT,
}
CONSUMPTION: Final = {
    **_OF_WHAT,
    "first_day": Kind.DAY,
    "last_day": Kind.DAY,
    "energy_wh": Kind.WHOLE,
    "held_back": Kind.TEXT,
    "disputed": Kind.TRUTH,
}
READINGS: Final = {
    **_OF_WHAT,
    "received_at": Kind.INSTANT,
    "kind": Kind.TEXT,
    "number": Kind.TEXT,
    "day": Kind.DAY,
    "at": Kind.INSTANT,
    "start": Kind.INSTANT,
    "end": Kind.INSTANT,
    "step_s": Kind.WHOLE,
    "direction": Kind.TEXT,
    "device": Kind.TEXT,
    "quality": Kind.TEXT,
    "status": Kind.TEXT,
    "reference": Kind.TEXT,
    "grid": Kind.TEXT,
    "calendar": Kind.TEXT,
    "slot": Kind.TEXT,
    "rank": Kind.WHOLE,
    "plausibility": Kind.WHOLE,
    "value_wh": Kind.WHOLE,
    "energy_wh": Kind.WHOLE,
    "power_w": Kind.WHOLE,
    "power": Kind.WHOLE,
    "unit": Kind.TEXT,
    "volume_dm3": Kind.WHOLE,
    "coefficient": Kind.TEXT,
    "index_start_dm3": Kind.WHOLE,
    "index_end_dm3": Kind.WHOLE,
}
"""Every member of every kind of reading under its own name, those of the parts of one beside it."""


def consumption(services: Services, seen: Overview) -> Table:
    """Return what was consumed under every consent, a row each day or run of days."""
    return Table(columns=CONSUMPTION, rows=_consumption(services, seen))


def readings(services: Services, seen: Overview) -> Table:
    """Return every reading in the order it was received, a row each register, step or value."""
    return Table(columns=READINGS, rows=_readings(services, seen))


def given(seen: Overview) -> Iterator[ConsentView]:
    """Yield the consents that were given, whatever became of them."""
    return (one for one in seen.consents if one.status is not ConsentStatus.REFUSED)


def consumed(services: Services, who: UUID, consent: UUID) -> tuple[DayConsumption, ...]:
    """Return what is known under a consent, from the first day to the last that is."""
    today = civil_day(services.clock())
    pieces = viewing.consumption(services, _access(services, who, consent), date.min, today)
    known = [place for place, one in enumerate(pieces) if one.energy_wh is not None or one.held]
    return pieces[known[0] : known[-1] + 1] if known else ()


def _consumption(services: Services, seen: Overview) -> Iterator[Row]:
    for one, of_what in _each(seen):
        for piece in consumed(services, seen.account, one.id):
            held = piece.held.value if piece.held else None
            days = (piece.first_day, piece.last_day)
            yield (*of_what, *days, piece.energy_wh, held, piece.disputed)


def _readings(services: Services, seen: Overview) -> Iterator[Row]:
    names = list(READINGS)[len(_OF_WHAT) + 2 :]
    for one, of_what in _each(seen):
        for held in viewing.readings(services, _access(services, seen.account, one.id)):
            first = (*of_what, held.received_at, held.reading.TOPIC)
            for cells in _cells(held.reading):
                yield (*first, *map(cells.get, names))


def _each(seen: Overview) -> Iterator[tuple[ConsentView, Row]]:
    meters = {one.id: one for one in seen.meters}
    for one in given(seen):
        meter = meters.get(one.meter)
        point = (meter.fluid, meter.number) if meter else (None, None)
        yield one, (str(one.id), one.category.value, *point)


def _access(services: Services, who: UUID, consent: UUID) -> Access:
    return viewing.authorise(services, who, consent, Use.ACCESS)


def _cells(reading: Reading) -> Iterator[dict[str, Cell]]:
    """Yield the cells of a reading's rows: one each part, or one where it has none."""
    whole: dict[str, Any] = msgspec.structs.asdict(reading)
    whole["direction"] = reading.direction.value
    parts: Iterator[dict[str, Cell]] = iter(())
    if isinstance(reading, IndexReceived):
        parts = map(msgspec.structs.asdict, whole.pop("registers"))
    elif isinstance(reading, LoadCurveDayReceived):
        parts = chain.from_iterable(map(_of_run, whole.pop("runs")))
    first = next(parts, {})
    yield whole | first
    yield from (whole | part for part in parts)


def _of_run(run: Run) -> Iterator[dict[str, Cell]]:
    for place, power in enumerate(run.power_w):
        start = run.start + timedelta(seconds=place * run.step_s)
        yield {"start": start, "step_s": run.step_s, "power_w": power}
