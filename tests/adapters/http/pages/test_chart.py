"""Bars, their drawing and their table: the same days, nothing invented, and made fast."""

import re
import time
from datetime import date, timedelta
from random import Random
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st

from adapters.http.pages import bars, chart
from adapters.http.pages.bars import Bar, Kind
from adapters.http.pages.consuming import draw
from adapters.http.pages.summary import summary
from adapters.http.pages.window import window_at
from domain.aggregates.consumption import DayConsumption, HeldBack
from projections.periods import Grain

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
DAY = timedelta(days=1)
LATER = date(2027, 1, 1)
PATIENCE_S = 0.005
"""Five times what a year of bars may take, for machines that others use too."""


def day(n: int, wh: int | None = None, *, days: int = 1, **more: object) -> DayConsumption:
    first = FIRST + (n - 1) * DAY
    last = first + (days - 1) * DAY
    return DayConsumption(first_day=first, last_day=last, energy_wh=wh, **more)  # type: ignore[arg-type]  # held, disputed


def drawn(*pieces: DayConsumption, fresh_from: date = LATER) -> list[Bar]:
    return bars.of_days(pieces, FIRST, LAST, fresh_from)


def svg(found: list[Bar]) -> Element:
    drawing = chart.drawing(found, chart.axis_of_days(FIRST, LAST), "says")
    return fromstring(drawing)  # noqa: S314 - our own drawing


def test_a_day_without_a_value_is_a_gap_and_not_one_before_it_is_late() -> None:
    known, missing, awaited = drawn(day(1, 5_000), day(2), day(3), fresh_from=FIRST + 2 * DAY)
    assert [one.kind for one in (known, missing, awaited)] == [
        Kind.MEASURED,
        Kind.MISSING,
        Kind.AWAITED,
    ]
    assert missing.value is None
    assert awaited.note == "pas encore reçu"


def test_several_days_together_are_one_wide_bar_as_high_as_their_mean() -> None:
    (together,) = drawn(day(4, 30_000, days=3))
    assert (together.place, together.slots, together.height) == (3, 3, 10_000)
    assert together.note == "3\u00a0jours mesurés ensemble"
    assert "30,0" in chart.rows([together])


def test_days_together_that_reach_beyond_the_window_are_cut_at_its_edge_and_told_whole() -> None:
    piece = day(-1, 50_000, days=4)
    (bar,) = drawn(piece)
    assert (bar.place, bar.slots) == (0, 2)
    assert bar.label == "du 27\u00a0février au 2\u00a0mars"


def test_a_difference_held_back_says_its_cause_in_words() -> None:
    (bar,) = drawn(day(1, held=HeldBack.METER_CHANGED))
    assert (bar.kind, bar.note) == (Kind.HELD, "non affiché\u00a0: le compteur a été changé")


def test_deliveries_that_differ_are_noted() -> None:
    (bar,) = drawn(day(1, 1_000, disputed=True))
    assert "diffèrent" in bar.note


def test_a_measured_zero_is_seen_and_is_no_gap() -> None:
    (zero,) = drawn(day(1, 0))
    root = svg([zero, *drawn(day(2, 9_000))])
    (path,) = [one for one in root.iter("path") if one.get("class") == "measured"]
    assert f"v-{chart.SMALLEST}h" in (path.get("d") or "")
    assert "0,0" in chart.rows([zero])


def test_gaps_that_follow_each_other_are_hatched_as_one_and_named_as_one() -> None:
    found = drawn(day(1, 100), day(2), day(3), day(4, 100), day(5))
    hatched = [one for one in svg(found).iter("rect") if one.get("class") == "missing"]
    assert len(hatched) == 2
    assert summary(found).missing == ("du 2 au 3\u00a0mars", "le 5\u00a0mars")


@given(st.lists(st.one_of(st.none(), st.integers(0, 3_000_000)), min_size=1, max_size=31))
def test_no_bar_is_higher_than_the_drawing_and_the_table_has_every_day(
    energies: list[int | None],
) -> None:
    found = drawn(*(day(n, wh) for n, wh in enumerate(energies, start=1)))
    root = svg(found)
    heights = [
        int(y)
        for path in root.iter("path")
        if path.get("class") == "measured"
        for y in re.findall(r"V(\d+)", path.get("d") or "")
    ]
    assert all(0 <= y <= chart.HEIGHT for y in heights)
    assert chart.rows(found).count("<tr>") == len(energies)


def test_a_month_that_is_not_over_says_until_when_it_counts() -> None:
    window = window_at(Grain.MONTH, FIRST, is_month=False)
    pieces = [day(n, 1_000) for n in range(1, 11)]
    found, axis = draw(window, pieces, FIRST, fresh=FIRST + 10 * DAY)
    assert [(one.place, one.note) for one in found] == [(2, "jusqu’au 10\u00a0mars")]
    assert axis.slots == 12


def test_a_week_measured_with_another_is_not_told_as_not_measured() -> None:
    window = window_at(Grain.WEEK, FIRST, is_month=False)
    shared = day(1, 99_000, days=20)
    found, _ = draw(window, [shared], FIRST, fresh=FIRST + 20 * DAY)
    whole = [one for one in found if one.value is None]
    assert {one.kind for one in whole} == {Kind.HELD}
    assert all("avec une autre période" in one.note for one in whole)
    assert summary(found).missing == ()
    assert not summary(found).is_whole


def test_a_sum_of_which_days_are_missing_is_not_told_as_whole() -> None:
    assert summary(drawn(day(1, 5_000), day(2, 6_000))).is_whole
    assert not summary(drawn(day(1, 5_000), day(2))).is_whole
    window = window_at(Grain.MONTH, FIRST, is_month=False)
    found, _ = draw(window, [day(1, 5_000), day(3, 5_000)], FIRST, fresh=FIRST + 3 * DAY)
    assert not summary(found).is_whole


def test_a_year_of_daily_bars_is_made_in_a_moment() -> None:
    chance, first, last = Random(3), date(2025, 1, 1), date(2025, 12, 31)
    days = (first + n * DAY for n in range(365))
    energies = (None if chance.random() < 0.02 else chance.randrange(50_000) for _ in range(365))
    pieces = [
        DayConsumption(first_day=each, last_day=each, energy_wh=wh)
        for each, wh in zip(days, energies, strict=True)
    ]

    def make() -> float:
        begun = time.perf_counter()
        found = bars.of_days(pieces, first, last, last)
        chart.drawing(found, chart.axis_of_days(first, last), "says")
        chart.rows(found)
        return time.perf_counter() - begun

    assert min(make() for _ in range(20)) < PATIENCE_S
