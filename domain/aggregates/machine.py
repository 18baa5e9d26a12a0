"""What the state machines share: a table of moves, and the refusal to leave it.

The table of an aggregate says, for each state, which event types may come next
and which state each leads to. `evolve` takes the next state from it, docs/states.md
is drawn from it, and the exhaustive tests walk it: one source for the three.

An event that the table does not know in that state is not a person's mistake:
the log holds what no decision of ours could have written, so it is `Corrupt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, TypeVar

from domain.errors import Corrupt
from domain.events import Event

Status = TypeVar("Status", bound=StrEnum)

Table = Mapping[Status, Mapping[type[Event], Status]]
"""The moves of a machine; a state without a row of moves is final."""


class Unreadable(Protocol):
    """An event whose payload nobody can read any more (`keys.Redacted`).

    Its type is still known, so the machine still moves; what the payload said
    about the person stays unknown.
    """

    @property
    def event_type(self) -> str:
        """The stored type, for instance "AccountOpened.v1"."""


Happened = Event | Unreadable
"""What a stream is folded from."""


class ImpossibleEvent(Corrupt):
    """A stream holds an event that cannot follow what came before it."""

    def __init__(self, status: StrEnum, event_type: str) -> None:
        """Take the state the stream was in and the stored type that came."""
        super().__init__(
            f"{event_type or 'An event of no known type'} cannot happen to a "
            f"{type(status).__name__} that is {status.value!r}: the log holds what no decision of "
            "ours writes. An operator must find out who wrote it before anything goes on."
        )
        self.state = status
        self.event_type = event_type


class FactsUnreadable(Corrupt):
    """A decision needs what an event said, and that event cannot be read any more.

    The keys of a stream are destroyed only after its ending was written, so a
    living stream that cannot be read is evidence that was lost.
    """

    def __init__(self, status: StrEnum) -> None:
        """Take the state of the stream whose facts are missing."""
        super().__init__(
            f"A {type(status).__name__} is {status.value!r} and what it rests on cannot be read. "
            "An operator must look at the key store before anything goes on."
        )
        self.state = status


def stored_type(event: Happened) -> str:
    """Return the stored type and version of an event, readable or not."""
    return event.TOPIC if isinstance(event, Event) else event.event_type


def move(table: Table[Status], status: Status, event: Happened) -> Status:
    """Return the state that follows.

    Raises `ImpossibleEvent` when the table knows no such move.
    """
    moves = table.get(status, {})
    if isinstance(event, Event):
        following = moves.get(type(event))
    else:
        by_type = {kind.TOPIC: following for kind, following in moves.items()}
        following = by_type.get(event.event_type)
    if following is None:
        raise ImpossibleEvent(status, stored_type(event))
    return following
