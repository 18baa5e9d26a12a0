"""From indexes to days: nothing invented, nothing clamped, every difference explained."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates.consumption import (
    CurveEnergy,
    DayConsumption,
    HeldBack,
    consumption,
    curve_energy,
)
from domain.events.reading import Register, Run
from domain.values import midnight, next_day
from tests.domain.readings import (
    curve,
    delivered,
    gas,
    gas_day,
    index,
    register,
    series,
    supplier,
    told,
    total,
)

DAY = date(2024, 1, 10)
NEXT, AFTER = DAY + timedelta(days=1), DAY + timedelta(days=2)


def _between(opening: tuple[Register, ...], closing: tuple[Register, ...]) -> object:
    known = series(delivered(1, index(DAY, *opening), index(NEXT, *closing)))
    ((_, answer),) = told(known, DAY, DAY)
    return answer


# ── real numbers of the historic CSV and the R151 of one dwelling ───────────────────────────────


def test_two_days_are_together_where_the_midnight_between_is_missing() -> None:
    known = series(
        delivered(
            1,
            index(date(2021, 3, 27), total(3_106_688)),
            index(date(2021, 3, 29), total(3_166_954)),
        )
    )
    together = [(2, 60_266)]
    assert told(known, date(2021, 3, 27), date(2021, 3, 28)) == together
    assert told(known, date(2021, 3, 27), date(2021, 3, 27)) == together, "given whole"
    assert told(known, date(2021, 3, 28), date(2021, 3, 29)) == [*together, (1, None)]


def test_a_doubled_midnight_is_counted_once() -> None:
    known = series(
        delivered(
            1,
            index(date(2021, 10, 30), total(7_433_520)),
            index(date(2021, 10, 31), total(7_452_055)),
            index(date(2021, 10, 31), total(7_452_055)),
            index(date(2021, 11, 1), total(7_473_376)),
        )
    )
    assert told(known, date(2021, 10, 30), date(2021, 10, 31)) == [(1, 18_535), (1, 21_321)]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_an_r151_joins_on_to_the_historic_csv_whichever_came_first(order: tuple[int, int]) -> None:
    historic = index(date(2022, 2, 2), total(9_723_814), register(9_723_814), supplier(9_723_814))
    r151 = index(date(2022, 2, 3), register(9_744_495), supplier(9_744_495))
    known = series(delivered(order[0], historic), delivered(order[1], r151))
    assert told(known, date(2022, 2, 2), date(2022, 2, 2)) == [(1, 20_681)]


# ── which registers ─────────────────────────────────────────────────────────────────────────────


def test_the_total_is_preferred_and_the_increments_of_a_grid_add_up() -> None:
    peak_off = (register(40, slot="HP"), register(70, slot="HC"))
    later = (register(45, slot="HP"), register(78, slot="HC"))
    assert _between(peak_off, later) == 13
    assert _between((*peak_off, total(1000)), (*later, total(1014))) == 14


def test_a_total_and_a_sum_are_never_compared() -> None:
    assert _between((total(23_270_652),), (register(15_670_608),)) is HeldBack.NO_COMMON_GRID


def test_the_suppliers_grid_serves_where_the_distributors_does_not() -> None:
    opening = (register(10, calendar="INCONNU"), supplier(100))
    closing = (register(25, calendar="INCONNU"), supplier(115))
    assert _between(opening, closing) == 15


@pytest.mark.parametrize(
    ("opening", "closing", "held"),
    [
        (register(100), register(90), HeldBack.NEGATIVE_DIFFERENCE),
        (register(999_999_500), register(400), HeldBack.LIKELY_ROLLOVER),
        (register(100), register(110, calendar="DI000003"), HeldBack.CALENDAR_CHANGED),
        (register(100), register(110, slot="HP"), HeldBack.CALENDAR_CHANGED),
        (register(100), register(110, calendar="INCONNU"), HeldBack.CALENDAR_UNKNOWN),
        (register(100, calendar=None), register(110, calendar=None), HeldBack.CALENDAR_UNKNOWN),
        (register(100), supplier(110), HeldBack.NO_COMMON_GRID),
        (register(100), register(110, plausibility=1), HeldBack.DOUBTED),
        (register(100, plausibility=0), register(110, plausibility=0), 10),
        (register(100), register(100), 0),
    ],
    ids=str,
)
def test_a_difference_that_cannot_be_trusted_is_held_back_with_its_cause(
    opening: Register, closing: Register, held: object
) -> None:
    assert _between((opening,), (closing,)) == held


def test_one_register_that_went_backwards_holds_back_the_whole_day() -> None:
    opening = (register(40, slot="HP"), register(70, slot="HC"))
    closing = (register(90, slot="HP"), register(0, slot="HC"))
    assert _between(opening, closing) is HeldBack.NEGATIVE_DIFFERENCE


def test_the_two_indexes_of_a_day_are_of_one_device() -> None:
    known = series(
        delivered(
            1,
            index(DAY, total(100), device="041"),
            index(NEXT, total(130), device="042"),
            index(AFTER, total(150)),
        )
    )
    assert told(known, DAY, NEXT) == [(1, HeldBack.METER_CHANGED), (1, 20)]


def test_what_follows_does_not_mend_what_is_held_back() -> None:
    readings = [index(day, total(value)) for day, value in ((DAY, 9), (NEXT, 3), (AFTER, 12))]
    known = series(delivered(1, *readings))
    assert told(known, DAY, NEXT) == [(1, HeldBack.NEGATIVE_DIFFERENCE), (1, 9)]


def test_a_day_of_which_two_values_were_told_says_so() -> None:
    known = series(
        delivered(1, index(DAY, total(100)), index(NEXT, total(130)), index(AFTER, total(150))),
        delivered(2, index(DAY, total(101))),
    )
    said = [(piece.energy_wh, piece.disputed) for piece in consumption(known, DAY, NEXT)]
    assert said == [(29, True), (20, False)]


# ── gaps ────────────────────────────────────────────────────────────────────────────────────────


def test_a_day_that_was_not_measured_is_a_gap_and_heals_later() -> None:
    first = delivered(1, index(DAY, total(100)), index(NEXT, total(110)))
    late = delivered(2, index(AFTER, total(125)))
    assert told(series(first), DAY, NEXT) == [(1, 10), (1, None)]
    assert told(series(first, late), DAY, NEXT) == [(1, 10), (1, 15)]
    assert told(series(), DAY, NEXT) == [(1, None), (1, None)]


def test_an_index_that_is_not_of_midnight_makes_no_day() -> None:
    at_night = index(NEXT, total(110))
    shifted = type(at_night)(
        **{name: getattr(at_night, name) for name in at_night.__struct_fields__ if name != "at"},
        at=at_night.at + timedelta(hours=2, minutes=37),
    )
    assert told(series(delivered(1, index(DAY, total(100)), shifted)), DAY, DAY) == [(1, None)]


INDEXES = st.dictionaries(st.integers(0, 40), st.integers(0, 10**6), max_size=20)


@given(INDEXES, st.integers(-3, 45), st.integers(0, 45))
def test_every_day_is_in_one_piece_and_the_pieces_add_up(
    indexes: dict[int, int], first: int, length: int
) -> None:
    start = date(2024, 3, 15)
    known = series(
        delivered(1, *(index(start + timedelta(days=n), total(wh)) for n, wh in indexes.items()))
    )
    first_day = start + timedelta(days=first)
    last_day = first_day + timedelta(days=length)
    pieces = consumption(known, first_day, last_day)
    days = [piece.first_day + timedelta(days=n) for piece in pieces for n in range(_days(piece))]
    assert days == sorted(set(days))
    assert {first_day + timedelta(days=n) for n in range(length + 1)} <= set(days)
    for piece in pieces:
        at = [(day - start).days for day in (piece.first_day, next_day(piece.last_day))]
        if piece.energy_wh is not None:
            assert piece.energy_wh == indexes[at[1]] - indexes[at[0]] >= 0
        elif piece.held is not None:
            assert indexes[at[1]] < indexes[at[0]]


def _days(piece: DayConsumption) -> int:
    return (piece.last_day - piece.first_day).days + 1


# ── gas, load curves, maximum powers ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("day", [DAY, date(2024, 3, 30), date(2024, 3, 31), date(2024, 10, 26)])
def test_a_gas_day_is_given_as_the_operator_sent_it(day: date) -> None:
    known = series(delivered(1, gas_day(day, 8000)))
    assert told(known, day, next_day(day)) == [(1, 8000), (1, None)]


def test_a_volume_without_energy_is_not_turned_into_energy() -> None:
    known = series(delivered(1, gas_day(DAY, None)))
    assert told(known, DAY, DAY) == [(1, HeldBack.NO_ENERGY)]


def test_a_month_is_never_spread_over_its_days_and_yields_to_them() -> None:
    month = gas(midnight(date(2024, 1, 1)), midnight(date(2024, 2, 1)), 310_000)
    assert told(series(delivered(1, month)), DAY, AFTER) == [(31, 310_000)]
    daily = delivered(2, gas_day(DAY, 8000))
    assert told(series(delivered(1, month), daily), DAY, NEXT) == [(1, 8000), (1, None)]


def _half_hours(day: date, powers: Sequence[int | None]) -> Run:
    return Run(start=midnight(day), step_s=1800, power_w=tuple(powers))


@pytest.mark.parametrize(
    ("day", "steps"),
    [(DAY, 48), (date(2024, 3, 31), 46), (date(2024, 10, 27), 50)],
)
def test_a_whole_load_curve_gives_the_days_energy(day: date, steps: int) -> None:
    known = series(delivered(1, curve(day, _half_hours(day, [100] * steps))))
    assert curve_energy(known, day) == CurveEnergy(day=day, watt_seconds=100 * 1800 * steps)
    for other in (steps - 1, steps + 1):
        known = series(delivered(1, curve(day, _half_hours(day, [100] * other))))
        assert curve_energy(known, day) is None


def test_the_step_of_a_load_curve_may_change_within_the_day() -> None:
    noon = datetime(2024, 1, 10, 11, tzinfo=UTC)
    hours = Run(start=midnight(DAY), step_s=3600, power_w=(100,) * 12)
    half_hours = Run(start=noon, step_s=1800, power_w=(200,) * 24)
    energy = curve_energy(series(delivered(1, curve(DAY, half_hours, hours))), DAY)
    assert energy is not None
    assert (energy.energy_wh, energy.exact) == (12 * 100 + 12 * 200, True)


def test_a_load_curve_with_a_hole_gives_no_energy() -> None:
    holed = [*[100] * 20, None, *[100] * 27]
    assert curve_energy(series(delivered(1, curve(DAY, _half_hours(DAY, holed)))), DAY) is None
    assert curve_energy(series(), DAY) is None


def test_half_a_watt_hour_is_rounded_down_and_said_to_be() -> None:
    energy = curve_energy(series(delivered(1, curve(DAY, _half_hours(DAY, [1] * 47 + [2])))), DAY)
    assert energy is not None
    assert (energy.energy_wh, energy.exact) == (24, False)
