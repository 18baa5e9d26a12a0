"""How long a consent lasts: to the end of a civil day of Europe/Paris, three years at most.

A term in years ends with the day that bears the same number, at its midnight; where
the month has no such day, with the month's last. An act of 29 February 2024 for three
years is in force to the end of 28 February 2027. Time of day and summer time play no
part: the day of the act is the civil day in Paris, not in UTC.
"""

from datetime import date, datetime
from typing import Final

from domain.errors import Refused
from domain.values import civil_day, years_after

YEARS_MAX: Final = 3


class TooManyYears(Refused):
    """The period is longer than a consent may last."""

    def __init__(self, last_day: date, last_day_max: date) -> None:
        """Take the last day that was asked, and the latest one possible."""
        super().__init__(
            f"A consent lasts {YEARS_MAX} years from the act at most, here to {last_day_max}; "
            f"{last_day} was asked. Ask for less; the person may extend it by a new act."
        )
        self.last_day = last_day
        self.last_day_max = last_day_max


class EndsBeforeItBegins(Refused):
    """The period's last day lies before the act."""

    def __init__(self, last_day: date, first_day: date) -> None:
        """Take the last day that was asked, and the day of the act."""
        super().__init__(
            f"A consent of {first_day} cannot end on {last_day}. Ask for that day or a later one."
        )
        self.last_day = last_day
        self.first_day = first_day


class PeriodUnclear(Refused):
    """Neither a number of years nor a last day was given, or both were."""

    def __init__(self, years: int | None, last_day: date | None) -> None:
        """Take both as they were given."""
        super().__init__(
            f"A consent lasts a number of years or to a last day; given: {years} and {last_day}. "
            "Give one of the two."
        )
        self.years = years
        self.last_day = last_day


def last_day_of(acted_at: datetime, *, years: int | None, last_day: date | None) -> date:
    """Return the inclusive last day of a consent from an act, given one of the two.

    Raises `PeriodUnclear`, `TooManyYears` and `EndsBeforeItBegins`.
    """
    first = civil_day(acted_at)
    latest = years_after(first, YEARS_MAX)
    match years, last_day:
        case int(), None:
            asked = years_after(first, min(years, YEARS_MAX + 1))
        case None, date():
            asked = last_day
        case _:
            raise PeriodUnclear(years, last_day)
    if asked > latest:
        raise TooManyYears(asked, latest)
    if asked < first:
        raise EndsBeforeItBegins(asked, first)
    return asked
