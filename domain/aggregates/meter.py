"""A metering point *as one account declared it*, and the consents that live on it.

The stream carries the consents of its meter so that two grants of the same act
contend for one stream: whichever is folded second is void, and decided again. So a
consent's grant is written with `ConsentAttached`, and each ending with
`ConsentDetached`, in one commit (`domain/policies`). A meter is left only when
nothing lives on it any more, for its stream ends there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from operator import itemgetter
from typing import Final
from uuid import UUID

from domain.aggregates.machine import FactsUnreadable, Happened, Table, move
from domain.errors import Refused
from domain.events.meter import (
    ConsentAttached,
    ConsentDetached,
    ContractFactsReceived,
    MeterAttested,
    MeterDeclared,
    MeterMovedOut,
)
from domain.values import Category


class MeterStatus(StrEnum):
    """Where a declared meter is in its life."""

    UNDECLARED = "undeclared"
    DECLARED = "declared"
    ATTESTED = "attested"
    MOVED_OUT = "moved out"


TRANSITIONS: Final[Table[MeterStatus]] = {
    MeterStatus.UNDECLARED: {MeterDeclared: MeterStatus.DECLARED},
    MeterStatus.DECLARED: {
        MeterAttested: MeterStatus.ATTESTED,
        ContractFactsReceived: MeterStatus.DECLARED,
        ConsentAttached: MeterStatus.DECLARED,
        ConsentDetached: MeterStatus.DECLARED,
        MeterMovedOut: MeterStatus.MOVED_OUT,
    },
    MeterStatus.ATTESTED: {
        MeterAttested: MeterStatus.ATTESTED,
        ContractFactsReceived: MeterStatus.ATTESTED,
        ConsentAttached: MeterStatus.ATTESTED,
        ConsentDetached: MeterStatus.ATTESTED,
        MeterMovedOut: MeterStatus.MOVED_OUT,
    },
    MeterStatus.MOVED_OUT: {},
}

_LIVED_IN: Final = frozenset({MeterStatus.DECLARED, MeterStatus.ATTESTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The meter as its events left it.

    `facts` are the contract's facts in the order in which they came; `attached`
    are the consents that live on it, in the order of their grants.
    """

    status: MeterStatus = MeterStatus.UNDECLARED
    declared: MeterDeclared | None = None
    attestation: str | None = None
    facts: tuple[ContractFactsReceived, ...] = ()
    attached: tuple[ConsentAttached, ...] = ()
    last_day: date | None = None


INITIAL: Final = Meter()


class MeterNotDeclared(Refused):
    """There is no such meter."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such meter. Declare it first, or check which one was meant.")


class MeterDeclaredOtherwise(Refused):
    """The meter was declared already, with other facts."""

    def __init__(self) -> None:
        super().__init__(
            "This meter was declared already, with other facts. Declare the other facts as a meter "
            "of their own, under a new id."
        )


class MeterLeft(Refused):
    """The occupant has left the place of this meter."""

    def __init__(self, last_day: date | None) -> None:
        """Take the occupant's last day there."""
        super().__init__(
            f"The occupant left this meter (last day: {last_day or 'unreadable'}), and nothing "
            "more can be done with it. Declare the meter of the new home."
        )
        self.last_day = last_day


class BeforeEntryDay(Refused):
    """A day lies before the occupant moved in."""

    def __init__(self, day: date, entry_day: date) -> None:
        """Take the day that was given, and the entry day."""
        super().__init__(
            f"{day} lies before {entry_day}, the day the occupant moved in. Give a later day."
        )
        self.day = day
        self.entry_day = entry_day


class ConsentsLiveOnMeter(Refused):
    """Consents live on the meter, so its stream cannot end yet."""

    def __init__(self, living: int) -> None:
        """Take how many are not ended in the same commit."""
        super().__init__(
            f"{living} consents still live on this meter. They end first, or in the same act."
        )
        self.living = living


