"""How often something may be tried: counted for everybody alike, in windows that pass.

Counters are in the database, so they hold over restarts and processes. What they are about
(an e-mail, an address) is a keyed digest under the territory's key: nobody can search it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from domain.errors import Refused
from keys.names import Purpose

if TYPE_CHECKING:
    from application.access.stores import AccessStore
    from application.services import Services


class TooOften(Refused):
    """It was tried too often of late."""

    status = 429

    def __init__(self, retry_after_s: int) -> None:
        """Take how long to wait, in seconds."""
        minutes = -(-retry_after_s // 60)
        super().__init__(f"tried too often; try again in {minutes} min")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many in so many seconds."""

    name: str
    most: int
    seconds: int


SIGN_IN_OF_EMAIL = Limit(name="sign-in of e-mail", most=10, seconds=300)
SIGN_IN_FROM = Limit(name="sign-in from", most=60, seconds=300)
STAFF_SIGN_IN_OF_EMAIL = Limit(name="staff sign-in of e-mail", most=5, seconds=900)
STAFF_SIGN_IN_FROM = Limit(name="staff sign-in from", most=30, seconds=900)
STAFF_CODE = Limit(name="code of an enrolment", most=10, seconds=900)
MAIL_TO = Limit(name="mail to", most=4, seconds=900)
MAIL_FROM = Limit(name="mail from", most=20, seconds=900)


def pass_by(services: Services, store: AccessStore, limit: Limit, subject: str) -> None:
    """Count one more; raise `TooOften` beyond the limit."""
    now = services.clock()
    passed = int(now.timestamp()) % limit.seconds
    window = datetime.fromtimestamp(int(now.timestamp()) - passed, UTC)
    if store.count(_bucket(services, limit, subject), window, limit.most + 1) > limit.most:
        raise TooOften(limit.seconds - passed)


def _bucket(services: Services, limit: Limit, subject: str) -> bytes:
    key = services.territory_key(Purpose.REACTIONS).secret
    text = f"{limit.name}\0{subject}".encode()
    return blake2b(text, key=key, digest_size=16, person=b"door throttle").digest()
