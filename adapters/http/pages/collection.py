"""How collection goes, for those who watch it: what came, what is late, why; nobody's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.background import BackgroundTask

from application.access.roles import Right
from application.overseeing import LOOKED_BACK
from application.viewing import NothingHere

if TYPE_CHECKING:
    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit

ADDRESS: Final = "/agents/collecte"
_ALL: Final = "tout"


def add(pages: Pages) -> None:
    """Put this page under its address."""
    pages.show(ADDRESS, collection)


def collection(visit: Visit) -> Response:
    """Show totals, files and alarms, then meters: those to be watched, or all of them."""
    visit.visitor.require(Right.COLLECTION)
    overseer = visit.site.overseer
    well_too = visit.asked("voir") == _ALL
    batch = overseer.collections(after=_after(visit), well_too=well_too)
    response = visit.page(
        "collection.html",
        totals=overseer.totals,
        files=overseer.files(),
        meters=batch.collections,
        well_too=well_too,
        following=_address(well_too=well_too, after=batch.following) if batch.following else None,
        begun=visit.asked("apres") != "",
        looked_back=LOOKED_BACK.days,
    )
    if overseer.is_due:
        response.background = BackgroundTask(overseer.count)
    return response


def _after(visit: Visit) -> UUID | None:
    said = visit.asked("apres")
    if not said:
        return None
    try:
        return UUID(said)
    except ValueError:
        raise NothingHere from None


def _address(*, well_too: bool, after: UUID) -> str:
    asked = {"voir": _ALL} if well_too else {}
    return f"{ADDRESS}?{urlencode(asked | {'apres': str(after)})}"
