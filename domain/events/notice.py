"""A notice of an erasure: somebody who was given data, or gives it, is told to stop and erase.

Public, in a stream of its own that outlives the account: it names a recipient and the random id
of a request, and nobody. What the notice says is sealed in a file, under a key of its own.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.events.base import Event


class Addressee(StrEnum):
    """Why somebody is told; the values are stored as they stand here."""

    OPERATOR = "operator"
    """It sends what its meters measured."""
    RECIPIENT = "recipient"
    """A consent let it read."""


class Occasion(StrEnum):
    """Why a notice is sent; the values are stored as they stand here."""

    FIRST = "first"
    REMINDER = "reminder"
    DATA_CAME = "data_came"
    """Data arrived afterwards all the same."""


class Cause(StrEnum):
    """Why a person must see to a notice; the values are stored as they stand here."""

    UNANSWERED = "unanswered"
    NO_ADDRESS = "no_address"
    LOST = "lost"
    """What it says cannot be read any more."""


class NoticeQueued(Event, frozen=True, kw_only=True):
    """A notice was sealed, to be sent; `request` is the erasure's.

    Without an acknowledgement its key is destroyed after `kept_days`.
    """

    TOPIC: ClassVar[str] = "NoticeQueued.v1"

    request: UUID
    recipient: str
    addressee: Addressee
    queued_on: date
    kept_days: int


class NoticeSent(Event, frozen=True, kw_only=True):
    """A mail server took the notice, for the `times`-th time."""

    TOPIC: ClassVar[str] = "NoticeSent.v1"

    times: int
    occasion: Occasion
    sent_on: date


class NoticeEscalated(Event, frozen=True, kw_only=True):
    """A person must see to the notice: letters alone did not do it."""

    TOPIC: ClassVar[str] = "NoticeEscalated.v1"

    cause: Cause
    escalated_on: date


class NoticeDisregarded(Event, frozen=True, kw_only=True):
    """Data arrived after the notice was queued: `rows` in one delivery, refused and counted."""

    TOPIC: ClassVar[str] = "NoticeDisregarded.v1"

    rows: int
    came_on: date


class NoticeAcknowledged(Event, frozen=True, kw_only=True):
    """Whoever was told acknowledged; the notice's key is destroyed."""

    TOPIC: ClassVar[str] = "NoticeAcknowledged.v1"
    ENDS: ClassVar[bool] = True

    acknowledged_on: date


class NoticeExpired(Event, frozen=True, kw_only=True):
    """The notice's days were over without an acknowledgement; its key is destroyed."""

    TOPIC: ClassVar[str] = "NoticeExpired.v1"
    ENDS: ClassVar[bool] = True

    expired_on: date
