"""One file, or one run's gathered answers, of an operator.

A delivery that fits is taken in whole, in one commit. A larger one is cut into
parts by position, before any consent is looked at, so that every retry cuts alike;
between its parts it is *incomplete*, and never parked: what was taken in stays.

Its readings are events of the same stream, written after the `DeliveryReceived`
that counts them; they change nothing of the delivery's own state.

Neither completing nor parking ends the stream. A parked delivery whose key has been
found since is taken in again on purpose, as a new attempt with an id of its own.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import Happened, Table, move
from domain.errors import Refused
from domain.events.delivery import DeliveryCompleted, DeliveryParked, DeliveryReceived
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)


class DeliveryStatus(StrEnum):
    """Where a delivery is in its life."""

    UNSEEN = "unseen"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"
    PARKED = "parked"


TRANSITIONS: Final[Table[DeliveryStatus]] = {
    DeliveryStatus.UNSEEN: {
        DeliveryReceived: DeliveryStatus.INCOMPLETE,
        DeliveryParked: DeliveryStatus.PARKED,
    },
    DeliveryStatus.INCOMPLETE: {
        DeliveryReceived: DeliveryStatus.INCOMPLETE,
        IndexReceived: DeliveryStatus.INCOMPLETE,
        IntervalReceived: DeliveryStatus.INCOMPLETE,
        LoadCurveDayReceived: DeliveryStatus.INCOMPLETE,
        MaximumPowerReceived: DeliveryStatus.INCOMPLETE,
        DeliveryCompleted: DeliveryStatus.COMPLETED,
    },
    DeliveryStatus.COMPLETED: {},
    DeliveryStatus.PARKED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Which parts of how many were taken in; parts count from 1."""

    status: DeliveryStatus = DeliveryStatus.UNSEEN
    parts: int = 0
    received: frozenset[int] = frozenset()


INITIAL: Final = Delivery()


class NoSuchPart(Refused):
    """A part's number is not one of the delivery's."""

    def __init__(self, part: int, parts: int) -> None:
        """Take the part and the number of parts as they were given."""
        super().__init__(
            f"Part {part} of {parts} is not a part of this delivery. Cut the delivery the same way "
            "at every attempt, and count its parts from 1."
        )
        self.part = part
        self.parts = parts


class DeliveryIncomplete(Refused):
    """The delivery cannot be completed: parts of it were not taken in."""

    def __init__(self, received: int, parts: int) -> None:
        """Take how many parts were taken in, out of how many."""
        super().__init__(
            f"{received} of {parts} parts of this delivery were taken in. Take in the others first."
        )
        self.received = received
        self.parts = parts


class DeliveryParkedAlready(Refused):
    """The delivery was parked as unreadable."""

    def __init__(self) -> None:
        super().__init__(
            "This delivery was parked, because it could not be read. If it can be now, take it in "
            "as a new attempt."
        )


class DeliveryUnderWay(Refused):
    """Parts of the delivery were taken in, so it cannot be parked."""

    def __init__(self, received: int, parts: int) -> None:
        """Take how many parts were taken in, out of how many."""
        super().__init__(
            f"{received} of {parts} parts of this delivery were taken in, so it is incomplete, not "
            "unreadable. Take in the others."
        )
        self.received = received
        self.parts = parts


def evolve(state: Delivery, event: Happened) -> Delivery:
    """Return the delivery after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    status = move(TRANSITIONS, state.status, event)
    if isinstance(event, DeliveryReceived):
        return Delivery(status=status, parts=event.parts, received=state.received | {event.part})
    return state if status is state.status else replace(state, status=status)


def receive(state: Delivery, wanted: DeliveryReceived) -> tuple[DeliveryReceived, ...]:
    """Decide to take in a part; its readings are written behind it in the same commit.

    Raises `NoSuchPart` and `DeliveryParkedAlready`.
    """
    if state.status is DeliveryStatus.PARKED:
        raise DeliveryParkedAlready
    same_cut = state.status is DeliveryStatus.UNSEEN or wanted.parts == state.parts
    if not same_cut or not 1 <= wanted.part <= wanted.parts:
        raise NoSuchPart(wanted.part, wanted.parts)
    return () if wanted.part in state.received else (wanted,)


def complete(state: Delivery, *, rows: int) -> tuple[DeliveryCompleted, ...]:
    """Decide that every part was taken in; `rows` is how many the operator sent.

    Raises `DeliveryIncomplete` and `DeliveryParkedAlready`.
    """
    match state.status:
        case DeliveryStatus.PARKED:
            raise DeliveryParkedAlready
        case DeliveryStatus.COMPLETED:
            return ()
        case _:
            if state.status is DeliveryStatus.UNSEEN or len(state.received) < state.parts:
                raise DeliveryIncomplete(len(state.received), state.parts)
            return (DeliveryCompleted(parts=state.parts, rows=rows),)


def park(state: Delivery, wanted: DeliveryParked) -> tuple[DeliveryParked, ...]:
    """Decide that the delivery cannot be read; what was taken in whole once stays taken in.

    Raises `DeliveryUnderWay` between the parts of an incomplete delivery.
    """
    match state.status:
        case DeliveryStatus.UNSEEN:
            return (wanted,)
        case DeliveryStatus.INCOMPLETE:
            raise DeliveryUnderWay(len(state.received), state.parts)
        case _:
            return ()
