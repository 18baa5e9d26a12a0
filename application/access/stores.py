"""Ports: where credentials, sessions, counters and members of the staff lie.

No personal data in any of them: random ids, digests, roles, times, and sealed bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from application.access.roles import StaffRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody signed in: a resident by their account, or a member of the staff; never both.

    `role` is the member's at this moment, None once they are revoked, and for residents.
    """

    account: UUID | None = None
    member: UUID | None = None
    role: StaffRole | None = None
    began_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMember:
    """A member of the staff as stored.

    `profile` is sealed under the member's own key: name and e-mail. `invitation` is a digest
    of the one link that lets them enrol, `factor` the sealed secret of their second factor.
    """

    id: UUID
    role: StaffRole
    profile: bytes = field(repr=False)
    since: datetime
    invitation: bytes | None = None
    factor: bytes | None = field(default=None, repr=False)
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What an enrolment leaves: a sealed password, a sealed secret, digests of recovery codes.

    `step` is the last step of the second factor whose code was used.
    """

    credential: bytes = field(repr=False)
    factor: bytes = field(repr=False)
    recovery: tuple[bytes, ...] = field(repr=False)
    step: int


class AccessStore(Protocol):
    """Credentials, sessions and counters, shared by all processes, durable."""

    def credential(self, owner: UUID) -> bytes | None:
        """Return the sealed credential of an account or a member, None where there is none."""

    def put_credential(self, owner: UUID, sealed: bytes) -> None:
        """Keep a credential in place of the one before."""

    def begin_session(self, digest: bytes, session: Session) -> None:
        """Keep a session under the digest of its token."""

    def session(self, digest: bytes) -> Session | None:
        """Return the session of a token's digest."""

    def see_session(self, digest: bytes, at: datetime) -> None:
        """Note when a session was last used."""

    def end_session(self, digest: bytes) -> None:
        """Forget a session."""

    def end_sessions_of(self, account: UUID, *, keep: bytes | None = None) -> None:
        """Forget all sessions of an account, but one where it says so."""

    def drop_sessions(self, before: datetime) -> int:
        """Forget the sessions that began before an instant; return how many."""

    def count(self, bucket: bytes, window: datetime, most: int) -> int:
        """Count one more in a bucket's window, up to `most`; return how many that makes."""


class StaffStore(Protocol):
    """The members of the staff, shared by all processes. Each method is one transaction."""

    def add(self, member: StoredMember) -> None:
        """Keep a new member."""

    def drop(self, member: UUID) -> None:
        """Forget a member that nobody was told of."""

    def member(self, member: UUID) -> StoredMember | None:
        """Return a member, revoked or not; None where there is none."""

    def members(self) -> Sequence[StoredMember]:
        """Return all members, revoked ones too, in the order in which they were added."""

    def invite(self, member: UUID, invitation: bytes) -> None:
        """Make a link the one that enrols a member; what they signed in with is gone."""

    def enrol(self, member: UUID, invitation: bytes, enrolled: Enrolled) -> bool:
        """Use a link up and keep what it leaves; answer False unless it was the living one."""

    def use_step(self, member: UUID, factor: bytes, step: int) -> bool:
        """Note that a step's code of a factor was used.

        Answer False unless it is the member's factor still, and the step later than all before.
        """

    def use_recovery(self, member: UUID, digest: bytes) -> bool:
        """Use a recovery code up; answer False where there is none such."""

    def revoke(self, member: UUID, at: datetime) -> None:
        """Keep that a member is one no more; of what they were and signed in with, nothing."""
