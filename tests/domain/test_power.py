"""The highest power of each day: as it was sent, each day once, and a gap where nothing was."""

from datetime import date, timedelta

from domain.aggregates.power import DayPower, powers
from domain.values import Direction
from tests.domain.readings import delivered, peak, series

DAY = date(2024, 1, 10)
NEXT, THIRD = DAY + timedelta(days=1), DAY + timedelta(days=2)


def told(days: tuple[DayPower, ...]) -> list[tuple[int, str] | None]:
    return [(one.highest.power, one.highest.unit) if one.highest else None for one in days]


def test_va_and_w_are_two_quantities_and_va_stands() -> None:
    known = series(delivered(1, peak(DAY, 3817, "VA"), peak(DAY, 3700, "W"), peak(THIRD, 900, "W")))
    found = powers(known, DAY, THIRD)
    assert [one.day for one in found] == [DAY, NEXT, THIRD]
    assert told(found) == [(3817, "VA"), None, (900, "W")]
    assert not any(one.disputed for one in found)


def test_of_several_values_the_last_stands_and_is_said_to_be_disputed() -> None:
    known = series(delivered(1, peak(DAY, 3817, "VA")), delivered(2, peak(DAY, 4000, "VA")))
    (found,) = powers(known, DAY, DAY)
    assert told((found,)) == [(4000, "VA")]
    assert found.disputed


def test_the_same_value_sent_again_disputes_nothing() -> None:
    known = series(delivered(1, peak(DAY, 3817, "VA")), delivered(2, peak(DAY, 3817, "VA")))
    assert not powers(known, DAY, DAY)[0].disputed


def test_what_was_fed_in_is_no_consumption() -> None:
    known = series(delivered(1, peak(DAY, 3817, "VA")))
    assert told(powers(known, DAY, DAY, direction=Direction.PRODUCTION)) == [None]


def test_no_days_are_asked_for_where_the_last_lies_before_the_first() -> None:
    assert powers(series(), NEXT, DAY) == ()