def evolve(state: Meter, event: Happened) -> Meter:
    """Return the meter after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case MeterDeclared():
            return replace(moved, declared=event)
        case ContractFactsReceived():
            return replace(moved, facts=(*state.facts, event))
        case ConsentAttached():
            return replace(moved, attached=(*state.attached, event))
        case ConsentDetached():
            return replace(moved, attached=_without(state.attached, event.consent))
        case _:
            return _evolve_ending(moved, event)


def declare(state: Meter, wanted: MeterDeclared) -> tuple[MeterDeclared, ...]:
    """Decide the declaration; `policies.meter` checks the account and the number.

    Raises `MeterDeclaredOtherwise` when it was declared with other facts.
    """
    if state.status is MeterStatus.UNDECLARED:
        return (wanted,)
    if state.declared != wanted:
        raise MeterDeclaredOtherwise
    return ()


def attest(state: Meter, *, reference: str) -> tuple[MeterAttested, ...]:
    """Decide the operator's attestation that the point is the declared occupant's."""
    if state.attestation == reference:
        return ()
    require_lived_in(state)
    return (MeterAttested(reference=reference),)


def receive_contract_facts(
    state: Meter, wanted: ContractFactsReceived
) -> tuple[ContractFactsReceived, ...]:
    """Decide to keep what the operator says of the contract: only what differs is an event."""
    if _facts_from(state, wanted.from_day) == wanted:
        return ()
    require_lived_in(state)
    return (wanted,)


def attach(state: Meter, wanted: ConsentAttached) -> tuple[ConsentAttached, ...]:
    """Decide that a consent lives on the meter; written with its grant only."""
    if any(known.consent == wanted.consent for known in state.attached):
        return ()
    require_lived_in(state)
    return (wanted,)


def detach(state: Meter, *, consent: UUID) -> tuple[ConsentDetached, ...]:
    """Decide that a consent does not live on the meter any more; written with its ending only."""
    if all(known.consent != consent for known in state.attached):
        return ()
    return (ConsentDetached(consent=consent),)


def move_out(state: Meter, *, last_day: date) -> tuple[MeterMovedOut, ...]:
    """Decide that the occupant left; the first last day given is the one that is kept.

    Raises `BeforeEntryDay`, and `ConsentsLiveOnMeter` while any does.
    """
    if state.status is MeterStatus.MOVED_OUT:
        return ()
    facts = require_lived_in(state)
    if last_day < facts.entry_day:
        raise BeforeEntryDay(last_day, facts.entry_day)
    if state.attached:
        raise ConsentsLiveOnMeter(len(state.attached))
    return (MeterMovedOut(last_day=last_day),)


def require_lived_in(state: Meter) -> MeterDeclared:
    """Return what was declared, or raise why nothing can be done with the meter."""
    if state.status is MeterStatus.UNDECLARED:
        raise MeterNotDeclared
    if state.status not in _LIVED_IN:
        raise MeterLeft(state.last_day)
    if state.declared is None:
        raise FactsUnreadable(state.status)
    return state.declared


def living_consent(
    state: Meter, *, category: Category, recipient: str, purpose: str
) -> UUID | None:
    """Return the consent that lives on the meter for a category, recipient and purpose.

    It may have lapsed by its date: whoever asks the person anew expires it first.
    """
    for known in state.attached:
        if (known.category, known.recipient, known.purpose) == (category, recipient, purpose):
            return known.consent
    return None


def power_kva_on(state: Meter, day: date) -> int | None:
    """Return the subscribed power in force on a day, in kVA; None when nobody said."""
    return power_of(powers(state), day)


def powers(state: Meter) -> tuple[tuple[date, int], ...]:
    """Return every power that was ever said, in kVA, each with the day it holds from.

    The occupant's own word holds from the beginning of time, so that the operator's go
    before it.
    """
    own = state.declared.power_kva if state.declared else None
    said = () if own is None else ((date.min, own),)
    told = ((fact.from_day, fact.power_kva) for fact in state.facts)
    return (*said, *((day, power) for day, power in told if power is not None))


def power_of(said: Sequence[tuple[date, int]], day: date) -> int | None:
    """Return what was said of a day: of the latest first day, the latest word."""
    until = sorted((one for one in said if one[0] <= day), key=itemgetter(0))
    return until[-1][1] if until else None


def occupied_on(state: Meter, day: date) -> bool:
    """Tell whether the declared occupant lived there on a day, as far as anybody said."""
    if state.declared is None or day < state.declared.entry_day:
        return False
    return state.last_day is None or day <= state.last_day


def _evolve_ending(moved: Meter, event: Happened) -> Meter:
    match event:
        case MeterAttested():
            return replace(moved, attestation=event.reference)
        case MeterMovedOut():
            return replace(moved, last_day=event.last_day)
        case _:
            return moved


def _without(attached: tuple[ConsentAttached, ...], consent: UUID) -> tuple[ConsentAttached, ...]:
    return tuple(known for known in attached if known.consent != consent)


def _facts_from(state: Meter, day: date) -> ContractFactsReceived | None:
    told = [fact for fact in state.facts if fact.from_day == day]
    return told[-1] if told else None
