"""What was measured under a consent: consumption by day or longer, and maximum power by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from adapters.http.api import models
from adapters.http.api.answers import page_of, shown
from adapters.http.api.documents import reads
from adapters.http.api.fields import Day
from adapters.http.api.problems import Invalid
from adapters.http.api.reader import UNDER_TERMS, Paging, Reader, Within
from adapters.http.api.route import ApiRoute
from application import viewing
from application.viewing import NothingHere
from domain.aggregates.consumption import DayConsumption
from domain.aggregates.power import DayPower
from domain.values import Category, civil_day
from projections.periods import Grain, PeriodConsumption, summed

DAYS_MAX: Final = 4_000
"""How many days one request may span: more than a consent may ever cover."""

_SHOWN_DAYS: Final = 31

router = APIRouter(route_class=ApiRoute, tags=["consumption"], dependencies=UNDER_TERMS)


@dataclass(frozen=True, slots=True)
class Span:
    """The days that are asked for, both included."""

    first: date
    last: date


async def span(
    site: Within,
    first: Annotated[
        Day | None, Query(alias="from", description="First day; unless given, 30 before the last.")
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="Last day; unless given, yesterday.")
    ] = None,
) -> Span:
    """Return which days are asked for; raises `Invalid` where they are none, or too many."""
    yesterday = civil_day(site.services.clock()) - timedelta(days=1)
    last = last or max(yesterday, first or yesterday)
    first = first or last - timedelta(days=_SHOWN_DAYS - 1)
    if first > last:
        raise Invalid((("to", "the last day lies before the first"),))
    if (last - first).days >= DAYS_MAX:
        raise Invalid((("from", f"more than {DAYS_MAX} days are asked for at once"),))
    return Span(first, last)


@router.get(
    "/consents/{consent}/consumption", response_model=models.Consumption, responses=reads(404)
)
def consumption(  # noqa: PLR0913, PLR0917 (each is a part of the address)
    request: Request,
    site: Within,
    who: Reader,
    consent: UUID,
    days: Annotated[Span, Depends(span)],
    paging: Paging,
    grain: Grain = Grain.DAY,
) -> Response:
    """What was consumed: nothing is estimated, a day that was not measured is null.

    Days that cannot be told apart are one piece. Weeks begin on Monday.
    """
    access = viewing.authorise(site.services, who, consent)
    pieces = viewing.consumption(site.services, access, days.first, days.last)
    shares: Sequence[DayConsumption | PeriodConsumption] = pieces
    if grain is not Grain.DAY:
        shares = summed(pieces, grain, days.first, days.last)
    page, following = page_of(shares, lambda one: one.first_day.isoformat(), paging)
    told = models.Consumption(
        consent=consent,
        first_day=days.first,
        last_day=days.last,
        grain=grain,
        pieces=[_said(one) for one in page],
        next=following,
    )
    return shown(request, site.services, told)


@router.get("/consents/{consent}/maximum-power", response_model=models.Powers, responses=reads(404))
def maximum_power(  # noqa: PLR0913, PLR0917 (each is a part of the address)
    request: Request,
    site: Within,
    who: Reader,
    consent: UUID,
    days: Annotated[Span, Depends(span)],
    paging: Paging,
) -> Response:
    """The highest power of each day, as it was sent: a day that was not measured is null.

    Of a consent to maximum power; any other has none, and is not found here.
    """
    access = viewing.authorise(site.services, who, consent)
    if access.granted.category is not Category.MAXIMUM_POWER:
        raise NothingHere
    found = viewing.powers(site.services, access, days.first, days.last)
    page, following = page_of(found, lambda one: one.day.isoformat(), paging)
    told = models.Powers(
        consent=consent,
        first_day=days.first,
        last_day=days.last,
        days=[_power(one) for one in page],
        next=following,
    )
    return shown(request, site.services, told)


def _power(one: DayPower) -> models.Power:
    return models.Power(
        day=one.day,
        power=one.highest.power if one.highest else None,
        unit=one.highest.unit if one.highest else None,
        at=one.highest.at if one.highest else None,
        disputed=one.disputed,
        removed=one.removed,
    )


def _said(one: DayConsumption | PeriodConsumption) -> models.Piece | models.Total:
    if isinstance(one, PeriodConsumption):
        return models.Total.model_validate(one)
    return models.Piece(
        first_day=one.first_day,
        last_day=one.last_day,
        energy_wh=one.energy_wh,
        held_back=one.held,
        disputed=one.disputed,
    )
