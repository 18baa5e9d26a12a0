"""Members of the staff as an operator would add them, enrolled through the staff's own door."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyotp import TOTP

from application.access import members
from application.access.members import Profile
from application.access.second_factor import STEP
from application.access.sessions import new_token
from application.access.staff import StaffDoor

if TYPE_CHECKING:
    from uuid import UUID

    from application.access.roles import StaffRole
    from metroledger.bootstrap import Installation

STAFF_PASSWORD: Final = "a password of somebody who works here"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Hired:
    """Somebody who works here: what they know, have in their phone, and have on paper."""

    id: UUID
    email: str
    name: str
    secret: str
    recovery: tuple[str, ...]
    token: str


def staff_door(installation: Installation) -> StaffDoor:
    return StaffDoor(
        services=installation.services, store=installation.access, staff=installation.staff
    )


def add(installation: Installation, role: StaffRole) -> tuple[UUID, Profile]:
    number = next(_numbers)
    profile = Profile(f"Dominique Agent{number}", f"agent{number}@metropole.example")
    return members.add(installation.services, installation.staff, profile, role), profile


def hire(installation: Installation, role: StaffRole) -> Hired:
    """Add a member and let them enrol; their session is open."""
    member, profile = add(installation, role)
    ticket = members.invite(installation.services, installation.staff, member)
    door, browser = staff_door(installation), new_token()
    secret = door.enrolment(ticket, browser).secret
    entered = door.enrol(
        ticket, browser, password=STAFF_PASSWORD, code=code_of(installation, secret)
    )
    return Hired(member, profile.email, profile.name, secret, entered.recovery, entered.token)


def code_of(installation: Installation, secret: str, steps: int = 0) -> str:
    """What the phone shows now, or so many steps later."""
    return TOTP(secret).at(installation.clock() + steps * STEP)
