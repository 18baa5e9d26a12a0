"""How long a consent lasts: calendar years in Paris, 29 February and summer time included."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.policies.period import (
    YEARS_MAX,
    EndsBeforeItBegins,
    PeriodUnclear,
    TooManyYears,
    last_day_of,
)
from domain.values import civil_day, midnight, next_day, years_after

INSTANTS = st.datetimes(
    min_value=datetime(2017, 1, 1),  # noqa: DTZ001 - hypothesis takes naive bounds
    max_value=datetime(2060, 1, 1),  # noqa: DTZ001 - the same bounds
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("acted_at", "years", "last_day"),
    [
        ("2024-02-29T12:00:00+00:00", 3, date(2027, 2, 28)),
        ("2024-02-29T12:00:00+00:00", 1, date(2025, 2, 28)),
        ("2023-03-01T12:00:00+00:00", 1, date(2024, 3, 1)),
        ("2021-02-28T12:00:00+00:00", 3, date(2024, 2, 28)),
        ("2024-02-28T23:30:00+00:00", 3, date(2027, 2, 28)),  # the 29th already in Paris
        ("2024-12-31T23:30:00+00:00", 1, date(2026, 1, 1)),  # the new year already in Paris
        ("2024-06-30T22:30:00+00:00", 2, date(2026, 7, 1)),  # summer: two hours ahead
        ("2025-03-30T00:30:00+00:00", 1, date(2026, 3, 30)),  # the day of 23 hours
        ("2025-10-26T00:30:00+00:00", 1, date(2026, 10, 26)),  # the day of 25 hours
    ],
)
def test_a_term_in_years_ends_with_the_day_of_the_same_number(
    acted_at: str, years: int, last_day: date
) -> None:
    assert last_day_of(datetime.fromisoformat(acted_at), years=years, last_day=None) == last_day


@given(INSTANTS, st.integers(1, YEARS_MAX))
@example(datetime(2024, 2, 29, 12, tzinfo=UTC), 3)
@example(datetime(2026, 3, 28, 23, tzinfo=UTC), 1)
def test_a_consent_is_in_force_on_its_last_day_and_not_an_instant_longer(
    acted_at: datetime, years: int
) -> None:
    last_day = last_day_of(acted_at, years=years, last_day=None)
    end = midnight(next_day(last_day))
    assert civil_day(end - timedelta(microseconds=1)) == last_day
    assert civil_day(end) > last_day
    first = civil_day(acted_at)
    assert last_day.year == first.year + years
    assert (last_day.month, last_day.day) == (first.month, first.day) or (
        (first.month, first.day, last_day.month, last_day.day) == (2, 29, 2, 28)
    )


@given(INSTANTS, st.integers(0, 2_000))
def test_no_consent_lasts_more_than_three_years(acted_at: datetime, days: int) -> None:
    latest = years_after(civil_day(acted_at), YEARS_MAX)
    asked = civil_day(acted_at) + timedelta(days=days)
    if asked > latest:
        with pytest.raises(TooManyYears):
            last_day_of(acted_at, years=None, last_day=asked)
    else:
        assert last_day_of(acted_at, years=None, last_day=asked) == asked


@pytest.mark.parametrize("years", [4, 10, 9_000])
def test_more_than_three_years_are_refused(years: int) -> None:
    with pytest.raises(TooManyYears):
        last_day_of(datetime(2024, 2, 29, 12, tzinfo=UTC), years=years, last_day=None)


def test_a_period_is_given_in_one_way_and_does_not_run_backwards() -> None:
    at, day = datetime(2024, 5, 14, 10, tzinfo=UTC), date(2024, 5, 13)
    for years, last_day in ((None, None), (1, day)):
        with pytest.raises(PeriodUnclear):
            last_day_of(at, years=years, last_day=last_day)
    with pytest.raises(EndsBeforeItBegins):
        last_day_of(at, years=None, last_day=day)
