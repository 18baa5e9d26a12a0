"""One run that destroys what is past its period: ordered, then carried out.

It may be taken up again after a crash at any step; the certificate answers the order key for
key, or there is none.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import Happened, Table, move
from domain.errors import Refused
from domain.events.retention import RetentionCarriedOut, RetentionOrdered


class RetentionStatus(StrEnum):
    """Where a run is."""

    UNORDERED = "unordered"
    ORDERED = "ordered"
    CARRIED_OUT = "carried out"


TRANSITIONS: Final[Table[RetentionStatus]] = {
    RetentionStatus.UNORDERED: {RetentionOrdered: RetentionStatus.ORDERED},
    RetentionStatus.ORDERED: {RetentionCarriedOut: RetentionStatus.CARRIED_OUT},
    RetentionStatus.CARRIED_OUT: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What was ordered and what was certified, None before."""

    status: RetentionStatus = RetentionStatus.UNORDERED
    ordered: RetentionOrdered | None = None
    carried_out: RetentionCarriedOut | None = None


INITIAL: Final = Retention()


class OrderStands(Refused):
    """The run was ordered already, over other keys."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "This run was ordered already, over other keys, and that order stands. Carry it out, "
            "and order the rest as another run."
        )


class NotWholeRun(Refused):
    """The certificate does not say what the order says, or nothing was ordered."""

    def __init__(self, ordered: int, certified: int) -> None:
        """Take how many keys were ordered, and how many are certified."""
        super().__init__(
            f"{ordered} keys were ordered destroyed and {certified} are certified, or others. "
            "Destroy what remains and certify again."
        )
        self.ordered = ordered
        self.certified = certified


def evolve(state: Retention, event: Happened) -> Retention:
    """Return the run after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case RetentionOrdered():
            return replace(moved, ordered=event)
        case RetentionCarriedOut():
            return replace(moved, carried_out=event)
        case _:
            return moved


def order(state: Retention, wanted: RetentionOrdered) -> tuple[RetentionOrdered, ...]:
    """Decide the order; the same again changes nothing. Raises `OrderStands` for another."""
    if state.ordered is None:
        return (wanted,)
    if state.ordered != wanted:
        raise OrderStands
    return ()


def carry_out(
    state: Retention, certificate: RetentionCarriedOut
) -> tuple[RetentionCarriedOut, ...]:
    """Decide the end of a run; the first certificate stands.

    Raises `NotWholeRun` unless the certificate answers the order key for key.
    """
    if state.status is RetentionStatus.CARRIED_OUT:
        return ()
    ordered = (state.ordered.keys, state.ordered.root) if state.ordered else (0, "")
    if (certificate.keys, certificate.root) != ordered:
        raise NotWholeRun(ordered[0], certificate.keys)
    return (certificate,)
