"""« Tout arrêter »: stop what is collected, or be erased. None of it waits for new terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import Response as Plain

from adapters.http.pages import certificate
from application import answering, inbox, viewing
from application.inbox import TakenDown
from application.receipts import request_receipt
from application.services import new_id
from application.viewing import NothingHere, Use
from domain.aggregates.account import ASKED, GOING
from domain.aggregates.consent import ConsentStatus
from domain.values import civil_day, month_after

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit
    from application.views import ConsentView, Overview
    from projections.requests import Request

EVERYTHING: Final = "tout"


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/tout-arreter", choice)
    pages.act("/tout-arreter", stopped)
    pages.show("/effacement", erasure)
    pages.act("/effacement", asked)
    pages.act("/effacement/reprise", taken_back)
    pages.show("/effacement/recu.tlog-proof", receipt)
    pages.show("/effacement/suivi/{ticket}", followed)
    pages.show("/effacement/suivi/{ticket}/certificat", certificate_page)
    pages.show("/effacement/suivi/{ticket}/certificat.json", certificate_file)


def choice(visit: Visit) -> Response:
    """Show what can be stopped, of each meter and of all, and the way to be erased."""
    seen = visit.overview()
    meters = {one.id: one for one in seen.meters}
    return visit.page(
        "stop.html",
        living=_living(seen),
        meters=meters,
        pasts=seen.pasts,
        pasts_kept=seen.pasts_kept,
        asked=seen.status in ASKED,
    )


def stopped(visit: Visit) -> Response:
    """Withdraw every consent of one meter, or of all."""
    said, living = visit.fields.get("quoi", ""), _living(visit.overview())
    chosen = {str(meter): given for meter, given in living.items()}
    if said != EVERYTHING and said not in chosen:
        raise NothingHere
    consents = {
        new_id(): viewing.authorise(visit.services, visit.account, one.id, Use.ACCESS).consent
        for given in (chosen.values() if said == EVERYTHING else [chosen[said]])
        for one in given
    }
    try:
        inbox.withdraw_all(visit.services, visit.account, consents)
    except TakenDown:
        return visit.go("/tout-arreter?fait=retrait-garde")
    return visit.go("/tout-arreter?fait=arrete")


def erasure(visit: Visit) -> Response:
    """Say what an erasure is and when it comes, or where the one stands that was asked for."""
    seen = visit.overview()
    request = answering.request_of(visit.services, visit.account)
    if request is not None and seen.status in ASKED | GOING:
        return visit.page(
            "erasure_asked.html",
            asked=request,
            due=month_after(request.requested_at),
            waits=seen.status in ASKED,
            hold=answering.hold_on(visit.services, visit.account),
            link=visit.site.desk.link(visit.account),
        )
    now = visit.services.clock()
    return visit.page(
        "erasure.html",
        today=civil_day(now),
        due=month_after(now),
        refusal=answering.last_refusal(visit.services, visit.account),
    )


def asked(visit: Visit) -> Response:
    """Record that the person asked; the month in which it is answered begins."""
    try:
        visit.site.desk.request(visit.account)
    except TakenDown:
        return visit.go("/tout-arreter?fait=effacement-garde")
    return visit.go("/effacement")


def taken_back(visit: Visit) -> Response:
    """Take the request back, while it waits."""
    visit.site.desk.take_back(visit.account)
    return visit.go("/tout-arreter?fait=reprise")


def receipt(visit: Visit) -> Response:
    """Hand out the receipt of the request; its name says nothing of anybody."""
    content = request_receipt(visit.services, visit.site.press, visit.account)
    headers = {"Content-Disposition": 'attachment; filename="demande.tlog-proof"'}
    return Plain(content, media_type="text/plain; charset=utf-8", headers=headers)


def followed(visit: Visit) -> Response:
    """Show whoever has the link where the request stands: dates, and nothing of anybody."""
    request = _followed(visit)
    return visit.page(
        "erasure_followed.html",
        asked=request,
        due=month_after(request.requested_at),
        address=visit.request.url.path,
    )


def certificate_page(visit: Visit) -> Response:
    """Show whoever has the link the certificate of the erasure, to be printed."""
    return certificate.shown(visit, _followed(visit).account)


def certificate_file(visit: Visit) -> Response:
    """Hand whoever has the link the certificate of the erasure, to be verified."""
    return certificate.downloaded(visit, _followed(visit).account)


def _followed(visit: Visit) -> Request:
    return visit.site.desk.followed(visit.request.path_params["ticket"])


def _living(seen: Overview) -> Mapping[UUID, Sequence[ConsentView]]:
    """Return the consents under which something is collected, by meter."""
    found: dict[UUID, list[ConsentView]] = {}
    for one in seen.consents:
        if one.status is ConsentStatus.GRANTED:
            found.setdefault(one.meter, []).append(one)
    return found
