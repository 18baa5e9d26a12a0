"""What the consumption page looks at: bars of a grain over some days, and where to turn next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from adapters.http.pages import words
from projections.periods import Grain, period_end, period_start

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAINS: Final = {
    "jour": Grain.DAY,
    "semaine": Grain.WEEK,
    "mois": Grain.MONTH,
    "annee": Grain.YEAR,
}
_WORD_OF: Final = {grain: word for word, grain in GRAINS.items()}
_YEARS: Final = range(2000, 2200)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Bars of a grain, over the days from first to last, both included.

    A window of days is a month (`is_month`) or a year; one of weeks a year of ISO 8601, so
    that every week is whole; one of years all there are.
    """

    grain: Grain
    first_day: date
    last_day: date
    is_month: bool = False

    @property
    def title(self) -> str:
        """What these days are called."""
        if self.is_month:
            return words.month(self.first_day)
        if self.grain is Grain.YEAR:
            return "toutes les années"
        return str(_year_of(self))

    @property
    def grain_word(self) -> str:
        """What the grain is called in addresses."""
        return _WORD_OF[self.grain]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A link of the page's switches."""

    label: str
    address: str
    current: bool = False


def read_window(grain_word: str, period: str, day: date) -> Window:
    """Return the window that an address asks for; else the days of the month that holds `day`.

    A period is a year (2026) or a month (2026-03).
    """
    grain = GRAINS.get(grain_word, Grain.DAY)
    year, _, month = period.partition("-")
    if not _is_year(year):
        return window_at(grain, day, is_month=True)
    is_month = bool(month)
    number = int(month) if month in _MONTHS else 1
    return window_at(grain, date(int(year), number, 4), is_month=is_month)


_MONTHS: Final = {f"{number:02}" for number in range(1, 13)}


def window_at(grain: Grain, day: date, *, is_month: bool) -> Window:
    """Return the window of a grain that holds a day."""
    if grain is Grain.WEEK:
        monday = period_start(Grain.WEEK, date(day.isocalendar().year, 1, 4))
        following = period_start(Grain.WEEK, date(day.isocalendar().year + 1, 1, 4))
        return Window(grain=grain, first_day=monday, last_day=following - _DAY)
    unit = Grain.MONTH if is_month and grain is Grain.DAY else Grain.YEAR
    return Window(
        grain=grain,
        first_day=period_start(unit, day),
        last_day=period_end(unit, day),
        is_month=unit is Grain.MONTH,
    )


def over_all_years(window: Window, first_day: date, today: date) -> Window:
    """Return a window of years widened to all there are; any other as it is."""
    if window.grain is not Grain.YEAR:
        return window
    return replace(
        window,
        first_day=period_start(Grain.YEAR, min(first_day, today)),
        last_day=period_end(Grain.YEAR, today),
    )


def address_of(window: Window) -> str:
    """Return the address of a window, within the consent's page."""
    if window.grain is Grain.YEAR:
        return f"?par={window.grain_word}"
    period = f"{window.first_day:%Y-%m}" if window.is_month else f"{_year_of(window):04}"
    return f"?par={window.grain_word}&periode={period}"


def turns(window: Window, first_day: date, last_day: date) -> tuple[Choice | None, Choice | None]:
    """Return the windows before and after, None where there can be nothing in them."""
    if window.grain is Grain.YEAR:
        return None, None
    before = window_at(window.grain, window.first_day - _DAY, is_month=window.is_month)
    after = window_at(window.grain, window.last_day + _DAY, is_month=window.is_month)
    return (
        _turn(before) if window.first_day > first_day else None,
        _turn(after) if window.last_day < last_day else None,
    )


def grains(window: Window, today: date) -> Iterator[Choice]:
    """Yield the choices of a bar a day, week, month or year, around the same days."""
    day = min(_middle(window), today)
    for grain, label in words.GRAINS.items():
        other = window_at(grain, day, is_month=True)
        yield Choice(label=label, address=address_of(other), current=grain is window.grain)


def spans(window: Window, today: date) -> Iterator[Choice]:
    """Yield the choices of a month or a year of days."""
    day = min(window.last_day, today)
    for is_month, label in ((True, "Un mois"), (False, "Un an")):
        other = window_at(Grain.DAY, day, is_month=is_month)
        yield Choice(label=label, address=address_of(other), current=window.is_month is is_month)


def _turn(window: Window) -> Choice:
    return Choice(label=window.title, address=address_of(window))


def _middle(window: Window) -> date:
    return window.first_day + (window.last_day - window.first_day) // 2


def _year_of(window: Window) -> int:
    return _middle(window).year


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text[:9]) in _YEARS
