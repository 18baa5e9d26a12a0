"""Sessions: a random token that the browser has, and of which only a digest is kept.

A resident's session is idle for at most 30 minutes and lasts at most 12 hours, one of the
staff 15 minutes and 8 hours; signing in always begins a new one. The token against forged
requests is derived from the session's own, so it needs no storage, and dies with it.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Final

from application.access.stores import Session
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.access.stores import AccessStore
    from application.services import Services

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
STAFF_IDLE: Final = timedelta(minutes=15)
STAFF_LONGEST: Final = timedelta(hours=8)
_NOTED_EVERY: Final = timedelta(minutes=1)
_TOKEN_BYTES: Final = 32
_TOKEN_LENGTH: Final = 43


def new_token() -> str:
    """Draw a token of 256 bits, as text."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token."""
    return len(text) == _TOKEN_LENGTH and text.isascii()


def begin(
    services: Services,
    store: AccessStore,
    *,
    account: UUID | None = None,
    member: UUID | None = None,
) -> str:
    """Begin a session for a resident or a member of the staff; return its token."""
    token, now = new_token(), services.clock()
    session = Session(account=account, member=member, began_at=now, seen_at=now)
    store.begin_session(digest_of(token), session)
    return token


def find(services: Services, store: AccessStore, token: str) -> Session | None:
    """Return the living session of a token, noting that it was used; None where there is none."""
    digest, now = digest_of(token), services.clock()
    session = store.session(digest)
    if session is None:
        return None
    if _is_over(session, now) or _is_erased(services, session.account):
        store.end_session(digest)
        return None
    if now - session.seen_at > _NOTED_EVERY:
        store.see_session(digest, now)
    return session


def drop_over(services: Services, store: AccessStore) -> int:
    """Forget sessions past their longest, and counters as old; return how many sessions."""
    return store.drop_sessions(services.clock() - LONGEST)


def digest_of(token: str) -> bytes:
    """Return what is kept of a token: it is 256 random bits, so a plain digest hides it."""
    return sha256(token.encode()).digest()


def form_token(token: str) -> str:
    """Return the token that every form of a session carries."""
    return blake2b(token.encode(), digest_size=16, person=b"form token").hexdigest()


def is_form_token(token: str, text: str) -> bool:
    """Tell in constant time whether a form came from a page of this very session."""
    return hmac.compare_digest(form_token(token).encode(), text.encode("utf-8", "replace"))


def _is_over(session: Session, now: datetime) -> bool:
    """Tell whether a session is too old, or its member of the staff was revoked."""
    if session.account is not None:
        return now - session.seen_at > IDLE or now - session.began_at > LONGEST
    old = now - session.seen_at > STAFF_IDLE or now - session.began_at > STAFF_LONGEST
    return old or session.role is None


def _is_erased(services: Services, account: UUID | None) -> bool:
    """Tell whether an account's profile key is destroyed: by any process, it shows at once."""
    if account is None:
        return False
    name = KeyName(owner=account, purpose=Purpose.PROFILE)
    return name not in services.keys.find([name])
