"""A consent's consumption by day, out of its pages: the domain's answer, at a tenth of its time.

What differs between two midnights is nearly always the values alone: the same meter, the
same calendars, the same registers. Packed, two such indexes are equal in all their bytes
but the instant and the row of values at their end, so their difference needs no unpacking:
which of the values count is learnt once from the domain (`_counted`), for each text of the
middle bytes. Whatever is not of this kind, several rows of one instant, another shape, an
interval, goes to the domain itself. A test holds that both roads give the same answer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import repeat
from operator import sub
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.aggregates.consumption import (
    DayConsumption,
    HeldBack,
    basis,
    between,
    consumption,
    disputed,
)
from domain.aggregates.reading import fold, says_a_value
from domain.events.reading import IndexReceived, IntervalReceived
from domain.values import civil_day, midnight
from schemas.packing import flows_to_the_network, outline, seconds_of_index
from schemas.packing_words import ODD_INSTANT
from schemas.registry import KIND_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from domain.aggregates.reading import Taken
    from projections.entries import Entry
    from projections.projector import Projector
    from schemas.packing import Outline

_INDEX: Final = KIND_OF[IndexReceived]
_INTERVAL: Final = KIND_OF[IntervalReceived]
_INSTANTS_REMEMBERED: Final = 16_384
_DAY: Final = timedelta(days=1)


class _Run(NamedTuple):
    """Midnights that follow each other, with all rows that speak of each.

    Of plain indexes that are kin there is one row each, and `values` has what they hold; any
    other midnight is a run of its own, `disputed` where its rows say several values.
    """

    days: list[date]
    rows: list[Sequence[Entry]]
    values: list[tuple[int, ...]]
    disputed: bool = False


def daily(
    projector: Projector, consent: UUID, first: date, last: date
) -> tuple[DayConsumption, ...]:
    """Return a consent's consumption from one day to another; see `domain.aggregates.consumption`.

    An index before the first day and one after the last are needed too. The nearest month on
    each side has them, save one that has readings and no index: then all months are read.
    """
    start, end = first.replace(day=1), last.replace(day=1)
    paged, loose, months = projector.entries_around(consent, start, end)
    entries = paged + loose
    if _lacks_an_end(paged, months, start, end):
        entries = projector.entries(consent)
    return by_day(entries, first, last)


def _lacks_an_end(paged: Sequence[Entry], months: Sequence[date], start: date, end: date) -> bool:
    """Tell whether the nearest month before `start`, or after `end`, has nothing to count from."""
    begin = midnight(start).timestamp()
    over = midnight((end + 31 * _DAY).replace(day=1)).timestamp()
    if months and months[0] < start and not any(one < begin for one in _bounds(paged)):
        return True
    latest = _bounds(reversed(paged))
    return bool(months) and months[-1] > end and not any(one >= over for one in latest)


def _bounds(entries: Iterable[Entry]) -> Iterator[int]:
    """Yield the midnights, in seconds, of indexes of consumption that say a value."""
    for entry in entries:
        if entry.kind == _INDEX and not flows_to_the_network(entry.packed):
            second = seconds_of_index(entry.packed)
            if _day_beginning(second) and (outline(entry.packed) or says_a_value(entry.reading)):
                yield second


def by_day(entries: Sequence[Entry], first: date, last: date) -> tuple[DayConsumption, ...]:
    """Return what the domain says of these readings, from one day to another."""
    indexes = _indexes(entries)
    if indexes is None:
        return consumption(fold(entry.taken for entry in entries), first, last)
    pieces = [
        DayConsumption(
            first_day=opened,
            last_day=closed - _DAY,
            energy_wh=None if isinstance(energy, HeldBack) else energy,
            held=energy if isinstance(energy, HeldBack) else None,
            disputed=disputed,
        )
        for opened, closed, energy, disputed in _differences(_runs(indexes))
        if opened <= last and closed > first
    ]
    if not pieces:
        return tuple(_gaps(first, last))
    begun, ended = pieces[0].first_day, pieces[-1].last_day
    return (*_gaps(first, begun - _DAY), *pieces, *_gaps(ended + _DAY, last))


def _gaps(first: date, last: date) -> Iterator[DayConsumption]:
    """Yield the days from one to another as not measured, none where they are not in order."""
    day = first
    while day <= last:
        yield DayConsumption(first_day=day, last_day=day, energy_wh=None)
        day += _DAY


def _differences(runs: Iterable[_Run]) -> Iterator[tuple[date, date, int | HeldBack, bool]]:
    """Yield what lies between each two midnights: along runs, and from one to the next.

    The two days that begin there, the energy, and whether it is disputed.
    """
    former: _Run | None = None
    for run in runs:
        if former is not None:
            energy = between(_taken(former.rows[-1]), _taken(run.rows[0]))
            yield former.days[-1], run.days[0], energy, former.disputed or run.disputed
        if len(run.days) > 1:
            for opened, closed, energy in zip(run.days, run.days[1:], _advances(run), strict=False):
                yield opened, closed, energy, False
        former = run


def _advances(run: _Run) -> Iterator[int | HeldBack]:
    """Yield what the registers that count advanced by, along a run of plain indexes.

    A column for each register, so that the loops are Python's own. Where one went back, or
    where nothing says which ones count, it is the domain's to say.
    """
    reading = run.rows[0][0].reading
    counted = basis(reading.registers) if isinstance(reading, IndexReceived) else ()
    if isinstance(counted, HeldBack):
        yield from repeat(counted, len(run.days) - 1)
        return
    columns = tuple(zip(*run.values, strict=True))
    advances = [tuple(map(sub, columns[place][1:], columns[place])) for place in counted]
    for place, registers in enumerate(zip(*advances, strict=True)):
        if min(registers) >= 0:
            yield sum(registers)
        else:
            yield between(_taken(run.rows[place]), _taken(run.rows[place + 1]))


def _indexes(entries: Sequence[Entry]) -> dict[int, list[Entry]] | None:
    """Return the indexes of consumption by their second, in order.

    None where there is anything that is nothing for the short road.
    """
    by_second: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.kind == _INTERVAL:
            return None
        if entry.kind == _INDEX:
            second = seconds_of_index(entry.packed)
            if second == ODD_INSTANT:
                return None
            if not flows_to_the_network(entry.packed):
                by_second.setdefault(second, []).append(entry)
    return dict(sorted(by_second.items()))


def _runs(indexes: Mapping[int, list[Entry]]) -> Iterator[_Run]:
    """Yield the midnights of which a value is known, in order, those of one kin together."""
    run: _Run | None = None
    known: Outline | None = None
    for second, rows in indexes.items():
        day = _day_beginning(second)
        if day is None:
            continue
        packed = rows[0].packed
        alone = len(rows) == 1
        if run and known and alone and _are_kin(run.rows[-1][0].packed, packed, known.row):
            run.days.append(day)
            run.rows.append(rows)
            run.values.append(known.values.unpack_from(packed, known.row))
            continue
        if run is not None:
            yield run
        run, known = None, outline(packed) if alone else None
        if known is not None:
            run = _Run([day], [rows], [known.values.unpack_from(packed, known.row)])
        elif any(says_a_value(row.reading) for row in rows):
            yield _Run([day], [rows], [], disputed=not alone and disputed(_taken(rows)))
    if run is not None:
        yield run


def _are_kin(one: bytes, other: bytes, row: int) -> bool:
    return len(one) == len(other) and one[:8] == other[:8] and one[12:row] == other[12:row]


def _taken(rows: Sequence[Entry]) -> list[Taken]:
    return [row.taken for row in rows]


@lru_cache(maxsize=_INSTANTS_REMEMBERED)
def _day_beginning(second: int) -> date | None:
    """Return the day in Paris that begins at an instant, None where none does."""
    day = civil_day(datetime.fromtimestamp(second, UTC))
    return day if midnight(day).timestamp() == second else None
