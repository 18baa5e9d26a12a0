"""The record as auditors read it: types, exact times, random ids and roles; no payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.access.roles import Right
from application.auditing import private_zones
from application.viewing import NothingHere

if TYPE_CHECKING:
    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit

ADDRESS: Final = "/agents/registre"
_DIGITS_MAX: Final = 12


def add(pages: Pages) -> None:
    """Put this page under its address."""
    pages.show(ADDRESS, record)


def record(visit: Visit) -> Response:
    """Show entries of the record, the latest first."""
    visit.visitor.require(Right.PRIVATE_ZONES)
    shown = private_zones(visit.services, _before(visit))
    return visit.page("record.html", shown=shown, begun=visit.asked("avant") != "")


def _before(visit: Visit) -> int | None:
    said = visit.asked("avant")
    if not said:
        return None
    if not said.isascii() or not said.isdecimal() or len(said) > _DIGITS_MAX:
        raise NothingHere
    return int(said)
