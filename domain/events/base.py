"""What every event class states about itself, and the change that a decision asks for.

Events are msgspec structs rather than dataclasses: a day of a metropolis makes
370,000 of them, and a struct is built, compared and encoded about five times as
fast (decision 0003). They behave as frozen values all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import msgspec

if TYPE_CHECKING:
    from uuid import UUID


class KeyPurpose(StrEnum):
    """Which sub-key of a person seals an event."""

    PROFILE = "profile"
    """Account and meters: one for a person."""
    EVIDENCE = "evidence"
    """One for a consent's own events and its collections'."""
    READINGS = "readings"
    """One for a consent and civil year of the reading's start."""
    ACCESS = "access"
    """Who looked at whom: one for a person and civil year of the look."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that happened; see the package's docstring for the class variables."""

    TOPIC: ClassVar[str] = ""
    LEAF: ClassVar[tuple[str, ...]] = ()
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {}
    ENDS: ClassVar[bool] = False
    KEY: ClassVar[KeyPurpose | None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event a decision wants appended to one stream.

    `subject` is the account whose key seals the event, or None when the event
    has no data subject and its payload is public.
    """

    stream: UUID
    event: Event
    subject: UUID | None = None
