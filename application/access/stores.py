"""Ports: where credentials, sessions and counters lie. No personal data in any of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class StaffRole(StrEnum):
    """What a member of the staff may do; `NONE` may sign in and see nothing."""

    NONE = "none"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody signed in: a resident by their account, or staff by a role, never both."""

    account: UUID | None
    role: StaffRole | None
    began_at: datetime
    seen_at: datetime


class AccessStore(Protocol):
    """Credentials, sessions and counters, shared by all processes, durable."""

    def credential(self, account: UUID) -> bytes | None:
        """Return an account's sealed credential, None where there is none."""

    def put_credential(self, account: UUID, sealed: bytes) -> None:
        """Keep an account's credential in place of the one before."""

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

    def use_once(self, digest: bytes, until: datetime) -> bool:
        """Note that something was used; answer False where it was before."""

    def count(self, bucket: bytes, window: datetime, most: int) -> int:
        """Count one more in a bucket's window, up to `most`; return how many that makes."""
