"""A consent's consumption by day, out of its pages: the domain's answer, at a tenth of its time.

What differs between two midnights is nearly always the values alone: the same meter, the
same calendars, the same registers. Packed, two such indexes are equal in all their bytes
but the instant and the row of values at their end, so their difference needs no unpacking:
which of the values count is learnt once from the domain (`_positions`), for each text of the
middle bytes. Whatever is not of this kind, several rows of one instant, another shape, an
interval, goes to the domain itself. A test holds that both roads give the same answer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
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
from domain.values import civil_day, midnight, next_day
from schemas.packing import flows_to_the_network, outline, seconds_of_index
from schemas.packing_words import ODD_INSTANT
from schemas.registry import KIND_OF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from domain.aggregates.reading import Taken
    from projections.entries import Entry
    from projections.projector import Projector
    from schemas.packing import Outline

_INDEX: Final = KIND_OF[IndexReceived]
_INTERVAL: Final = KIND_OF[IntervalReceived]
_INSTANTS_REMEMBERED: Final = 16_384


class _Instant(NamedTuple):
    """A midnight with all rows that speak of it; `plain` where it is one row of the plain form."""

    day: date
    rows: list[Entry]
    plain: Outline | None


def daily(
    projector: Projector, consent: UUID, first: date, last: date
) -> tuple[DayConsumption, ...]:
    """Return a consent's consumption from one day to another; see `domain.aggregates.consumption`.

    The months around are read too, and all months where these hold no index to count from.
    """
    before = (first.replace(day=1) - timedelta(days=1)).replace(day=1)
    after = (last.replace(day=28) + timedelta(days=40)).replace(day=1)
    entries = projector.entries(consent, before, after)
    start, end = midnight(first).timestamp(), midnight(next_day(last)).timestamp()
    instants = [seconds_of_index(entry.packed) for entry in entries if entry.kind == _INDEX]
    if not instants or min(instants) > start or max(instants) < end:
        entries = projector.entries(consent)
    return by_day(entries, first, last)


def by_day(entries: Sequence[Entry], first: date, last: date) -> tuple[DayConsumption, ...]:
    """Return what the domain says of these readings, from one day to another."""
    if any(_is_odd(entry) for entry in entries):
        return consumption(fold(entry.taken for entry in entries), first, last)
    pieces: dict[date, DayConsumption] = {}
    for piece in _pieces(entries):
        day = piece.first_day
        while day <= piece.last_day:
            pieces[day] = piece
            day = next_day(day)
    asked = []
    day = first
    while day <= last:
        asked.append(pieces.get(day) or DayConsumption(first_day=day, last_day=day, energy_wh=None))
        day = next_day(day)
    return tuple(dict.fromkeys(asked))


def _pieces(entries: Sequence[Entry]) -> Iterator[DayConsumption]:
    places: dict[Outline, tuple[int, ...] | HeldBack] = {}
    for opening, closing in pairwise(_instants(entries)):
        energy: int | HeldBack | None = None
        if opening.plain is not None and opening.plain is closing.plain:
            counted = places.get(opening.plain)
            if counted is None:
                counted = places[opening.plain] = _counted(opening.rows[0])
            energy = _advance(opening, closing, counted)
        if energy is None:
            energy = between(_taken(opening), _taken(closing))
        yield DayConsumption(
            first_day=opening.day,
            last_day=closing.day - timedelta(days=1),
            energy_wh=None if isinstance(energy, HeldBack) else energy,
            held=energy if isinstance(energy, HeldBack) else None,
            disputed=_disputed(opening) or _disputed(closing),
        )


def _instants(entries: Sequence[Entry]) -> Iterator[_Instant]:
    """Yield the midnights of which a value is known, in order, each with its outline.

    Two plain indexes of one kin get the very same outline.
    """
    by_second: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.kind == _INDEX and not flows_to_the_network(entry.packed):
            by_second.setdefault(seconds_of_index(entry.packed), []).append(entry)
    known: Outline | None = None
    former = b""
    for second in sorted(by_second):
        rows = by_second[second]
        day = _day_beginning(second)
        if day is None:
            continue
        plain: Outline | None = None
        if len(rows) == 1:
            packed = rows[0].packed
            if known is not None and _are_kin(former, packed, known.row):
                plain = known
            else:
                plain = outline(packed)
            known, former = plain, packed
        if plain is not None or any(says_a_value(row.reading) for row in rows):
            yield _Instant(day, rows, plain)


def _is_odd(entry: Entry) -> bool:
    """Tell whether a reading is nothing for the short road."""
    odd = entry.kind == _INDEX and seconds_of_index(entry.packed) == ODD_INSTANT
    return odd or entry.kind == _INTERVAL


def _are_kin(one: bytes, other: bytes, row: int) -> bool:
    return len(one) == len(other) and one[:8] == other[:8] and one[12:row] == other[12:row]


def _counted(entry: Entry) -> tuple[int, ...] | HeldBack:
    reading = entry.reading
    return basis(reading.registers) if isinstance(reading, IndexReceived) else ()


def _advance(
    opening: _Instant, closing: _Instant, counted: tuple[int, ...] | HeldBack
) -> int | HeldBack | None:
    """Return what the registers that count advanced by, None where one went back."""
    if isinstance(counted, HeldBack) or opening.plain is None:
        return counted if isinstance(counted, HeldBack) else None
    row, values = opening.plain.row, opening.plain.values
    old = values.unpack_from(opening.rows[0].packed, row)
    new = values.unpack_from(closing.rows[0].packed, row)
    advances = [new[place] - old[place] for place in counted]
    return sum(advances) if min(advances) >= 0 else None


def _taken(instant: _Instant) -> list[Taken]:
    return [entry.taken for entry in instant.rows]


def _disputed(instant: _Instant) -> bool:
    return len(instant.rows) > 1 and disputed(_taken(instant))


@lru_cache(maxsize=_INSTANTS_REMEMBERED)
def _day_beginning(second: int) -> date | None:
    """Return the day in Paris that begins at an instant, None where none does."""
    day = civil_day(datetime.fromtimestamp(second, UTC))
    return day if midnight(day).timestamp() == second else None
