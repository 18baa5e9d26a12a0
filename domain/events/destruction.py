"""The destruction of some of a person's keys, while the account lives on.

What orders it is `domain.events.account.DestructionOrdered`, in a stream of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.events.base import Event, KeyPurpose


class PastErasureRequested(Event, frozen=True, kw_only=True):
    """The person asked for what was measured at one of their meters to be erased.

    Of the account's stream. `request` is the stream of the destruction that follows, and the
    one id in the private zone's `extra`, so that it is found without any key.
    """

    TOPIC: ClassVar[str] = "PastErasureRequested.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"request": ("request", "meter", "requested_at")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    request: UUID
    meter: UUID
    requested_at: datetime


class PastErasureAskedAgain(Event, frozen=True, kw_only=True):
    """The person asked once more for what a request under way erases already: it is that one.

    Of the account's stream. `again` is the id that a request of its own would have had: so the
    same command, sent again however late, is answered with `request` and erases nothing more.
    """

    TOPIC: ClassVar[str] = "PastErasureAskedAgain.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {"asking again": ("again", "request")}
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.PROFILE

    again: UUID
    request: UUID


class KeysDestroyed(Event, frozen=True, kw_only=True):
    """The ordered keys of a part are destroyed; the certificate. Public: it names no one.

    Members are those of `AccountErased`; `tree_size_before` is read before the order.
    """

    TOPIC: ClassVar[str] = "KeysDestroyed.v1"
    ENDS: ClassVar[bool] = True

    request: UUID
    keys: int
    root: str
    fingerprints: str
    stores: int
    epoch: int
    tree_size_before: int
    tree_size_after: int
    legal_basis: str
    not_reached: tuple[str, ...]
    asked_as: str
    carried_out_as: str
