"""The highest power of each day, as the operator sent it: a gap stays one, nothing is estimated.

VA and W are two quantities (apparent and active power) and are never converted. Where a day
was sent in both, VA stands: subscribed powers are in kVA.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

import msgspec

from domain.aggregates.reading import Key, Quantity, Series, Taken, chosen, contradict
from domain.events.reading import MaximumPowerReceived
from domain.values import Direction, midnight, next_day

_QUANTITIES: Final = (Quantity.MAXIMUM_POWER_VA, Quantity.MAXIMUM_POWER_W)


class DayPower(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A day and the highest power of it, None in a gap.

    `disputed` says that several deliveries gave several values, `removed` that the key of its
    year was destroyed. A struct, for a page of a year makes hundreds.
    """

    day: date
    highest: MaximumPowerReceived | None
    disputed: bool = False
    removed: bool = False


def powers(
    series: Series,
    first_day: date,
    last_day: date,
    *,
    direction: Direction = Direction.CONSUMPTION,
) -> tuple[DayPower, ...]:
    """Return every day from one to another, both included, in order, with its highest power."""
    return tuple(_power(series, day, direction) for day in _days(first_day, last_day))


def _power(series: Series, day: date, direction: Direction) -> DayPower:
    for quantity in _QUANTITIES:
        rows = series.rows.get(Key(quantity, direction, midnight(day), midnight(next_day(day))), ())
        best = chosen(rows)
        if best is not None and isinstance(best.reading, MaximumPowerReceived):
            return DayPower(day=day, highest=best.reading, disputed=_disputed(rows, best))
    return DayPower(day=day, highest=None)


def _disputed(rows: tuple[Taken, ...], best: Taken) -> bool:
    return any(contradict(row.reading, best.reading) for row in rows)


def _days(first_day: date, last_day: date) -> Iterator[date]:
    day = first_day
    while day <= last_day:
        yield day
        day = next_day(day)
