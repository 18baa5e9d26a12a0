"""Who of the staff may see and do what: one table, in code, read by pages, tests and the manual.

A cell that is not allowed is denied, and what nobody may do stands in the table with nobody
beside it. `docs/manual/roles.md` is written from here (`docs/make_roles.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.errors import Refused
from domain.values import Actor, Role

if TYPE_CHECKING:
    from uuid import UUID


class StaffRole(StrEnum):
    """In what capacity a member of the staff works here; the values are stored as they stand."""

    ADMINISTRATOR = "administrator"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    AUDITOR = "auditor"
    SYSTEM_OPERATOR = "system_operator"
    EDITOR = "editor"
    ADVISER = "adviser"


LATER: Final = frozenset({StaffRole.EDITOR, StaffRole.ADVISER})
"""Named, so that the table is whole; there is nothing for them yet, and none can be added."""

GIVEN: Final = tuple(role for role in StaffRole if role not in LATER)
"""The roles that somebody can have."""


class Right(StrEnum):
    """What may be allowed: to see a field or a page, or to do something; said for the manual."""

    COLLECTION = "see how collection goes: random ids of meters, days, counts, files"
    RECORD = "find the public key and the signed root, from which audits start"
    PRIVATE_ZONES = "read private zones: types, exact times, random ids, roles; no payload"
    ERASURES = "see the erasure requests: random ids, dates, where each stands, certificates"
    REQUESTER = "see name and e-mail of whoever's erasure request waits; written down each time"
    IDENTITY = "record that a request comes from the account's holder"
    VALIDATION = "validate an erasure"
    REFUSAL = "refuse an erasure, with a reason"
    HOLD = "hold an erasure, with a reason, and let it go on"
    READINGS = "see a reading or a consumption of somebody"
    METERS = "see somebody's meter number, or a consent's evidence"
    ACCOUNTS = "open an account, declare a meter or give a consent in somebody's name"
    TEXTS = "publish the terms of use and what a consent asks"


_ADMINISTRATOR: Final = StaffRole.ADMINISTRATOR
_OFFICER: Final = StaffRole.DATA_PROTECTION_OFFICER
_AUDITOR: Final = StaffRole.AUDITOR
_OPERATOR: Final = StaffRole.SYSTEM_OPERATOR

MATRIX: Final[dict[Right, frozenset[StaffRole]]] = {
    Right.COLLECTION: frozenset({_ADMINISTRATOR, _OPERATOR}),
    Right.RECORD: frozenset({_OFFICER, _AUDITOR}),
    Right.PRIVATE_ZONES: frozenset({_AUDITOR}),
    Right.ERASURES: frozenset({_ADMINISTRATOR, _OFFICER}),
    Right.REQUESTER: frozenset({_ADMINISTRATOR, _OFFICER}),
    Right.IDENTITY: frozenset({_ADMINISTRATOR}),
    Right.VALIDATION: frozenset({_ADMINISTRATOR}),
    Right.REFUSAL: frozenset({_ADMINISTRATOR}),
    Right.HOLD: frozenset({_ADMINISTRATOR, _OFFICER}),
    Right.READINGS: frozenset(),
    Right.METERS: frozenset(),
    Right.ACCOUNTS: frozenset(),
    Right.TEXTS: frozenset(),
}
"""Which roles each right is allowed to; every other cell is a refusal."""


_ACTS_AS: Final = {
    StaffRole.ADMINISTRATOR: Role.ADMINISTRATOR,
    StaffRole.DATA_PROTECTION_OFFICER: Role.DATA_PROTECTION_OFFICER,
    StaffRole.AUDITOR: Role.AUDITOR,
    StaffRole.SYSTEM_OPERATOR: Role.SYSTEM_OPERATOR,
}


class NotForThisRole(Refused):
    """Somebody of the staff is signed in, in a role that this is not for."""

    status = 403

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "this is not for your role; ask whoever runs the server which role it is for "
            "(manual: roles)"
        )


def is_allowed(role: StaffRole, right: Right) -> bool:
    """Tell whether a role has a right."""
    return role in MATRIX[right]


def require(role: StaffRole, right: Right) -> None:
    """Raise `NotForThisRole` unless a role has a right."""
    if not is_allowed(role, right):
        raise NotForThisRole


def actor(role: StaffRole, member: UUID) -> Actor:
    """Return a member of the staff as whoever acted in an event: a role and a random id."""
    return Actor(role=_ACTS_AS[role], id=member)
