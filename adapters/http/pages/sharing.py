"""Who sees my data, and my data to take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application import viewing
from application.seeing import seen_by_staff
from application.viewing import Use
from domain.aggregates.account import ASKED
from domain.aggregates.consent import ConsentStatus

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit
    from application.views import ConsentView


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/qui-voit-mes-donnees", recipients)
    pages.show("/mes-donnees", my_data)


def recipients(visit: Visit) -> Response:
    """Show to whom data goes, under which consent, and when some last came."""
    seen = visit.admitted()
    given = [one for one in seen.consents if one.status is not ConsentStatus.REFUSED]
    given.sort(key=lambda one: (one.status is not ConsentStatus.GRANTED, one.recipient))
    shown = [(one, _received_last(visit, one)) for one in given]
    meters = {one.id: one for one in seen.meters}
    looks = seen_by_staff(visit.services, visit.account)
    return visit.page("recipients.html", shown=shown, meters=meters, looks=looks)


def my_data(visit: Visit) -> Response:
    """Offer all that is held, to take away; it waits for no terms (GDPR article 15)."""
    return visit.page("my_data.html", seen=visit.overview(), leaving=ASKED)


def _received_last(visit: Visit, given: ConsentView) -> datetime | None:
    access = viewing.authorise(visit.services, visit.account, given.id, Use.ACCESS)
    return viewing.received_last(visit.services, access)
