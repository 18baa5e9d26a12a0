"""The metropolis's staff: in by a link, and what each role has there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.access.staff import enter, require
from application.access.stores import StaffRole

if TYPE_CHECKING:
    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/agents", staff_home)
    pages.show("/agents/entree/{ticket}", entry)
    pages.act("/agents/entree/{ticket}", entered)


def staff_home(visit: Visit) -> Response:
    """Show what the role has here; one without a role is told so."""
    require(visit.visitor.session, *StaffRole)
    return visit.page("staff.html")


def entry(visit: Visit) -> Response:
    """Ask whoever follows the link to press a button: programs that look at links press none."""
    return visit.page("staff_entry.html")


def entered(visit: Visit) -> Response:
    """Use the link up and begin its session."""
    site = visit.site
    token = enter(site.services, site.door.store, visit.request.path_params["ticket"])
    return visit.go("/agents", token)
