"""A consent's consumption by day, out of its months' figures: the domain's answer, read fast.

Where a month has no figures (readings of another kind), or the nearest one beside the days
asked for has no midnight to count from, all readings are folded instead. A test holds that
both roads give the same answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from domain.aggregates.consumption import DayConsumption, consumption
from domain.aggregates.reading import fold
from projections.figures import figures_of, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from projections.entries import Entry
    from projections.figures import Figures
    from projections.projector import Projector

_DAY: Final = timedelta(days=1)


def daily(
    projector: Projector, consent: UUID, first: date, last: date
) -> tuple[DayConsumption, ...]:
    """Return a consent's consumption from one day to another; see `domain.aggregates.consumption`.

    An index before the first day and one after the last are needed too: the nearest month on
    each side has them, or all months are read.
    """
    start, end = first.replace(day=1), last.replace(day=1)
    months = projector.figures_around(consent, start, end)
    if months is None or not _have_ends(months, start, end):
        return by_day(projector.entries(consent), first, last)
    return _within(joined(months.values()), first, last)


def by_day(entries: Sequence[Entry], first: date, last: date) -> tuple[DayConsumption, ...]:
    """Return what the domain says of these readings, from one day to another."""
    figures = figures_of(entries)
    if figures is None:
        return consumption(fold(entry.taken for entry in entries), first, last)
    return _within(joined([figures]), first, last)


def _have_ends(months: Mapping[date, Figures], start: date, end: date) -> bool:
    """Tell whether the nearest month before `start`, and after `end`, has something to count from.

    Where there is none, there is nothing to count from at all.
    """
    before = [figures for month, figures in months.items() if month < start]
    after = [figures for month, figures in months.items() if month > end]
    return all(figures.opening is not None for figures in (*before[-1:], *after[:1]))


def _within(
    pieces: Sequence[DayConsumption], first: date, last: date
) -> tuple[DayConsumption, ...]:
    """Return the pieces that hold any of these days, and a gap for each day without one."""
    start = bisect_left(pieces, first, key=attrgetter("last_day"))
    stop = bisect_right(pieces, last, key=attrgetter("first_day"))
    inside = pieces[start:stop]
    if not inside:
        return tuple(_gaps(first, last))
    begun, ended = inside[0].first_day, inside[-1].last_day
    return (*_gaps(first, begun - _DAY), *inside, *_gaps(ended + _DAY, last))


def _gaps(first: date, last: date) -> Iterator[DayConsumption]:
    """Yield the days from one to another as not measured, none where they are not in order."""
    day = first
    while day <= last:
        yield DayConsumption(first_day=day, last_day=day, energy_wh=None)
        day += _DAY
