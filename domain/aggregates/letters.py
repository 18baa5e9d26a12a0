"""Which letters one account's holder was sent about their erasure requests: a list that grows.

A stream of its own, beside the account's, so that a letter voids nothing that is decided there.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.aggregates.machine import Happened, Table, move
from domain.events.letter import LetterSent


class LettersStatus(StrEnum):
    """Whether anything was sent."""

    UNSENT = "unsent"
    SENT = "sent"


TRANSITIONS: Final[Table[LettersStatus]] = {
    LettersStatus.UNSENT: {LetterSent: LettersStatus.SENT},
    LettersStatus.SENT: {LetterSent: LettersStatus.SENT},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """The events that were written about; what cannot be read any more is left out."""

    status: LettersStatus = LettersStatus.UNSENT
    about: frozenset[UUID] = frozenset()


INITIAL: Final = Letters()


def evolve(state: Letters, event: Happened) -> Letters:
    """Return the list after one more letter."""
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    if isinstance(event, LetterSent):
        return replace(moved, about=moved.about | {event.about})
    return moved


def send(state: Letters, wanted: LetterSent) -> tuple[LetterSent, ...]:
    """Decide that a letter was sent; the same one, told again, is one."""
    return () if wanted.about in state.about else (wanted,)
