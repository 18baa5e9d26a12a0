"""From a series to consumption by day, with its gaps, and with what is held back and why.

    consumption(D) = index(D+1 00:00) - index(D 00:00), Europe/Paris

Days of 23 and 25 hours exist and change nothing: indexes are instants.

**Which registers.** The two indexes are compared on the first *basis* that both have:
the total; the distributor's grid, where both name the same calendar and the same slots;
the supplier's grid, likewise. A basis is compared with itself only. Two grids count the
same energy, yet their absolute sums differ (a register whose calendar is no longer used
stays frozen), so a total of one flow and a sum of another are not comparable: increments
are. A flow that has all three grids and one that has two meet on the distributor's.

**What is held back.** A difference that cannot be trusted has no value and a cause:
another device, another calendar, one that is unknown, no common grid, the operator's own
doubt, or any register that went backwards. It is never clamped to 0, a rollover is never
guessed (no flow we read flags one), and what the next days say is not used to mend it.

**Gaps.** A day before the first index, or after the last, is a gap: no energy and no cause.
Where only midnights *between* two indexes are missing, the days in between are one piece
with one energy, and no value is invented for any of them. A month's figure of an operator
that sends nothing finer is such a piece too.

Intervals (gas: 06:00 to 06:00 of legal time) give the energy as the operator sent it; it
rounds energy, volume and coefficient each on its own, so none is computed from another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from domain.aggregates.reading import (
    Key,
    Quantity,
    Series,
    Taken,
    chosen,
    contradict,
    says_a_value,
    standing,
)
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    Register,
)
from domain.values import PARIS, Direction, civil_day, midnight, next_day

UNKNOWN_CALENDARS: Final = frozenset({None, "", "INCONNU", "DN999999"})
"""What operators send in place of a calendar that they do not know."""

ROLLOVER_WH: Final = 1_000_000_000
"""Where a register of six digits in kWh starts again at 0."""


class HeldBack(StrEnum):
    """Why the energy between two indexes, or of an interval, is not given."""

    METER_CHANGED = "meter_changed"
    """The two indexes are of two devices."""
    CALENDAR_CHANGED = "calendar_changed"
    """They share a grid, but not its calendar or its slots."""
    CALENDAR_UNKNOWN = "calendar_unknown"
    """One of them names no calendar that is known, and has no total."""
    NO_COMMON_GRID = "no_common_grid"
    """They were read on different grids."""
    DOUBTED = "doubted"
    """The operator's own flag says that one of them is not plausible."""
    LIKELY_ROLLOVER = "likely_rollover"
    """A register went from the end of its range to the beginning; a rollover, if no swap."""
    NEGATIVE_DIFFERENCE = "negative_difference"
    """A register went backwards, and nothing says why."""
    NO_ENERGY = "no_energy"
    """The operator sent a volume and no energy."""
    REMOVED = "removed"
    """It was measured, and destroyed since: its period was over, or that was asked for."""


