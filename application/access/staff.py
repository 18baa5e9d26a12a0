"""How the metropolis's staff come in: by a link that whoever runs the server prints for them.

There are no staff passwords: whoever may run commands here may print a link, and hands it
over. It lets one browser in, once, within ten minutes, with the role that it was printed for.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.access import sessions
from application.access.stores import StaffRole
from application.access.tickets import Errand, Ticket, issue, redeem_once
from domain.errors import Refused

if TYPE_CHECKING:
    from application.access.stores import AccessStore, Session
    from application.services import Services

LINK_LASTS: Final = timedelta(minutes=10)
_UNIQUE_BYTES: Final = 16


class StaffOnly(Refused):
    """This is for the metropolis's staff, in a role that not everybody has."""

    status = 403

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "this is for the staff; ask whoever runs the server for a link: "
            "metroledger staff link --role ROLE"
        )


def invite(services: Services, role: StaffRole) -> str:
    """Return a ticket for one session in a role; nothing of it is stored."""
    until_s = int((services.clock() + LINK_LASTS).timestamp())
    return issue(services, Ticket(Errand.STAFF, role.value, until_s, os.urandom(_UNIQUE_BYTES)))


def enter(services: Services, store: AccessStore, ticket_text: str) -> str:
    """Begin the session that a ticket is for; return its token, or raise `TicketWorthless`."""
    ticket = redeem_once(services, store, ticket_text, Errand.STAFF)
    return sessions.begin(services, store, role=StaffRole(ticket.subject))


def require(session: Session | None, *roles: StaffRole) -> StaffRole:
    """Return the role of a session of the staff; raise `StaffOnly` unless it is one of these."""
    if session is None or session.role is None or session.role not in roles:
        raise StaffOnly
    return session.role
