"""What a meter does together with other streams: be declared by an account, be left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.aggregates import account as accounts
from domain.aggregates import consent as consents
from domain.aggregates import meter as meters
from domain.aggregates.account import Account
from domain.aggregates.consent import Consent, Origin
from domain.aggregates.meter import ConsentsLiveOnMeter, Meter
from domain.errors import Refused
from domain.events import Change
from domain.events.consent import ConsentWithdrawn
from domain.events.meter import MeterDeclared
from domain.policies import points
from domain.values import Point, Stream


class MeterNotThisAccounts(Refused):
    """The meter was declared by another account."""

    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This account declared no such meter. Declare it first, or check which one was meant."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """That an occupant left: their last day there, when it was told, and by whom."""

    last_day: date
    told_at: datetime
    told_by: Origin


def declare(
    account: Stream[Account],
    meter: Stream[Meter],
    *,
    point: Point,
    entry_day: date,
    power_kva: int | None,
) -> tuple[Change, ...]:
    """Decide that an active account declares the meter of its home.

    Raises `NumberMalformed`, why the account may not declare, and
    `MeterDeclaredOtherwise`.
    """
    wanted = MeterDeclared(
        account=account.id,
        operator=point.operator,
        fluid=point.fluid,
        number=point.number,
        entry_day=entry_day,
        power_kva=power_kva,
    )
    decided = meters.declare(meter.state, wanted)
    if decided:
        points.require_number(point)
        accounts.require_active(account.state)
    return tuple(Change(stream=meter.id, event=event, subject=account.id) for event in decided)


def move_out(
    meter: Stream[Meter], living: Iterable[Stream[Consent]], departure: Departure
) -> tuple[Change, ...]:
    """Decide that the occupant left, which withdraws every consent that lives on the meter.

    All in one commit, because the meter's stream ends and could record no ending later.
    `living` are the consents attached to the meter, all of them. Raises
    `ConsentsLiveOnMeter` when one was forgotten, and `BeforeEntryDay`.
    """
    if meter.state.status is meters.MeterStatus.MOVED_OUT:
        return ()
    subject = meters.require_lived_in(meter.state).account
    endings = _endings(meter.state, tuple(living), departure)
    emptied = meter.state
    changes: list[Change] = []
    for consent, withdrawal in endings:
        changes.append(Change(stream=consent, event=withdrawal, subject=subject))
        for event in meters.detach(emptied, consent=consent):
            emptied = meters.evolve(emptied, event)
            changes.append(Change(stream=meter.id, event=event, subject=subject))
    changes += [
        Change(stream=meter.id, event=event, subject=subject)
        for event in meters.move_out(emptied, last_day=departure.last_day)
    ]
    return tuple(changes)


def require_own(meter: Stream[Meter], account: Stream[Account]) -> MeterDeclared:
    """Return what an account declared of its meter.

    Raises `MeterNotThisAccounts`, and why nothing can be done with the meter.
    """
    facts = meters.require_lived_in(meter.state)
    if facts.account != account.id:
        raise MeterNotThisAccounts
    return facts


def _endings(
    meter: Meter, living: tuple[Stream[Consent], ...], departure: Departure
) -> list[tuple[UUID, ConsentWithdrawn]]:
    attached = {known.consent for known in meter.attached}
    if {consent.id for consent in living} != attached:
        raise ConsentsLiveOnMeter(len(attached))
    return [
        (consent.id, event)
        for consent in living
        for event in consents.withdraw(
            consent.state, withdrawn_at=departure.told_at, origin=departure.told_by
        )
    ]
