"""Where each erasure request stands: of each account the last one, by random id and dates alone.

Told by the types of events and their private zones; no key is needed, so what an erasure came
to can still be told when nothing else can. A leaf that a stranger appended may add a row that
leads to nobody; it ends no erasure, for that is believed once the account has no keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from domain.events.account import (
    AccountErased,
    AccountErasedV1,
    DestructionOrdered,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
)


class Outcome(StrEnum):
    """What became of a request."""

    REFUSED = "refused"
    TAKEN_BACK = "taken back"
    ERASED = "erased"


class Request(NamedTuple):
    """One account's last erasure request, and when each thing happened to it."""

    account: UUID
    requested_at: datetime
    identified_at: datetime | None = None
    held_at: datetime | None = None
    validated_at: datetime | None = None
    ordered_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None


class Step(NamedTuple):
    """Something that happened to an account's request: what, as its leaf says, and when."""

    account: UUID
    topic: str
    at: datetime


_OUTCOMES: Final = {
    ErasureRefused.TOPIC: Outcome.REFUSED,
    ErasureTakenBack.TOPIC: Outcome.TAKEN_BACK,
    AccountErasedV1.TOPIC: Outcome.ERASED,
    AccountErased.TOPIC: Outcome.ERASED,
}
ENDS: Final = frozenset(one for one, outcome in _OUTCOMES.items() if outcome is Outcome.ERASED)
"""The types of events that say that an account was erased."""

_MOVES: Final[dict[str, Callable[[Request, datetime], Request]]] = {
    ErasureIdentityChecked.TOPIC: lambda request, at: request._replace(identified_at=at),
    ErasureHeld.TOPIC: lambda request, at: request._replace(held_at=at),
    ErasureHoldLifted.TOPIC: lambda request, _: request._replace(held_at=None),
    ErasureValidated.TOPIC: lambda request, at: request._replace(validated_at=at),
    DestructionOrdered.TOPIC: lambda request, at: request._replace(ordered_at=at),
}
TOPICS: Final = frozenset({ErasureRequested.TOPIC, *_OUTCOMES, *_MOVES})
"""The types of events that move a request."""

MARKS: Final = tuple(f'"type":"{topic}"'.encode() for topic in sorted(TOPICS))
"""What marks their leaves."""


def moved(before: Mapping[UUID, Request], steps: Iterable[Step]) -> dict[UUID, Request]:
    """Return where requests stand after some steps, by account."""
    found = dict(before)
    for account, topic, at in steps:
        after = evolve(found.get(account), account, topic, at)
        if after is not None:
            found[account] = after
    return found


def evolve(before: Request | None, account: UUID, topic: str, at: datetime) -> Request | None:
    """Return where an account's request stands after an event; what moves none changes nothing."""
    if topic == ErasureRequested.TOPIC:
        waits = before is not None and before.closed_at is None
        return before if waits else Request(account, at)
    if before is None or before.closed_at is not None:
        return before
    if topic in _MOVES:
        return _MOVES[topic](before, at)
    outcome = _OUTCOMES[topic]
    if (outcome is Outcome.ERASED) is not (before.validated_at is not None):
        return before
    return before._replace(closed_at=at, outcome=outcome)
