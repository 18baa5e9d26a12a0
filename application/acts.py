"""The `Inbox` port: what people did, kept until the log has it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class KindOfAct(StrEnum):
    """What a person did."""

    WITHDRAWAL = "withdrawal"
    ERASURE_REQUEST = "erasure-request"
    PAST_ERASURE_REQUEST = "past-erasure-request"


class Fortune(StrEnum):
    """What became of an act."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did, and when.

    `about` is the consent, for an erasure the account, for that of a meter's past the meter.
    """

    command: UUID
    kind: KindOfAct
    account: UUID
    about: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An act as it is kept: sealed but for what must be found."""

    command: UUID
    about: UUID
    at: datetime
    key: UUID
    sealed: bytes
    place: int = 0
    """Where it stands among all that were kept, from 1; 0 until it is kept."""


class Inbox(Protocol):
    """Where acts are kept, in the order they came. Each method is one durable transaction."""

    def keep(self, act: Kept) -> datetime:
        """Keep an act, unless its command is known; return when it was done first."""

    def oldest(self, limit: int, *, after: int = 0) -> Sequence[Kept]:
        """Return acts that wait behind a place, the oldest first."""

    def waits(self, about: UUID) -> bool:
        """Whether an act about a consent, a meter or an account waits to be carried."""

    def settle(self, command: UUID, fortune: Fortune) -> None:
        """Write down what became of an act."""

    def fortune(self, command: UUID) -> Fortune | None:
        """Return what became of an act, None where nothing is known of it."""

    def drop(self, before: datetime) -> int:
        """Forget acts that were done before an instant and do not wait; return how many."""
