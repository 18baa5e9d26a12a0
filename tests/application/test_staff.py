"""Staff come in by a link that works once, for ten minutes, and of which a digest is kept."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from application.access import sessions
from application.access.staff import LINK_LASTS, StaffOnly, enter, invite, require
from application.access.stores import StaffRole
from application.access.tickets import Errand, Ticket, TicketWorthless, issue
from metroledger.bootstrap import open_ledger
from tests.application.test_door import in_database

if TYPE_CHECKING:
    from metroledger.bootstrap import Installation
    from tests.application.world import Place

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize("role", StaffRole)
def test_a_link_begins_one_session_in_its_role(ledger: Installation, role: StaffRole) -> None:
    ticket = invite(ledger.services, role)
    token = enter(ledger.services, ledger.access, ticket)
    session = sessions.find(ledger.services, ledger.access, token)
    assert session is not None
    assert (session.account, session.role) == (None, role)
    with pytest.raises(TicketWorthless):
        enter(ledger.services, ledger.access, ticket)


def test_two_links_for_one_role_are_two(ledger: Installation) -> None:
    tickets = [invite(ledger.services, StaffRole.AUDITOR) for _ in range(2)]
    tokens = {enter(ledger.services, ledger.access, ticket) for ticket in tickets}
    assert len(tokens) == len(set(tickets)) == 2


def test_a_used_link_spelled_otherwise_is_used_all_the_same(ledger: Installation) -> None:
    until = int(ledger.clock().timestamp()) + 600
    ticket = issue(ledger.services, Ticket(Errand.STAFF, StaffRole.AUDITOR.value, until, b"one"))
    enter(ledger.services, ledger.access, ticket)
    padding = "=" * (-len(ticket) % 4)
    sealed = base64.urlsafe_b64decode(ticket + padding)
    spelled = {ticket[:-1] + last for last in ALPHABET} | {ticket + padding}
    same = [one for one in spelled if _decoded(one) == sealed]
    assert len(same) > 3
    for one in same:
        with pytest.raises(TicketWorthless):
            enter(ledger.services, ledger.access, one)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def test_a_link_is_worthless_after_ten_minutes(place: Place) -> None:
    with place.open() as installation:
        ticket = invite(installation.services, StaffRole.ADMINISTRATOR)
        now = installation.clock()
    late = now + LINK_LASTS + timedelta(seconds=1)
    with open_ledger(place.settings, clock=lambda: late) as later, pytest.raises(TicketWorthless):
        enter(later.services, later.access, ticket)


def test_no_link_of_a_resident_lets_anybody_in_as_staff(ledger: Installation) -> None:
    until = int(ledger.clock().timestamp()) + 600
    for errand in (Errand.SIGN_UP, Errand.NEW_PASSWORD):
        forged = issue(ledger.services, Ticket(errand, StaffRole.ADMINISTRATOR.value, until))
        with pytest.raises(TicketWorthless):
            enter(ledger.services, ledger.access, forged)


def test_nothing_of_a_link_is_stored_but_a_digest(ledger: Installation) -> None:
    ticket = invite(ledger.services, StaffRole.AUDITOR)
    token = enter(ledger.services, ledger.access, ticket)
    sealed = base64.urlsafe_b64decode(ticket + "==")
    assert in_database(ledger, [ticket.encode(), token.encode(), sealed]) == []


def test_what_is_for_a_role_is_for_no_other_and_for_no_resident(ledger: Installation) -> None:
    for role in StaffRole:
        token = sessions.begin(ledger.services, ledger.access, role=role)
        session = sessions.find(ledger.services, ledger.access, token)
        assert require(session, role) is role
        with pytest.raises(StaffOnly):
            require(session, *set(StaffRole) - {role})
    with pytest.raises(StaffOnly):
        require(None, *StaffRole)
