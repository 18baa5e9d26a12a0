"""The members of the metropolis's staff: added, invited anew, listed and revoked.

Whoever may run commands on the server does that; nobody can from the portal. A member's name
and e-mail are sealed under a key of their own, and lead to them through the key store's index
alone. Revoking destroys that key: what stays is a random id, its role and two days.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from application.access.roles import LATER
from application.access.stores import StoredMember
from application.access.tickets import Errand, Ticket, issue
from application.services import new_id
from domain.errors import Refused
from keys import sealing
from keys.index import AlreadyTaken, Entry, Kind, Lookup
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from application.access.roles import StaffRole
    from application.access.stores import StaffStore
    from application.services import Services

INVITATION_LASTS: Final = timedelta(hours=24)
_UNIQUE_BYTES: Final = 16


class NoSuchMember(Refused):
    """There is no such member of the staff, or no longer."""

    status = 404

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "there is no such member of the staff, or no longer; 'metroledger staff list' says "
            "who there is"
        )


class RoleOfLater(Refused):
    """The role has a name already, and nothing to do yet."""

    def __init__(self, role: StaffRole) -> None:
        """Take the role."""
        super().__init__(f"there is nothing for the role {role} yet; add them when there is")


class Profile(msgspec.Struct, frozen=True, array_like=True):
    """Who a member is: a name and an e-mail, never in clear at rest."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the staff; `profile` is None once they are revoked."""

    id: UUID
    role: StaffRole
    profile: Profile | None = field(repr=False)
    since: datetime
    enrolled: bool
    revoked_at: datetime | None


def staff_lookup(email: str) -> Lookup:
    """Return a member's e-mail as the index knows it; residents' are another kind."""
    return Lookup(Kind.STAFF, email.strip().lower())


def key_of(member: UUID) -> KeyName:
    """Return the name of the key that seals all there is of a member."""
    return KeyName(owner=member, purpose=Purpose.PROFILE)


def add(services: Services, staff: StaffStore, profile: Profile, role: StaffRole) -> UUID:
    """Add a member; return their id. Raises `AlreadyTaken` for another member's e-mail.

    What an earlier call left reserved when it was killed is freed first: members have no
    command in the log that could still be accepted.
    """
    if role in LATER:
        raise RoleOfLater(role)
    member, index, lookup = new_id(), services.keys.index, staff_lookup(profile.email)
    for dead in index.reserving(lookup):
        index.free(dead)
    key = services.keys.mint([key_of(member)])[key_of(member)]
    sealed = sealing.seal(key, msgspec.msgpack.encode(profile), _binding(member))
    staff.add(StoredMember(id=member, role=role, profile=sealed, since=services.clock()))
    try:
        index.reserve(lookup, Entry(member, member), member)
    except AlreadyTaken:
        staff.drop(member)
        raise
    index.confirm(member)
    return member


def invite(services: Services, staff: StaffStore, member: UUID) -> str:
    """Return the ticket by which a member chooses password and second factor, once.

    Those they had, their sessions and every ticket before this one are worth nothing from now on.
    """
    living(staff, member)
    unique = os.urandom(_UNIQUE_BYTES)
    staff.invite(member, invitation_digest(unique))
    until_s = int((services.clock() + INVITATION_LASTS).timestamp())
    return issue(services, Ticket(Errand.STAFF, str(member), until_s, unique))


def members(services: Services, staff: StaffStore) -> Sequence[Member]:
    """Return all members, revoked ones too, whose names nobody can read any more."""
    return [
        Member(
            id=one.id,
            role=one.role,
            profile=None if one.revoked_at else profile_of(services, one),
            since=one.since,
            enrolled=one.factor is not None,
            revoked_at=one.revoked_at,
        )
        for one in staff.members()
    ]


def revoke(services: Services, staff: StaffStore, member: UUID) -> None:
    """Let a member in no more, and make name, e-mail and credentials unreadable; may be repeated.

    Their sessions end first, so a crash in between leaves nobody in.
    """
    if staff.member(member) is None:
        raise NoSuchMember
    staff.revoke(member, services.clock())
    services.keys.close_owner(member)
    services.keys.destroy_owner(member, services.clock())
    services.keys.index.forget(member)


def living(staff: StaffStore, member: UUID) -> StoredMember:
    """Return a member who is not revoked; raises `NoSuchMember`."""
    found = staff.member(member)
    if found is None or found.revoked_at is not None:
        raise NoSuchMember
    return found


def profile_of(services: Services, member: StoredMember) -> Profile | None:
    """Return who a member is, None when their key is destroyed."""
    key = services.keys.find([key_of(member.id)]).get(key_of(member.id))
    if key is None:
        return None
    opened = sealing.open(key, member.profile, _binding(member.id))
    return msgspec.msgpack.decode(opened, type=Profile)


def invitation_digest(unique: bytes) -> bytes:
    """Return what is kept of a link: it holds 128 random bits, so a plain digest hides it."""
    return blake2b(unique, digest_size=32, person=b"invitation").digest()


def _binding(member: UUID) -> bytes:
    return b"metroledger/member/v1\0" + member.bytes
