"""Erase the past of one meter: what it means, the request, and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Response as Plain

from adapters.http.pages import certificate
from application import past
from application.inbox import TakenDown
from application.receipts import past_receipt
from application.viewing import NothingHere
from domain.aggregates.account import HELD

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit
    from application.views import MeterView
    from domain.events.destruction import PastErasureRequested


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/effacement/compteurs/{meter}", told)
    pages.act("/effacement/compteurs/{meter}", asked)
    pages.show("/effacement/passe/{request}", stands)
    pages.show("/effacement/passe/{request}/recu.tlog-proof", receipt)
    pages.show("/effacement/passe/suivi/{ticket}", followed)
    pages.show("/effacement/passe/suivi/{ticket}/certificat", certificate_page)
    pages.show("/effacement/passe/suivi/{ticket}/certificat.json", certificate_file)


def told(visit: Visit) -> Response:
    """Say what is erased and when, what stays, and how to take the data first."""
    return visit.page("past.html", meter=_meter(visit))


def asked(visit: Visit) -> Response:
    """Ask; the same form sent twice is one request."""
    seen, meter = visit.overview(), _meter(visit)
    command = visit.command("past", str(meter.id))
    try:
        request = visit.site.desk.request_past(seen, meter.id, command=command)
    except TakenDown:
        return visit.go("/tout-arreter?fait=passe-garde")
    return visit.go(f"/effacement/passe/{request}")


def stands(visit: Visit) -> Response:
    """Show where a request stands, with its receipt and the link that follows it."""
    found = _request(visit)
    seen = visit.overview()
    meters = {one.id: one for one in seen.meters}
    return visit.page(
        "past_asked.html",
        held=seen.status in HELD,
        asked=found,
        meter=meters[found.meter],
        stage=past.stage_of(visit.services, visit.account, found.request),
        link=visit.site.desk.link_to_past(visit.account, found.request),
    )


def receipt(visit: Visit) -> Response:
    """Hand out the receipt of the request; its name says nothing of anybody."""
    found = _request(visit)
    content = past_receipt(visit.services, visit.site.press, visit.account, found.request)
    headers = {"Content-Disposition": 'attachment; filename="demande.tlog-proof"'}
    return Plain(content, media_type="text/plain; charset=utf-8", headers=headers)


def followed(visit: Visit) -> Response:
    """Show whoever has the link how far the request has come: dates, and nothing of anybody."""
    stage = visit.site.desk.followed_past(visit.request.path_params["ticket"])
    return visit.page("past_followed.html", stage=stage, address=visit.request.url.path)


def certificate_page(visit: Visit) -> Response:
    """Show whoever has the link the certificate of the past's erasure, to be printed."""
    return certificate.shown(visit, _certified(visit))


def certificate_file(visit: Visit) -> Response:
    """Hand whoever has the link the certificate of the past's erasure, to be verified."""
    return certificate.downloaded(visit, _certified(visit))


def _certified(visit: Visit) -> UUID:
    return visit.site.desk.certified_past(visit.request.path_params["ticket"])


def _meter(visit: Visit) -> MeterView:
    wanted = visit.id("meter")
    for one in visit.overview().meters:
        if one.id == wanted:
            return one
    raise NothingHere


def _request(visit: Visit) -> PastErasureRequested:
    wanted = visit.id("request")
    for one in visit.overview().pasts:
        if one.request == wanted:
            return one
    raise NothingHere
