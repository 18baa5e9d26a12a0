"""Meters: those I declared, and one more."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from adapters.http.api import models
from adapters.http.api.answers import page_of, shown
from adapters.http.api.commands import Write, carry
from adapters.http.api.documents import body_of, reads, writes
from adapters.http.api.problems import Invalid
from adapters.http.api.reader import (
    UNDER_TERMS,
    IdempotencyKey,
    Paging,
    Reader,
    Sent,
    Within,
    body,
)
from adapters.http.api.route import ApiRoute
from adapters.http.site import Site
from application import residents, viewing
from domain.values import Fluid, Point

router = APIRouter(
    route_class=ApiRoute, tags=["meters"], prefix="/meters", dependencies=UNDER_TERMS
)


@router.get("", response_model=models.Meters, responses=reads(404))
def meters(request: Request, site: Within, who: Reader, paging: Paging) -> Response:
    """The meters that I declared, in the order in which I did."""
    page, following = page_of(_meters(site, who), lambda one: one.id.hex, paging)
    return shown(request, site.services, models.Meters(meters=list(page), next=following))


@router.post(
    "",
    status_code=201,
    response_model=models.Done,
    responses=writes(),
    openapi_extra=body_of(models.Declaration),
)
def declare_meter(
    site: Within,
    who: Reader,
    key: IdempotencyKey,
    sent: Annotated[Sent[models.Declaration], Depends(body(models.Declaration))],
) -> Response:
    """Declare a meter of an operator that the metropolis has an agreement with."""
    told = sent.told
    _require_known(site, told.operator)
    point = Point(operator=told.operator, fluid=Fluid(told.fluid), number=told.number)
    write = Write(owner=who, key=key, kind="meter", content=sent.spelling)

    def act(command: UUID) -> None:
        residents.declare_meter(
            site.services,
            who,
            point,
            entry_day=told.entry_day,
            power_kva=told.power_kva,
            command=command,
        )

    return carry(site.services, site.askings, write, act)


@router.get("/{meter}", response_model=models.Meter, responses=reads(404))
def meter(request: Request, site: Within, who: Reader, meter: UUID) -> Response:
    """One of my meters."""
    for one in _meters(site, who):
        if one.id == meter:
            return shown(request, site.services, one)
    raise viewing.NothingHere


def _meters(site: Site, who: UUID) -> list[models.Meter]:
    seen = viewing.overview(site.services, who)
    return [models.Meter.model_validate(one) for one in seen.meters]


def _require_known(site: Site, operator: str) -> None:
    agreements = site.services.register.read().agreements.values()
    if operator not in {one.signed.operator for one in agreements if one.signed}:
        raise Invalid((("operator", "the metropolis has no agreement with such an operator"),))
