"""My consumption: bars with the same as a table beside them, by day, week, month or year.

This page is read more than all others: what is long in it (a year of days) is made by
`bars` and `chart` in one go, and the template only places it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from adapters.http.pages import bars, chart, power, window
from adapters.http.pages.freshness import (
    fresh_from,
    freshness,
    freshness_of,
    last_due,
    looked_back_to,
)
from adapters.http.pages.power import ENERGIES
from adapters.http.pages.summary import kinds_of, summary
from application import viewing
from application.viewing import NothingHere
from domain.values import Category, civil_day
from projections.periods import Grain, periods, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Response

    from adapters.http.pages.bars import Bar
    from adapters.http.pages.chart import Axis
    from adapters.http.pages.frame import Pages, Visit
    from adapters.http.pages.window import Window
    from domain.aggregates.consumption import DayConsumption


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/consommation", mine)
    pages.show("/consommation/{consent}", shown)


def mine(visit: Visit) -> Response:
    """Lead to the first consent that shows something; say what to do where there is none."""
    seen = visit.admitted()
    living = [*seen.standing(*ENERGIES), *seen.standing(Category.MAXIMUM_POWER)]
    if living:
        return visit.go(f"/consommation/{living[0].id}")
    return visit.page("no_consumption.html", seen=seen)


def shown(visit: Visit) -> Response:
    """Show a consent's consumption: lately, day by day, unless the address asks for more."""
    seen, access = visit.admitted_to(visit.id("consent"))
    if access.granted.category is Category.MAXIMUM_POWER:
        return power.shown(visit, seen, access)
    if access.granted.category not in ENERGIES:
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
        others=[one for one in seen.standing(*ENERGIES) if one.id != access.consent],
        powers=seen.standing(Category.MAXIMUM_POWER),
        energies=[],
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
