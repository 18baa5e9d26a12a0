"""Whoever runs the server lets staff in from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.access import sessions
from application.access.staff import enter
from application.access.stores import StaffRole
from tests.application.conftest import founded, place, site

if TYPE_CHECKING:
    from tests.application.world import Place

__all__ = ["founded", "place", "site"]  # fixtures, taken from where they are made


def test_the_printed_link_is_the_one_secret_and_lets_in_with_its_role(place: Place) -> None:
    said = place.run("staff", "link", "--role", "administrator")
    assert said.code == 0
    (link,) = said.out.splitlines()
    front, _, ticket = link.rpartition("/")
    assert front == f"{place.settings.portal.public_url}/agents/entree"
    assert ticket not in said.err
    with place.open() as installation:
        token = enter(installation.services, installation.access, ticket)
        session = sessions.find(installation.services, installation.access, token)
    assert session is not None
    assert session.role is StaffRole.ADMINISTRATOR


def test_a_link_needs_a_role_that_there_is(place: Place) -> None:
    for arguments in ((), ("--role", "god")):
        assert place.run("staff", "link", *arguments).code == 2
