"""A series: all readings of one meter's consent, whatever delivery brought them.

It writes no stream of its own: it is a pure fold over the readings of many deliveries,
each with where it came from. Nothing is thrown away. Where several rows speak of the
same thing, one rule chooses:

    *the latest delivery in the order of the ledger that says a value wins.*

The order is the ledger's, not the time of receipt, so everybody who has the log chooses
alike, and the fold gives the same series whatever order the rows are handed in. A later
row without any value takes nothing away: a day that the operator sends bare is a day it
does not have, not a day of which it takes back what it said. Equal rows are one.

An index row has several registers, and rows of different flows carry different ones. A
row that an index later contradicts, on a register that both have, stands down whole: its
other registers were read by the same mistake. One that is not contradicted stands beside
the later one, so that a total known from one flow and a distributor's grid known from
another serve together (`standing`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from domain.errors import Corrupt
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
)
from domain.values import Direction, midnight, next_day


class Quantity(StrEnum):
    """What a row measures; VA and W are not the same quantity."""

    INDEX_WH = "index_wh"
    INTERVAL_WH = "interval_wh"
    LOAD_CURVE_W = "load_curve_w"
    MAXIMUM_POWER_W = "maximum_power_w"
    MAXIMUM_POWER_VA = "maximum_power_va"


class Key(NamedTuple):
    """What rows of the same thing have in common; `start` and `end` are equal for an index."""

    quantity: Quantity
    direction: Direction
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A reading with where it came from.

    `order` is its place in the ledger: the leaf index of its delivery, and its position
    among that delivery's readings.
    """

    order: tuple[int, int]
    delivery: UUID
    received_at: datetime
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Every row, under what it is about, in the order of the ledger."""

    rows: Mapping[Key, tuple[Taken, ...]] = field(default_factory=dict)


INITIAL: Final = Series()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Rows of one thing that say different values: the one that was chosen, and the others."""

    key: Key
    chosen: Taken
    others: tuple[Taken, ...]


class UnknownUnit(Corrupt):
    """A maximum power has a unit that no version of the event knows."""

    def __init__(self, unit: str) -> None:
        """Take the unit as it is stored."""
        super().__init__(
            f"A maximum power is stored in {unit!r}; only W and VA were ever written. "
            "An operator must find out who wrote it before anything goes on."
        )
        self.unit = unit


_POWERS: Final = {"W": Quantity.MAXIMUM_POWER_W, "VA": Quantity.MAXIMUM_POWER_VA}


def key_of(reading: Reading) -> Key:
    """Return what a reading is about.

    Raises `UnknownUnit`.
    """
    match reading:
        case IndexReceived():
            return Key(Quantity.INDEX_WH, reading.direction, reading.at, reading.at)
        case IntervalReceived():
            return Key(Quantity.INTERVAL_WH, reading.direction, reading.start, reading.end)
        case LoadCurveDayReceived():
            return _day_key(Quantity.LOAD_CURVE_W, reading.direction, reading.day)
        case MaximumPowerReceived():
            if reading.unit not in _POWERS:
                raise UnknownUnit(reading.unit)
            return _day_key(_POWERS[reading.unit], reading.direction, reading.day)


def evolve(state: Series, taken: Taken) -> Series:
    """Return the series with one more row; a row it has already changes nothing."""
    return _with(state, (taken,))


def fold(taken: Iterable[Taken]) -> Series:
    """Return the series of many rows, in whatever order they are handed in."""
    return _with(INITIAL, taken)


def says_a_value(reading: Reading) -> bool:
    """Tell whether a row says anything at all; a bare one is kept and never chosen."""
    match reading:
        case IndexReceived():
            return any(register.value_wh is not None for register in reading.registers)
        case IntervalReceived():
            return reading.energy_wh is not None or reading.volume_dm3 is not None
        case LoadCurveDayReceived():
            return any(power is not None for run in reading.runs for power in run.power_w)
        case MaximumPowerReceived():
            return True


def chosen(rows: Iterable[Taken]) -> Taken | None:
    """Return the row that the rule chooses, None when none says a value."""
    saying = [taken for taken in rows if says_a_value(taken.reading)]
    return max(saying, key=_order, default=None)


def standing(rows: Iterable[Taken]) -> tuple[Taken, ...]:
    """Return the rows that no later one contradicts, the chosen one first."""
    kept: list[Taken] = []
    for taken in sorted(rows, key=_order, reverse=True):
        contradicted = any(contradict(taken.reading, later.reading) for later in kept)
        repeated = any(taken.reading == later.reading for later in kept)
        if says_a_value(taken.reading) and not contradicted and not repeated:
            kept.append(taken)
    return tuple(kept)


def contradict(one: Reading, other: Reading) -> bool:
    """Tell whether two rows of one thing say different values of it."""
    match one, other:
        case IndexReceived(), IndexReceived():
            known = {} if _of_two_devices(one, other) else _values(other)
            return any(known.get(name, value) != value for name, value in _values(one).items())
        case IntervalReceived(), IntervalReceived():
            return (one.energy_wh, one.volume_dm3) != (other.energy_wh, other.volume_dm3)
        case LoadCurveDayReceived(), LoadCurveDayReceived():
            return one.runs != other.runs
        case MaximumPowerReceived(), MaximumPowerReceived():
            return one.power != other.power
        case _:
            return False


def differences(state: Series) -> tuple[Difference, ...]:
    """Return everything of which several values were said, oldest first."""
    found = []
    for key in sorted(state.rows):
        said = [taken for taken in state.rows[key] if says_a_value(taken.reading)]
        best = chosen(said)
        others = tuple(taken for taken in said if best and contradict(taken.reading, best.reading))
        if best and others:
            found.append(Difference(key=key, chosen=best, others=others))
    return tuple(found)


def _day_key(quantity: Quantity, direction: Direction, day: date) -> Key:
    return Key(quantity, direction, midnight(day), midnight(next_day(day)))


def _with(state: Series, new: Iterable[Taken]) -> Series:
    rows = {key: list(known) for key, known in state.rows.items()}
    for taken in new:
        rows.setdefault(key_of(taken.reading), []).append(taken)
    return Series(rows={key: _in_order(known) for key, known in rows.items()})


def _in_order(rows: Iterable[Taken]) -> tuple[Taken, ...]:
    return tuple({taken.order: taken for taken in sorted(rows, key=_order)}.values())


def _order(taken: Taken) -> tuple[int, int]:
    return taken.order


def _of_two_devices(one: IndexReceived, other: IndexReceived) -> bool:
    return None not in (one.device, other.device) and one.device != other.device


def _values(index: IndexReceived) -> dict[tuple[str, str | None, str], int]:
    return {
        (register.grid, register.calendar, register.slot): register.value_wh
        for register in index.registers
        if register.value_wh is not None
    }
