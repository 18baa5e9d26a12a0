"""Who looked at one person's data in one civil year: a list that only grows.

One stream is an account's year. It has states only so that the log can hold nothing else in it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import Happened, Table, move
from domain.events.access import DataSeen


class AccessStatus(StrEnum):
    """Whether anybody looked in that year."""

    UNSEEN = "unseen"
    SEEN = "seen"


TRANSITIONS: Final[Table[AccessStatus]] = {
    AccessStatus.UNSEEN: {DataSeen: AccessStatus.SEEN},
    AccessStatus.SEEN: {DataSeen: AccessStatus.SEEN},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accesses:
    """What was looked at, the oldest first; what cannot be read any more is left out."""

    status: AccessStatus = AccessStatus.UNSEEN
    seen: tuple[DataSeen, ...] = ()


INITIAL: Final = Accesses()


def evolve(state: Accesses, event: Happened) -> Accesses:
    """Return the list after one more look."""
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    return replace(moved, seen=(*state.seen, event)) if isinstance(event, DataSeen) else moved


def see(state: Accesses, wanted: DataSeen) -> tuple[DataSeen, ...]:
    """Decide that somebody looks; the same look, sent again, is one."""
    return () if wanted in state.seen else (wanted,)
