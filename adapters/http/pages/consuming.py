"""My consumption: bars with the same as a table beside them, by day, week, month or year.

This page is read more than all others: what is long in it (a year of days) is made by
`bars` and `chart` in one go, and the template only places it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from adapters.http.pages import bars, chart, window, words
from adapters.http.pages.bars import Kind
from adapters.http.pages.freshness import (
    fresh_from,
    freshness,
    freshness_of,
    last_due,
    looked_back_to,
)
from application import viewing
from application.viewing import NothingHere
from domain.aggregates.consent import ConsentStatus
from domain.values import Category, civil_day
from projections.periods import Grain, periods, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Response

    from adapters.http.pages.bars import Bar
    from adapters.http.pages.chart import Axis
    from adapters.http.pages.frame import Pages, Visit
    from adapters.http.pages.window import Window
    from application.views import ConsentView, Overview
    from domain.aggregates.consumption import DayConsumption

RUNS_NAMED_MAX: Final = 6
_SHOWN: Final = {Category.DAILY_INDEX, Category.LOAD_CURVE}
_LACKING: Final = {Kind.MISSING, Kind.HELD, Kind.PARTIAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a window's bars add up to; `energy_wh` None where nothing does.

    `missing` and `held` name the days that are not in it, `missing_more` counts the runs of
    days that are not named. `is_whole` says that no bar lacks days it should have.
    """

    energy_wh: int | None
    missing: tuple[str, ...]
    missing_more: int
    held: tuple[tuple[str, str], ...]
    is_whole: bool


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/consommation", mine)
    pages.show("/consommation/{consent}", shown)


def mine(visit: Visit) -> Response:
    """Lead to the first consent that shows something; say what to do where there is none."""
    seen = visit.admitted()
    living = _living(seen)
    if living:
        return visit.go(f"/consommation/{living[0].id}")
    return visit.page("no_consumption.html", seen=seen)


def shown(visit: Visit) -> Response:
    """Show a consent's consumption: lately, day by day, unless the address asks for more."""
    seen, access = visit.admitted_to(visit.id("consent"))
    if access.granted.category not in _SHOWN:
        raise NothingHere
    today, first_day = civil_day(visit.services.clock()), access.granted.first_data_day
    lately = last_due(today)
    looked = window.read_window(visit.asked("par"), visit.asked("periode"), lately)
    looked = window.over_all_years(looked, first_day, today)
    yesterday = today - timedelta(days=1)
    last_day = min(looked.last_day, yesterday)
    start = looked.first_day
    if last_day == yesterday:  # what is fresh is then read with it, once
        start = min(start, looked_back_to(today))
    pieces = viewing.consumption(visit.services, access, start, last_day)
    latest = freshness_of(pieces, today)
    if last_day != yesterday or latest.last_day is None:
        latest = freshness(visit.services, access)
    pieces = tuple(one for one in pieces if one.last_day >= looked.first_day)
    fresh = fresh_from(today) if latest.last_day else first_day
    drawn, axis = draw(looked, pieces, first_day, fresh)
    return visit.page(
        "consumption.html",
        window=looked,
        drawing=chart.drawing(drawn, axis, "chart-says"),
        rows=chart.rows(drawn),
        kinds=kinds_of(drawn),
        said=summary(drawn),
        latest=latest,
        given=access,
        erased=seen.erased_on(access.granted.meter),
        others=[one for one in _living(seen) if one.id != access.consent],
        meters={one.id: one for one in seen.meters},
        turns=window.turns(looked, first_day, yesterday),
        grains=window.grains(looked, today),
        spans=window.spans(looked, today),
    )


def draw(
    looked: Window, pieces: Sequence[DayConsumption], first_day: date, fresh: date
) -> tuple[list[Bar], Axis]:
    """Return the bars of a window and their axis.

    Nothing before `first_day` can be known, and what is missing from `fresh` on may still come.
    """
    if looked.grain is Grain.DAY:
        axis = chart.axis_of_days(looked.first_day, looked.last_day)
        return bars.of_days(pieces, looked.first_day, looked.last_day, fresh), axis
    known = [piece.last_day for piece in pieces if piece.energy_wh is not None]
    end = min(max([*known[-1:], fresh - timedelta(days=1)]), looked.last_day)
    start = max(looked.first_day, first_day)
    spans = list(periods(looked.grain, looked.first_day, looked.last_day))
    before = sum(last < start for _, last in spans)
    sums = summed(pieces, looked.grain, start, end)
    axis = chart.axis_of_periods([first for first, _ in spans], looked.grain)
    return bars.of_periods(sums, looked.grain, before), axis


def kinds_of(drawn: Sequence[Bar]) -> list[Kind]:
    """Return which kinds of bars there are, in the order of the legend."""
    found = {bar.kind for bar in drawn}
    return [kind for kind in Kind if kind in found]


def summary(drawn: Sequence[Bar]) -> Summary:
    """Return the sum of the bars, and the days that are not in it, by name."""
    values = [bar.energy_wh for bar in drawn if bar.energy_wh is not None]
    lacking = [bar for bar in drawn if bar.kind in _LACKING]
    missing = [words.between(*run) for run in bars.runs(lacking, Kind.MISSING)]
    return Summary(
        energy_wh=sum(values) if values else None,
        missing=tuple(missing[:RUNS_NAMED_MAX]),
        missing_more=max(0, len(missing) - RUNS_NAMED_MAX),
        held=tuple((bar.label, bar.note) for bar in lacking if bar.kind is Kind.HELD),
        is_whole=not lacking,
    )


def _living(seen: Overview) -> list[ConsentView]:
    return [
        one
        for one in seen.consents
        if one.status is ConsentStatus.GRANTED and one.category in _SHOWN
    ]
