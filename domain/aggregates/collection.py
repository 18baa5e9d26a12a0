"""The collection of one consent's data over one channel (SGE, Data Connect …).

A consent allows; a collection does. It is suspended when the operator refuses once,
until it is known why, and stopped for ever when its consent or agreement ends.
Taking it up again after that is a new stream, under a consent in force.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.aggregates.machine import FactsUnreadable, Happened, Table, move
from domain.errors import Refused
from domain.events.collection import (
    CollectionResumed,
    CollectionStarted,
    CollectionStopped,
    CollectionSuspended,
)
from domain.values import Channel


class CollectionStatus(StrEnum):
    """Where a collection is in its life."""

    IDLE = "idle"
    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


TRANSITIONS: Final[Table[CollectionStatus]] = {
    CollectionStatus.IDLE: {CollectionStarted: CollectionStatus.RUNNING},
    CollectionStatus.RUNNING: {
        CollectionSuspended: CollectionStatus.SUSPENDED,
        CollectionStopped: CollectionStatus.STOPPED,
    },
    CollectionStatus.SUSPENDED: {
        CollectionResumed: CollectionStatus.RUNNING,
        CollectionStopped: CollectionStatus.STOPPED,
    },
    CollectionStatus.STOPPED: {},
}


class StopReason(StrEnum):
    """Why a collection stopped; the values are stored as they stand here."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    AGREEMENT_ENDED = "agreement_ended"
    MOVED_OUT = "moved_out"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The collection as its events left it; what was never said or cannot be read is None.

    `changed_at` is the instant of its last suspension or resumption.
    """

    status: CollectionStatus = CollectionStatus.IDLE
    consent: UUID | None = None
    channel: Channel | None = None
    started_at: datetime | None = None
    changed_at: datetime | None = None


INITIAL: Final = Collection()


class CollectionStartedOtherwise(Refused):
    """The collection was started already, for another consent, channel or instant."""

    def __init__(self) -> None:
        super().__init__(
            "This collection was started already, for another consent, channel or instant. "
            "Start another one under a new id."
        )


class NoSuchCollection(Refused):
    """The collection was never started."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such collection. Check which one was meant.")


class CollectionEnded(Refused):
    """The collection has stopped, and stays stopped."""

    def __init__(self) -> None:
        super().__init__(
            "This collection has stopped and is not taken up again. "
            "Start another one under a new id, if its consent is in force."
        )


def evolve(state: Collection, event: Happened) -> Collection:
    """Return the collection after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case CollectionStarted():
            return replace(
                moved, consent=event.consent, channel=event.channel, started_at=event.started_at
            )
        case CollectionSuspended():
            return replace(moved, changed_at=event.suspended_at)
        case CollectionResumed():
            return replace(moved, changed_at=event.resumed_at)
        case _:
            return moved


def start(state: Collection, wanted: CollectionStarted) -> tuple[CollectionStarted, ...]:
    """Decide the start; `policies.collection` checks what it rests on.

    Raises `CollectionStartedOtherwise` when it was started for something else.
    """
    if state.status is CollectionStatus.IDLE:
        return (wanted,)
    known = (state.consent, state.channel, state.started_at)
    if known != (wanted.consent, wanted.channel, wanted.started_at):
        raise CollectionStartedOtherwise
    return ()


def suspend(
    state: Collection, *, code: str, suspended_at: datetime
) -> tuple[CollectionSuspended, ...]:
    """Decide the suspension that follows an operator's refusal; `code` is the operator's own.

    A refusal that came no later than the last resumption was cleared up by it.
    """
    consent = _require_started(state)
    if state.status is not CollectionStatus.RUNNING:
        return ()
    if state.changed_at is not None and suspended_at <= state.changed_at:
        return ()
    return (CollectionSuspended(consent=consent, code=code, suspended_at=suspended_at),)


def resume(state: Collection, *, resumed_at: datetime) -> tuple[CollectionResumed, ...]:
    """Decide the resumption; `policies.collection` checks that the consent is in force.

    Raises `CollectionEnded` when the collection has stopped.
    """
    consent = _require_started(state)
    match state.status:
        case CollectionStatus.STOPPED:
            raise CollectionEnded
        case CollectionStatus.SUSPENDED:
            return (CollectionResumed(consent=consent, resumed_at=resumed_at),)
        case _:
            return ()


def stop(
    state: Collection, *, reason: StopReason, stopped_at: datetime
) -> tuple[CollectionStopped, ...]:
    """Decide the end of the collection; the first reason given is the one that is kept."""
    if state.status is CollectionStatus.STOPPED:
        return ()
    consent = _require_started(state)
    return (CollectionStopped(consent=consent, reason=reason.value, stopped_at=stopped_at),)


def has_ended(state: Collection) -> bool:
    """Tell whether the stream has ended."""
    return state.status is CollectionStatus.STOPPED


def _require_started(state: Collection) -> UUID:
    if state.status is CollectionStatus.IDLE:
        raise NoSuchCollection
    if state.consent is None:
        raise FactsUnreadable(state.status)
    return state.consent
