"""Erase what was measured at one of my meters. None of it waits for new terms."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from adapters.http.api import models
from adapters.http.api.answers import shown
from adapters.http.api.commands import Write, carry
from adapters.http.api.documents import reads, writes
from adapters.http.api.reader import IdempotencyKey, Reader, Within
from adapters.http.api.route import ApiRoute
from adapters.http.site import Site
from application import past, viewing
from application.views import Overview

router = APIRouter(route_class=ApiRoute, tags=["meters"], prefix="/meters/{meter}/past-erasures")


@router.post("", status_code=201, response_model=models.Done, responses=writes(404))
def erase_past(site: Within, who: Reader, key: IdempotencyKey, meter: UUID) -> Response:
    """Erase what was measured at one of my meters; its consents end with it, my account stays.

    202 where the ledger does not answer: nothing of it is shown any more, and it gets there later.
    """
    seen = _require_mine(site, who, meter)
    write = Write(owner=who, key=key, kind="past-erasure", content=b"", about=meter)

    def act(command: UUID) -> UUID:
        return site.desk.request_past(seen, meter, command=command)

    return carry(site.services, site.askings, write, act)


@router.get("", response_model=models.PastErasures, responses=reads(404))
def past_erasures(request: Request, site: Within, who: Reader, meter: UUID) -> Response:
    """My requests to erase what was measured at a meter, the oldest first, and how far each is."""
    _require_mine(site, who, meter)
    asked = [one for one in past.pasts_of(site.services, who) if one.meter == meter]
    told = models.PastErasures(requests=[_told(site, who, one) for one in asked])
    return shown(request, site.services, told)


def _told(site: Site, who: UUID, asked: past.Past) -> models.PastErasure:
    stage = past.stage_of(site.services, who, asked.request)
    return models.PastErasure(
        id=asked.request,
        requested_at=asked.requested_at,
        ordered_at=stage.ordered_at,
        done_at=stage.done_at,
        leaf=stage.leaf,
    )


def _require_mine(site: Site, who: UUID, meter: UUID) -> Overview:
    seen = viewing.overview(site.services, who)
    if meter not in {one.id for one in seen.meters}:
        raise viewing.NothingHere
    return seen
