"""Sums by week, month and year: nothing invented, nothing counted twice, nothing unsaid."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates.consumption import DayConsumption, HeldBack
from projections.periods import Grain, period_end, period_start, periods, summed

NEW_YEAR = date(2026, 1, 1)
DAY = timedelta(days=1)


def piece(
    first: date, days: int = 1, wh: int | None = None, held: HeldBack | None = None
) -> DayConsumption:
    return DayConsumption(
        first_day=first, last_day=first + (days - 1) * DAY, energy_wh=wh, held=held
    )


@st.composite
def histories(draw: st.DrawFn) -> list[DayConsumption]:
    """Pieces that follow each other from some day on: days, runs, gaps, differences held back."""
    day = NEW_YEAR + draw(st.integers(0, 40)) * DAY
    pieces = []
    kinds = st.tuples(st.sampled_from(["value", "gap", "held"]), st.integers(1, 9))
    for kind, days in draw(st.lists(kinds, min_size=1, max_size=60)):
        length = days if kind != "gap" and days > 6 else 1
        value = draw(st.integers(0, 90_000)) if kind == "value" else None
        held = HeldBack.METER_CHANGED if kind == "held" else None
        pieces.append(piece(day, length, value, held))
        day += length * DAY
    return pieces


@given(histories(), st.sampled_from(Grain), st.integers(-9, 9), st.integers(-9, 9))
def test_every_day_of_a_period_is_measured_missing_held_or_shared(
    pieces: list[DayConsumption], grain: Grain, before: int, after: int
) -> None:
    first, last = pieces[0].first_day + before * DAY, pieces[-1].last_day + after * DAY
    sums = summed(pieces, grain, first, last)
    for one in sums:
        counts = (one.measured_days, one.missing_days, one.held_days, one.shared_days)
        assert sum(counts) == one.days
        assert min(counts) >= 0
        assert (one.energy_wh is None) == (one.measured_days == 0)
        assert one.is_whole == (one.measured_days == one.days)
    assert sum(one.days for one in sums) == max(0, (last - first).days + 1)


@given(histories(), st.sampled_from(Grain))
def test_a_sum_is_of_the_pieces_that_lie_in_it_whole_and_of_no_other(
    pieces: list[DayConsumption], grain: Grain
) -> None:
    first, last = pieces[0].first_day, pieces[-1].last_day
    for one in summed(pieces, grain, first, last):
        whole = [
            each.energy_wh
            for each in pieces
            if one.first_day <= each.first_day
            and each.last_day <= one.last_day
            and each.energy_wh is not None
        ]
        assert one.energy_wh == (sum(whole) if whole else None)


@given(histories())
def test_the_months_and_what_crosses_them_add_up_to_all(pieces: list[DayConsumption]) -> None:
    first, last = pieces[0].first_day, pieces[-1].last_day
    months = summed(pieces, Grain.MONTH, first, last)
    crossing = sum(
        each.energy_wh or 0
        for each in pieces
        if period_end(Grain.MONTH, each.first_day) < each.last_day
    )
    counted = sum(one.energy_wh or 0 for one in months)
    assert counted + crossing == sum(each.energy_wh or 0 for each in pieces)


def test_a_piece_across_a_boundary_is_in_neither_sum_and_both_say_so() -> None:
    pieces = [
        piece(date(2026, 1, 30), wh=10),
        piece(date(2026, 1, 31), days=2, wh=50),
        piece(date(2026, 2, 2), wh=7),
    ]
    january, february = summed(pieces, Grain.MONTH, date(2026, 1, 30), date(2026, 2, 2))
    assert (january.energy_wh, january.shared_days) == (10, 1)
    assert (february.energy_wh, february.shared_days) == (7, 1)


def test_a_month_in_which_nothing_was_measured_has_no_sum() -> None:
    (month,) = summed([], Grain.MONTH, date(2026, 2, 1), date(2026, 2, 28))
    assert (month.energy_wh, month.missing_days) == (None, 28)


def test_a_day_of_zero_is_measured() -> None:
    (day,) = summed([piece(NEW_YEAR, wh=0)], Grain.DAY, NEW_YEAR, NEW_YEAR)
    assert (day.energy_wh, day.is_whole) == (0, True)


@given(st.dates(date(2019, 1, 1), date(2040, 12, 31)), st.sampled_from(Grain))
def test_periods_follow_each_other_without_a_hole(day: date, grain: Grain) -> None:
    found = list(periods(grain, day, day + 800 * DAY))
    assert found[0][0] == day
    assert found[-1][1] == day + 800 * DAY
    assert all(end + DAY == start for (_, end), (start, _) in pairwise(found))
    for start, end in found[1:-1]:
        assert (period_start(grain, end), period_end(grain, start)) == (start, end)


def test_weeks_begin_on_mondays_and_cross_years() -> None:
    assert period_start(Grain.WEEK, date(2026, 1, 1)) == date(2025, 12, 29)
    assert period_end(Grain.WEEK, date(2025, 12, 29)) == date(2026, 1, 4)
