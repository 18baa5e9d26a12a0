"""The consumption page's addresses: what they ask for, and where its links lead."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.pages.window import (
    address_of,
    grains,
    over_all_years,
    read_window,
    spans,
    turns,
    window_at,
)
from projections.periods import Grain

TODAY = date(2026, 11, 25)


def asked(address: str) -> tuple[str, str]:
    """The values of an address, as a browser sends them back."""
    values = dict(part.split("=") for part in address.removeprefix("?").split("&"))
    return values.get("par", ""), values.get("periode", "")


def test_who_asks_for_nothing_sees_the_days_of_a_month() -> None:
    window = read_window("", "", TODAY)
    assert (window.grain, window.first_day, window.last_day) == (
        Grain.DAY,
        date(2026, 11, 1),
        date(2026, 11, 30),
    )


@given(st.text(max_size=12), st.text(max_size=12))
def test_what_is_not_understood_is_still_a_window(grain: str, period: str) -> None:
    window = read_window(grain, period, TODAY)
    assert window.first_day <= window.last_day


@given(st.sampled_from(Grain), st.dates(date(2019, 1, 1), date(2030, 12, 31)), st.booleans())
def test_a_windows_address_leads_to_it(grain: Grain, day: date, is_month: bool) -> None:
    window = over_all_years(window_at(grain, day, is_month=is_month), day, TODAY)
    again = over_all_years(read_window(*asked(address_of(window)), TODAY), day, TODAY)
    assert again == window


def test_weeks_are_whole_at_both_ends_of_the_year() -> None:
    window = read_window("semaine", "2026", TODAY)
    assert (window.first_day, window.last_day) == (date(2025, 12, 29), date(2027, 1, 3))
    assert window.title == "2026"


def test_there_is_no_turning_to_days_that_cannot_hold_anything() -> None:
    window = read_window("jour", "2026-11", TODAY)
    before, after = turns(window, date(2026, 11, 10), TODAY)
    assert (before, after) == (None, None)
    before, after = turns(read_window("jour", "2026-10", TODAY), date(2026, 9, 1), TODAY)
    assert before is not None
    assert after is not None
    assert (before.label, after.label) == ("septembre\u00a02026", "novembre\u00a02026")


@pytest.mark.parametrize("grain", ["jour", "semaine", "mois", "annee"])
def test_one_choice_is_current_and_all_lead_to_the_same_days(grain: str) -> None:
    window = read_window(grain, "2025", TODAY)
    choices = list(grains(window, TODAY))
    assert [one.current for one in choices].count(True) == 1
    assert len(choices) == 4


def test_a_month_and_a_year_of_days_are_one_click_apart() -> None:
    month, year = spans(read_window("jour", "2026-03", TODAY), TODAY)
    assert (month.current, year.current) == (True, False)
    assert asked(year.address) == ("jour", "2026")