class DayConsumption(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The energy of a day, or of several that cannot be told apart; days are inclusive.

    `energy_wh` is None in a gap (`held` is None) and where it is held back. `disputed`
    says that several deliveries gave several values for what it comes from. A struct, for a
    page of a year makes hundreds: a tenth of the time of a frozen dataclass.
    """

    first_day: date
    last_day: date
    energy_wh: int | None
    held: HeldBack | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveEnergy:
    """The energy under a day's load curve that has no hole.

    Powers are whole watts and steps whole seconds, so watt-seconds are exact; a Wh is
    3,600 of them, and `energy_wh` is rounded down where `exact` is False.
    """

    day: date
    watt_seconds: int

    @property
    def energy_wh(self) -> int:
        """The energy in whole Wh, rounded down."""
        return self.watt_seconds // 3600

    @property
    def exact(self) -> bool:
        """Whether nothing was rounded."""
        return self.watt_seconds % 3600 == 0


def consumption(
    series: Series,
    first_day: date,
    last_day: date,
    *,
    direction: Direction = Direction.CONSUMPTION,
) -> tuple[DayConsumption, ...]:
    """Return what was consumed from one day to another, both included, in order.

    Every day is in exactly one piece. A piece of several days is given whole, also where
    it reaches beyond the days that were asked for; where pieces overlap (an operator that
    sends a month and some of its days), the shorter ones stand.
    """
    pieces = sorted(
        (*_between_indexes(series, direction), *_intervals(series, direction)),
        key=lambda piece: (piece.last_day - piece.first_day, piece.first_day),
    )
    by_day: dict[date, DayConsumption] = {}
    for piece in pieces:
        days = tuple(_days(piece.first_day, piece.last_day))
        if not any(day in by_day for day in days):
            by_day.update(dict.fromkeys(days, piece))
    asked = (by_day.get(day) or _gap(day) for day in _days(first_day, last_day))
    return tuple(dict.fromkeys(asked))


def curve_energy(
    series: Series, day: date, *, direction: Direction = Direction.CONSUMPTION
) -> CurveEnergy | None:
    """Return the energy under a day's load curve, None unless its steps fill the day."""
    best = _chosen(series, Quantity.LOAD_CURVE_W, day, direction)
    if best is None or not isinstance(best.reading, LoadCurveDayReceived):
        return None
    reached, watt_seconds = midnight(day), 0
    for run in sorted(best.reading.runs, key=lambda run: run.start):
        powers = [power for power in run.power_w if power is not None]
        if run.start != reached or len(powers) != len(run.power_w):
            return None
        reached += timedelta(seconds=run.step_s * len(powers))
        watt_seconds += run.step_s * sum(powers)
    if reached != midnight(next_day(day)):
        return None
    return CurveEnergy(day=day, watt_seconds=watt_seconds)


def between(opening: Sequence[Taken], closing: Sequence[Taken]) -> int | HeldBack:
    """Return the energy in Wh between two instants, each with all rows that speak of it."""
    return _difference(_faces(opening), _faces(closing))


def basis(registers: Sequence[Register]) -> tuple[int, ...] | HeldBack:
    """Return which registers count, by position, between two whole indexes of this very shape.

    Device, grids, calendars, slots and doubts being equal on both sides, it depends on no
    value: the energy is the sum of what these registers advanced by, unless one went back.
    """
    places: dict[tuple[str, str | None], list[int]] = {}
    for place, register in enumerate(registers):
        places.setdefault((register.grid, register.calendar), []).append(place)
    faces = {
        key: _face(None, *key, [registers[place] for place in held]) for key, held in places.items()
    }
    for grid in _GRIDS:
        for key, face in faces.items():
            if face.grid == grid and _comparable(face, face):
                return HeldBack.DOUBTED if face.doubted else tuple(places[key])
    return _why_not(list(faces.values()), list(faces.values()))


def disputed(rows: Sequence[Taken]) -> bool:
    """Tell whether rows of one thing say several values."""
    return _disputed(rows)


class _Face(NamedTuple):
    """One grid of one index: what it can be compared by."""

    device: str | None
    grid: str
    calendar: str | None
    values: dict[str, int]
    doubted: bool


_GRIDS: Final = ("total", "distributor", "supplier")


def _between_indexes(series: Series, direction: Direction) -> Iterator[DayConsumption]:
    rows = {
        civil_day(key.start): taken
        for key, taken in series.rows.items()
        if key.quantity is Quantity.INDEX_WH
        and key.direction == direction
        and key.start == midnight(civil_day(key.start))
        and any(says_a_value(row.reading) for row in taken)
    }
    faces = {day: _faces(taken) for day, taken in rows.items()}
    disputed = {day: _disputed(taken) for day, taken in rows.items()}
    for opening, closing in pairwise(sorted(rows)):
        found = _difference(faces[opening], faces[closing])
        yield DayConsumption(
            first_day=opening,
            last_day=closing - timedelta(days=1),
            energy_wh=None if isinstance(found, HeldBack) else found,
            held=found if isinstance(found, HeldBack) else None,
            disputed=disputed[opening] or disputed[closing],
        )


def _difference(opening: Sequence[_Face], closing: Sequence[_Face]) -> int | HeldBack:
    pairs = [(before, after) for before in opening for after in closing]
    for grid in _GRIDS:
        for before, after in pairs:
            if before.grid == after.grid == grid and _comparable(before, after):
                return _increment(before, after)
    return _why_not(opening, closing)


def _comparable(before: _Face, after: _Face) -> bool:
    if _two_devices(before, after) or not before.values or not after.values:
        return False
    if before.grid == "total":
        return True
    known = before.calendar not in UNKNOWN_CALENDARS
    return (
        known
        and before.calendar == after.calendar
        and before.values.keys() == (after.values.keys())
    )


def _increment(before: _Face, after: _Face) -> int | HeldBack:
    if before.doubted or after.doubted:
        return HeldBack.DOUBTED
    pairs = [(value, after.values[slot]) for slot, value in before.values.items()]
    backwards = [(old, new) for old, new in pairs if new < old]
    if backwards:
        rolled = all(old - new > ROLLOVER_WH * 8 // 10 for old, new in backwards)
        return HeldBack.LIKELY_ROLLOVER if rolled else HeldBack.NEGATIVE_DIFFERENCE
    return sum(new - old for old, new in pairs)


def _why_not(opening: Sequence[_Face], closing: Sequence[_Face]) -> HeldBack:
    pairs = [(before, after) for before in opening for after in closing]
    if any(_two_devices(before, after) for before, after in pairs):
        return HeldBack.METER_CHANGED
    if not any(_usable(face) for face in opening) or not any(_usable(face) for face in closing):
        return HeldBack.CALENDAR_UNKNOWN
    shared = [(a, b) for a, b in pairs if a.grid == b.grid]
    if any(_usable(before) and _usable(after) for before, after in shared):
        return HeldBack.CALENDAR_CHANGED
    return HeldBack.CALENDAR_UNKNOWN if shared else HeldBack.NO_COMMON_GRID


def _usable(face: _Face) -> bool:
    return bool(face.values) and (face.grid == "total" or face.calendar not in UNKNOWN_CALENDARS)


def _two_devices(before: _Face, after: _Face) -> bool:
    return None not in (before.device, after.device) and before.device != after.device


def _faces(rows: Sequence[Taken]) -> list[_Face]:
    """Return the grids of an instant, those of the latest row first."""
    faces = []
    for taken in standing(rows):
        if isinstance(taken.reading, IndexReceived):
            registers = taken.reading.registers
            grids: dict[tuple[str, str | None], list[Register]] = {}
            for register in registers:
                grids.setdefault((register.grid, register.calendar), []).append(register)
            faces += [
                _face(taken.reading.device, grid, calendar, held)
                for (grid, calendar), held in grids.items()
            ]
    return faces


def _face(
    device: str | None, grid: str, calendar: str | None, registers: Sequence[Register]
) -> _Face:
    slots = ["" if grid == "total" else register.slot for register in registers]
    values = [register.value_wh for register in registers if register.value_wh is not None]
    whole = len(values) == len(registers) == len(set(slots))
    return _Face(
        device=device,
        grid=grid,
        calendar=calendar,
        values=dict(zip(slots, values, strict=True)) if whole else {},
        doubted=any(register.plausibility for register in registers),
    )


def _intervals(series: Series, direction: Direction) -> Iterator[DayConsumption]:
    for key, rows in series.rows.items():
        if key.quantity is not Quantity.INTERVAL_WH or key.direction != direction:
            continue
        start, end = key.start.astimezone(PARIS), key.end.astimezone(PARIS)
        best = chosen(rows)
        whole_days = start.time() == end.time() and start.date() < end.date()
        if best and whole_days and isinstance(best.reading, IntervalReceived):
            yield DayConsumption(
                first_day=start.date(),
                last_day=end.date() - timedelta(days=1),
                energy_wh=best.reading.energy_wh,
                held=HeldBack.NO_ENERGY if best.reading.energy_wh is None else None,
                disputed=_disputed(rows),
            )


def _disputed(rows: Sequence[Taken]) -> bool:
    best = chosen(rows)
    return best is not None and any(
        says_a_value(row.reading) and contradict(row.reading, best.reading) for row in rows
    )


def _chosen(series: Series, quantity: Quantity, day: date, direction: Direction) -> Taken | None:
    key = Key(quantity, direction, midnight(day), midnight(next_day(day)))
    return chosen(series.rows.get(key, ()))


def _gap(day: date) -> DayConsumption:
    return DayConsumption(first_day=day, last_day=day, energy_wh=None)


def _days(first_day: date, last_day: date) -> Iterator[date]:
    day = first_day
    while day <= last_day:
        yield day
        day = next_day(day)
