"""Everything that is held of me, to take away: a document of all, or a table of consumption.

The right of access and of portability (GDPR articles 15 and 20): it waits for no terms, and
outlives a consent until what is held is erased.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from adapters.http.api.answers import JSON, sent
from adapters.http.api.documents import files, reads
from adapters.http.api.reader import Reader, Within
from adapters.http.api.route import ApiRoute
from adapters.http.site import Site
from application import seeing, viewing
from application.dossier import history
from application.viewing import Use
from application.views import ConsentView, Overview
from domain.aggregates.consent import ConsentStatus
from domain.values import civil_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.aggregates.consumption import DayConsumption

CSV: Final = "text/csv; charset=utf-8"
COLUMNS: Final = (
    "consent",
    "category",
    "fluid",
    "meter_number",
    "first_day",
    "last_day",
    "energy_wh",
    "held_back",
    "disputed",
)

router = APIRouter(route_class=ApiRoute, tags=["export"])


@router.get("/export", response_class=Response, responses={**reads(404), 200: files(JSON, CSV)})
def export(
    request: Request,
    site: Within,
    who: Reader,
    kind: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """All that is held of me: as JSON with every reading, or the consumption as CSV."""
    seen = viewing.overview(site.services, who)
    content = document(site, seen) if kind == "json" else table(site, seen)
    media_type = JSON if kind == "json" else CSV
    answer = sent(request, site.services, content, media_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="my-data.{kind}"'
    return answer


def document(site: Site, seen: Overview) -> bytes:
    """Return everything as one JSON document: as it stands, every reading, and every event.

    The events (`history`) are all that the ledger holds of the person beside readings: evidence
    of consents, contract facts, requests and their answers, who looked. Members are added, and
    none is renamed.
    """
    held = {
        "account": {
            "id": seen.account,
            "name": seen.name,
            "email": seen.email,
            "language": seen.language,
            "status": seen.status,
            "terms_accepted": seen.terms_accepted,
        },
        "meters": seen.meters,
        "consents": [_consent(site, seen, one) for one in seen.consents],
        "seen_by_staff": seeing.seen_by_staff(site.services, seen.account),
        "history": history(site.services, seen.account),
    }
    return msgspec.json.format(msgspec.json.encode(held), indent=1)


def table(site: Site, seen: Overview) -> bytes:
    """Return the consumption under every consent as CSV (RFC 4180, UTF-8); a gap is empty.

    It holds no free text of anybody, so no cell can be a formula.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    meters = {one.id: one for one in seen.meters}
    for given in _given(seen):
        meter = meters.get(given.meter)
        of_what = (given.id, given.category.value, meter and meter.fluid, meter and meter.number)
        for piece in _consumption(site, seen.account, given):
            held = piece.held.value if piece.held else None
            days = (piece.first_day, piece.last_day)
            rows.writerow((*of_what, *days, piece.energy_wh, held, str(piece.disputed).lower()))
    return text.getvalue().encode()


def _consent(site: Site, seen: Overview, given: ConsentView) -> dict[str, Any]:
    held: dict[str, Any] = msgspec.to_builtins(given)
    if given.status is ConsentStatus.REFUSED:
        return held
    access = viewing.authorise(site.services, seen.account, given.id, Use.ACCESS)
    held["readings"] = [
        {
            "received_at": one.received_at,
            "kind": one.reading.TOPIC,
            "reading": msgspec.to_builtins(one.reading),
        }
        for one in viewing.readings(site.services, access)
    ]
    held["consumption"] = [
        {
            "first_day": piece.first_day,
            "last_day": piece.last_day,
            "energy_wh": piece.energy_wh,
            "held_back": piece.held,
            "disputed": piece.disputed,
        }
        for piece in _consumption(site, seen.account, given)
    ]
    return held


def _given(seen: Overview) -> Iterator[ConsentView]:
    return (one for one in seen.consents if one.status is not ConsentStatus.REFUSED)


def _consumption(site: Site, who: UUID, given: ConsentView) -> tuple[DayConsumption, ...]:
    """Return what is known under a consent, from the first day to the last that is."""
    access = viewing.authorise(site.services, who, given.id, Use.ACCESS)
    today = civil_day(site.services.clock())
    pieces = viewing.consumption(site.services, access, date.min, today)
    known = [place for place, one in enumerate(pieces) if one.energy_wh is not None or one.held]
    return pieces[known[0] : known[-1] + 1] if known else ()
