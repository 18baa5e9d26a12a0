"""Who of the staff looked at somebody's data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.events.base import Event, KeyPurpose


class Seen(StrEnum):
    """What was looked at."""

    NAME_AND_EMAIL = "name_and_email"
    READINGS = "readings"


class Reason(StrEnum):
    """What for."""

    ERASURE_REQUEST = "erasure_request"
    AT_THE_MACHINE = "at_the_machine"
    """Whoever runs the ledger asked its command line."""


class DataSeen(Event, frozen=True, kw_only=True):
    """A member of the staff was shown something of a person, in a role, for a reason.

    Who it was is a random id in the private zone; the person reads the role. Written before
    it was shown.
    """

    TOPIC: ClassVar[str] = "DataSeen.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"access": ("what", "why", "role", "seen_at")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.ACCESS

    what: Seen
    why: Reason
    role: str
    seen_at: datetime
