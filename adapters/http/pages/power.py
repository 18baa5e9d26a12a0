"""My maximum power: the highest of each day, beside the power that is subscribed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from adapters.http.pages import bars, chart, window
from adapters.http.pages.freshness import Freshness, fresh_from, last_due, looked_back_to
from adapters.http.pages.summary import kinds_of, summary
from application import viewing
from domain.values import Category, civil_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import Response

    from adapters.http.pages.frame import Visit
    from application.services import Services
    from application.views import Access, Overview
    from domain.aggregates.power import DayPower
    from domain.events.reading import MaximumPowerReceived

ENERGIES: Final = (Category.DAILY_INDEX, Category.LOAD_CURVE)
"""What is shown as consumption, by the page beside this one."""


def shown(visit: Visit, seen: Overview, access: Access) -> Response:
    """Show the days of a month, lately unless the address asks for others, or of a year."""
    today, first_day = civil_day(visit.services.clock()), access.granted.first_data_day
    yesterday = today - timedelta(days=1)
    looked = window.read_window("jour", visit.asked("periode"), last_due(today))
    last_day = min(looked.last_day, yesterday)
    start = looked.first_day
    if last_day == yesterday:  # what is fresh is then read with it, once
        start = min(start, looked_back_to(today))
    known = viewing.powers(visit.services, access, start, last_day)
    latest = _freshness_of(known, today)
    if last_day != yesterday or latest.last_day is None:
        latest = _freshness(visit.services, access, today)
    days = [one for one in known if one.day >= looked.first_day]
    fresh = fresh_from(today) if latest.last_day else first_day
    units = [f"k{unit}" for unit in bars.units_of(days)] or ["kVA"]
    drawn = bars.of_powers(days, looked.first_day, fresh)
    axis = chart.axis_of_days(looked.first_day, looked.last_day)
    return visit.page(
        "power.html",
        window=looked,
        drawing=chart.drawing(drawn, axis, "chart-says", units[0] if len(units) == 1 else ""),
        rows=chart.rows(drawn),
        kinds=kinds_of(drawn),
        said=summary(drawn),
        highest=[max(of_unit, key=lambda one: one.power) for of_unit in _by_unit(days)],
        units=units,
        latest=latest,
        given=access,
        erased=seen.erased_on(access.granted.meter),
        others=[],
        powers=[one for one in seen.standing(Category.MAXIMUM_POWER) if one.id != access.consent],
        energies=seen.standing(*ENERGIES),
        meters={one.id: one for one in seen.meters},
        turns=window.turns(looked, first_day, yesterday),
        grains=(),
        spans=window.spans(looked, today),
    )


def _by_unit(days: Sequence[DayPower]) -> Iterator[list[MaximumPowerReceived]]:
    """Yield the powers of each unit, VA before W: they are two quantities, and have two maxima."""
    for unit in bars.units_of(days):
        yield [one.highest for one in days if one.highest and one.highest.unit == unit]


def _freshness(services: Services, access: Access, today: date) -> Freshness:
    for start in (looked_back_to(today), date.min):
        days = viewing.powers(services, access, start, today - timedelta(days=1))
        found = _freshness_of(days, today)
        if found.last_day is not None:
            return found
    return Freshness(last_day=None)


def _freshness_of(days: Sequence[DayPower], today: date) -> Freshness:
    known = [one.day for one in days if one.highest or one.removed]
    if not known:
        return Freshness(last_day=None)
    return Freshness(last_day=known[-1], late_days=max(0, (last_due(today) - known[-1]).days))
