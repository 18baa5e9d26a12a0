"""Everything that is held of me, to take away: a document of all, or a table.

The right of access and of portability (GDPR articles 15 and 20): it waits for no terms, and
outlives a consent until what is held is erased.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from adapters.http.api.answers import JSON, sent
from adapters.http.api.documents import files, reads
from adapters.http.api.reader import Reader, Within
from adapters.http.api.route import ApiRoute
from adapters.http.api.spreadsheet import CSV, PARQUET, as_csv, as_parquet
from adapters.http.site import Site
from application import seeing, tables, viewing
from application.dossier import history
from application.viewing import Use
from application.views import ConsentView, Overview
from domain.aggregates.consent import ConsentStatus

router = APIRouter(route_class=ApiRoute, tags=["export"])

_MEDIA_TYPES: Final = {"json": JSON, "csv": CSV, "parquet": PARQUET}
_TABLES: Final = {"consumption": tables.consumption, "readings": tables.readings}


@router.get(
    "/export", response_class=Response, responses={**reads(404), 200: files(JSON, CSV, PARQUET)}
)
def export(
    request: Request,
    site: Within,
    who: Reader,
    kind: Annotated[Literal["json", "csv", "parquet"], Query(alias="format")] = "json",
    of: Annotated[
        Literal["consumption", "readings"], Query(description="Which table; JSON holds both.")
    ] = "consumption",
) -> Response:
    """All that is held of me: as JSON, or as a table of consumption or of readings."""
    seen = viewing.overview(site.services, who)
    if kind == "json":
        content = document(site, seen)
    else:
        written = as_csv if kind == "csv" else as_parquet
        content = written(_TABLES[of](site.services, seen))
    answer = sent(request, site.services, content, media_type=_MEDIA_TYPES[kind])
    name = "my-data" if kind == "json" else f"my-{of}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
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
        for piece in tables.consumed(site.services, seen.account, given.id)
    ]
    return held
