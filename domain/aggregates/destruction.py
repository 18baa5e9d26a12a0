"""The destruction of some of a person's keys, whose account lives on: ordered, then done.

One stream is one destruction, of the past of a meter. A person's whole account is another
matter, with people in between (`leaving`), and so is what is past its period for everybody.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.aggregates.leaving import AnotherDestructionOrdered, require_answer
from domain.aggregates.machine import Happened, Table, move
from domain.events.account import DestructionOrdered
from domain.events.destruction import KeysDestroyed


class DestructionStatus(StrEnum):
    """Where a destruction stands."""

    UNORDERED = "unordered"
    ORDERED = "ordered"
    DONE = "done"


TRANSITIONS: Final[Table[DestructionStatus]] = {
    DestructionStatus.UNORDERED: {DestructionOrdered: DestructionStatus.ORDERED},
    DestructionStatus.ORDERED: {KeysDestroyed: DestructionStatus.DONE},
    DestructionStatus.DONE: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destruction:
    """The destruction as its events left it."""

    status: DestructionStatus = DestructionStatus.UNORDERED
    ordered: DestructionOrdered | None = None
    certificate: KeysDestroyed | None = None


INITIAL: Final = Destruction()


def evolve(state: Destruction, event: Happened) -> Destruction:
    """Return the destruction after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case DestructionOrdered():
            return replace(moved, ordered=event)
        case KeysDestroyed():
            return replace(moved, certificate=event)
        case _:
            return moved


def order(
    state: Destruction, *, request: UUID, keys: int, root: str
) -> tuple[DestructionOrdered, ...]:
    """Decide the order to destroy `keys` keys, whose ids' RFC 6962 root is `root`.

    Raises `AnotherDestructionOrdered` for other keys than the ordered ones.
    """
    if state.ordered is None:
        return (DestructionOrdered(request=request, keys=keys, root=root),)
    if (state.ordered.keys, state.ordered.root) != (keys, root):
        raise AnotherDestructionOrdered(state.ordered.keys, keys)
    return ()


def certify(state: Destruction, certificate: KeysDestroyed) -> tuple[KeysDestroyed, ...]:
    """Decide the end of a destruction, with its certificate; the first one stands.

    Raises `DestructionNotOrdered`, and `PartialErasure` when it does not answer the order
    key for key.
    """
    if state.status is DestructionStatus.DONE:
        return ()
    require_answer(state.ordered, certificate)
    return (certificate,)
