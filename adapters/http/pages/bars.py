"""What each bar of a page of measures is: measured, together, partial, held back, missing.

A bar occupies slots: days where a bar is a day, else periods. Days that were measured
together are one bar over all their days. Nothing is a bar of 0 but a measured 0.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from adapters.http.pages.words import (
    CAUSES,
    NO_BREAK,
    between,
    clock,
    days,
    in_table,
    month,
    of_month,
    typeset,
)
from domain.aggregates.consumption import HeldBack
from projections.periods import Grain, period_end, period_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from domain.aggregates.consumption import DayConsumption
    from domain.aggregates.power import DayPower
    from projections.periods import PeriodConsumption


class Kind(StrEnum):
    """What a bar says; the value is its class in the page's style sheet."""

    MEASURED = "measured"
    TOGETHER = "together"
    """Several days measured as one: the bar is as wide as they are, and as high as their mean."""
    PARTIAL = "partial"
    """A sum in which days are missing."""
    ACTIVE = "active"
    """A power in W beside others in VA."""
    HELD = "held"
    MISSING = "missing"
    AWAITED = "awaited"
    """Not received yet, and not late."""


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One bar; `place` is its first slot, counted from 0. `value` None: it has none.

    In thousandths of what is shown: Wh, or VA and W. `height` is what is drawn: the value, or
    the mean of a day of those measured together.
    A struct, for a page of a year makes hundreds: a fifth of the time of a named tuple.
    """

    first_day: date
    last_day: date
    place: int
    slots: int
    kind: Kind
    value: int | None
    height: int
    label: str
    note: str


_MISSING: Final = "non mesuré"
_AWAITED: Final = "pas encore reçu"
_DISPUTED: Final = typeset("plusieurs envois diffèrent : le dernier est retenu")


def of_days(
    pieces: Iterable[DayConsumption], first_day: date, last_day: date, fresh_from: date
) -> list[Bar]:
    """Return a bar a piece, in a window of days; a gap from `fresh_from` on is no gap yet."""
    bars, origin = [], first_day.toordinal()
    for piece in pieces:
        start, end, energy = piece.first_day, piece.last_day, piece.energy_wh
        place = start.toordinal() - origin
        slots = 1 if start == end else (end - start).days + 1
        kind, note, height = Kind.MEASURED, "", energy or 0
        if energy is None:
            kind, note = _without_value(piece, fresh_from)
        elif slots > 1:
            kind, note = Kind.TOGETHER, f"{days(slots)} mesurés ensemble"
            height //= slots
        if piece.disputed:
            note = typeset(f"{note} ; {_DISPUTED}") if note else _DISPUTED
        label = in_table(start) if slots == 1 else between(start, end)
        if place < 0 or end > last_day:
            place, slots = _inside(place, slots, (last_day - first_day).days)
        bars.append(Bar(start, end, place, slots, kind, energy, height, label, note))
    return bars


def of_periods(sums: Sequence[PeriodConsumption], grain: Grain, before: int = 0) -> list[Bar]:
    """Return a bar a period; `before` counts the slots left free in front of them."""
    bars = []
    for place, one in enumerate(sums, start=before):
        kind = Kind.MEASURED if one.is_whole else Kind.PARTIAL
        if one.energy_wh is None:
            kind = Kind.HELD if one.held_days or one.shared_days else Kind.MISSING
        energy = one.energy_wh
        name, note = _name(one, grain), _lacking(one, grain)
        days = (one.first_day, one.last_day)
        bars.append(Bar(*days, place, 1, kind, energy, energy or 0, name, note))
    return bars


def of_powers(days: Sequence[DayPower], first_day: date, fresh_from: date) -> list[Bar]:
    """Return a bar a day, in a window from `first_day`; a gap from `fresh_from` on is none yet.

    VA and W are beside each other, never converted: where there are both, each says what it is.
    """
    bars, origin, mixed = [], first_day.toordinal(), len(units_of(days)) > 1
    for one in days:
        found, value, notes = one.highest, None, []
        kind = Kind.MISSING if one.day < fresh_from else Kind.AWAITED
        if one.removed:
            kind, notes = Kind.HELD, [f"non affiché{NO_BREAK}: {CAUSES[HeldBack.REMOVED]}"]
        elif found is None:
            notes = [_MISSING if kind is Kind.MISSING else _AWAITED]
        else:
            value = found.power
            kind = Kind.ACTIVE if mixed and found.unit == "W" else Kind.MEASURED
            notes = [f"k{found.unit}"] if mixed else []
            notes += [clock(found.at)] if found.at else []
        notes += [_DISPUTED] if one.disputed else []
        day, place = one.day, one.day.toordinal() - origin
        note = ", ".join(notes)
        bars.append(Bar(day, day, place, 1, kind, value, value or 0, in_table(day), note))
    return bars


def units_of(days: Iterable[DayPower]) -> list[str]:
    """Return the units of some days' powers, VA before W."""
    return sorted({one.highest.unit for one in days if one.highest})


def runs(bars: Iterable[Bar], kind: Kind) -> list[tuple[date, date]]:
    """Return the days of one kind of bar, those that follow each other joined."""
    found: list[tuple[date, date]] = []
    for bar in bars:
        if bar.kind is not kind:
            continue
        if found and (bar.first_day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], bar.last_day)
        else:
            found.append((bar.first_day, bar.last_day))
    return found


def _without_value(piece: DayConsumption, fresh_from: date) -> tuple[Kind, str]:
    if piece.held is not None:
        return Kind.HELD, typeset(f"non affiché : {CAUSES[piece.held]}")
    late = piece.first_day < fresh_from
    return (Kind.MISSING, _MISSING) if late else (Kind.AWAITED, _AWAITED)


def _inside(place: int, slots: int, last_place: int) -> tuple[int, int]:
    """Cut what reaches beyond a window at its edges."""
    start, end = max(place, 0), min(place + slots - 1, last_place)
    return start, end - start + 1


def _name(one: PeriodConsumption, grain: Grain) -> str:
    match grain:
        case Grain.WEEK:
            week = one.first_day.isocalendar().week
            return f"semaine {week}, {between(one.first_day, one.last_day)}"
        case Grain.MONTH:
            return month(one.first_day)
        case Grain.YEAR:
            return str(one.first_day.year)
        case Grain.DAY:
            return in_table(one.first_day)


def _lacking(one: PeriodConsumption, grain: Grain) -> str:
    """Say which days are not in a sum, and why."""
    said = []
    if one.first_day > period_start(grain, one.first_day):
        said.append(f"depuis le {of_month(one.first_day)}")
    if one.last_day < period_end(grain, one.last_day):
        said.append(f"jusqu’au {of_month(one.last_day)}")
    if one.missing_days:
        said.append(f"{days(one.missing_days)} sans mesure")
    if one.removed_days:
        said.append(f"{days(one.removed_days)} effacé{_s(one.removed_days)}")
    if unsaid := one.held_days - one.removed_days:
        said.append(f"{days(unsaid)} non affiché{_s(unsaid)}")
    if one.shared_days:
        said.append(f"{days(one.shared_days)} mesuré{_s(one.shared_days)} avec une autre période")
    if one.disputed:
        said.append(_DISPUTED)
    return ", ".join(said)


def _s(count: int) -> str:
    return "s" if count > 1 else ""
