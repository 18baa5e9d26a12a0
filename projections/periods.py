"""Sums of a consumption by week, month and year, which say what they could not count.

A sum is of whole pieces only. A piece that crosses the edge of a period (days that were
measured together, some of them in the next month) is never spread: it is in neither sum,
and both say how many of their days it holds. So of every period

    measured + missing + held back + shared = its days

and no sum is given where nothing was measured: None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.aggregates.consumption import HeldBack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domain.aggregates.consumption import DayConsumption


class Grain(StrEnum):
    """How long a period is; weeks begin on Mondays (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodConsumption:
    """What was consumed in a period; days are inclusive.

    `energy_wh` is the sum over `measured_days`, None where there are none. `missing_days`
    were not measured; `held_days` are of differences that cannot be trusted; `shared_days`
    were measured together with days of another period. Of those held, `removed_days` were
    measured and their readings destroyed since. `disputed` says that several
    deliveries gave several values for a part of it.
    """

    first_day: date
    last_day: date
    energy_wh: int | None
    measured_days: int = 0
    missing_days: int = 0
    held_days: int = 0
    shared_days: int = 0
    removed_days: int = 0
    disputed: bool = False

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.last_day - self.first_day).days + 1

    @property
    def is_whole(self) -> bool:
        """Whether every day of it is in the sum."""
        return self.measured_days == self.days


def summed(
    pieces: Sequence[DayConsumption], grain: Grain, first_day: date, last_day: date
) -> tuple[PeriodConsumption, ...]:
    """Return the sums from one day to another, both included, in order.

    The first and the last period are cut at these days. Pieces are in order, each day in one
    of them at most; days that no piece holds are missing.
    """
    waiting = iter(pieces)
    piece = next(waiting, None)
    sums = []
    for start, end in periods(grain, first_day, last_day):
        inside = []
        while piece is not None and piece.first_day <= end:
            if piece.last_day >= start:
                inside.append(piece)
            if piece.last_day > end:
                break
            piece = next(waiting, None)
        sums.append(_sum(inside, start, end))
    return tuple(sums)


def periods(grain: Grain, first_day: date, last_day: date) -> Iterator[tuple[date, date]]:
    """Yield the first and last day of each period, the outer ones cut at the days given."""
    start = first_day
    while start <= last_day:
        end = min(period_end(grain, start), last_day)
        yield start, end
        start = end + timedelta(days=1)


def period_start(grain: Grain, day: date) -> date:
    """Return the first day of the period that holds a day."""
    match grain:
        case Grain.DAY:
            return day
        case Grain.WEEK:
            return day - timedelta(days=day.weekday())
        case Grain.MONTH:
            return day.replace(day=1)
        case Grain.YEAR:
            return day.replace(month=1, day=1)


def period_end(grain: Grain, day: date) -> date:
    """Return the last day of the period that holds a day."""
    match grain:
        case Grain.DAY:
            return day
        case Grain.WEEK:
            return day + timedelta(days=6 - day.weekday())
        case Grain.MONTH:
            return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        case Grain.YEAR:
            return day.replace(month=12, day=31)


def _sum(pieces: Iterable[DayConsumption], start: date, end: date) -> PeriodConsumption:
    energy = measured = held = shared = removed = 0
    disputed = False
    for piece in pieces:
        days = (min(piece.last_day, end) - max(piece.first_day, start)).days + 1
        if piece.held is not None:
            held += days
            removed += days if piece.held is HeldBack.REMOVED else 0
        elif piece.energy_wh is None:
            continue
        elif start <= piece.first_day and piece.last_day <= end:
            energy += piece.energy_wh
            measured += days
        else:
            shared += days
        disputed |= piece.disputed
    return PeriodConsumption(
        first_day=start,
        last_day=end,
        energy_wh=energy if measured else None,
        measured_days=measured,
        missing_days=(end - start).days + 1 - measured - held - shared,
        held_days=held,
        shared_days=shared,
        removed_days=removed,
        disputed=disputed,
    )
