"""What the metropolis wrote to somebody."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from domain.events.base import Event, KeyPurpose


class LetterSent(Event, frozen=True, kw_only=True):
    """A letter about one event of an erasure request was handed to the post.

    `about` is that event's random id. Written after the letter, and read before the next.
    """

    TOPIC: ClassVar[str] = "LetterSent.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"letter": ("about",)}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    about: UUID
