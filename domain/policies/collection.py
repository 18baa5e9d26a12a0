"""Starting, suspending, resuming and stopping the collection of a consent's data.

A start reads the consent, its agreement and its meter, and expects them: it cannot win
after an ending of any. A stop reads the collection only, because by then the consent's
or the agreement's stream has ended, and no commit may expect an ended stream.

Every event is sealed under the evidence key of the account whose consent it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.aggregates import agreement as agreements
from domain.aggregates import collection as collections
from domain.aggregates import consent as consents
from domain.aggregates import meter as meters
from domain.aggregates.agreement import Agreement
from domain.aggregates.collection import Collection, StopReason
from domain.aggregates.consent import Consent
from domain.aggregates.meter import Meter
from domain.errors import Refused
from domain.events import Change, Event
from domain.events.collection import CollectionStarted
from domain.events.consent import ConsentGranted
from domain.policies import points
from domain.policies.consent import CategoryNotInAgreement, NoAgreementInForce
from domain.policies.meter import MeterNotThisAccounts
from domain.values import Channel, Stream, civil_day


class ChannelNotInAgreement(Refused):
    """The operator's agreement does not cover the channel."""

    def __init__(self, operator: str, channel: Channel) -> None:
        """Take the operator and the channel."""
        super().__init__(
            f"The agreement with {operator} does not cover the channel {channel.value}. "
            "Collect over one that it covers, or let the metropolis agree on more."
        )
        self.operator = operator
        self.channel = channel


class AnotherConsent(Refused):
    """The collection is another consent's."""

    def __init__(self) -> None:
        super().__init__(
            "This collection was started under another consent. Check which one was meant."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Over which channel a collection starts, and when."""

    channel: Channel
    started_at: datetime


def start_collection(
    collection: Stream[Collection],
    consent: Stream[Consent],
    agreement: Stream[Agreement],
    meter: Stream[Meter],
    wanted: Start,
) -> tuple[Change, ...]:
    """Decide that a consent's data may be taken in over a channel from now on.

    Raises why the consent is not in force, `NoAgreementInForce`,
    `CategoryNotInAgreement`, `ChannelNotInAgreement`, `PowerAboveChannelLimit`,
    `MeterNotThisAccounts` and `CollectionStartedOtherwise`.
    """
    started = CollectionStarted(
        consent=consent.id, channel=wanted.channel, started_at=wanted.started_at
    )
    decided = collections.start(collection.state, started)
    if not decided:
        return ()
    granted = consents.require_in_force(consent.state, wanted.started_at)
    if granted.meter != meter.id:
        raise MeterNotThisAccounts
    _require_channel(granted, agreement, wanted)
    day = civil_day(wanted.started_at)
    points.require_power(wanted.channel, meters.power_kva_on(meter.state, day))
    return _changes(collection, decided, granted.account)


def suspend_collection(
    collection: Stream[Collection], *, code: str, suspended_at: datetime, subject: UUID
) -> tuple[Change, ...]:
    """Decide the suspension after an operator's refusal; `subject` is the consent's account.

    Raises `NoSuchCollection`.
    """
    decided = collections.suspend(collection.state, code=code, suspended_at=suspended_at)
    return _changes(collection, decided, subject)


def resume_collection(
    collection: Stream[Collection], consent: Stream[Consent], *, resumed_at: datetime
) -> tuple[Change, ...]:
    """Decide that a suspended collection goes on, its consent being in force.

    Raises `CollectionEnded`, `AnotherConsent`, and why the consent is not in force.
    """
    decided = collections.resume(collection.state, resumed_at=resumed_at)
    if not decided:
        return ()
    if collection.state.consent != consent.id:
        raise AnotherConsent
    granted = consents.require_in_force(consent.state, resumed_at)
    return _changes(collection, decided, granted.account)


def stop_collection(
    collection: Stream[Collection], *, reason: StopReason, stopped_at: datetime, subject: UUID
) -> tuple[Change, ...]:
    """Decide the end of a collection; `subject` is the consent's account.

    Raises `NoSuchCollection`.
    """
    decided = collections.stop(collection.state, reason=reason, stopped_at=stopped_at)
    return _changes(collection, decided, subject)


def _require_channel(granted: ConsentGranted, agreement: Stream[Agreement], wanted: Start) -> None:
    signed = agreement.state.signed
    theirs = signed is not None and signed.operator == granted.operator
    if not theirs or not agreements.in_force(agreement.state, wanted.started_at):
        raise NoAgreementInForce(granted.operator, civil_day(wanted.started_at))
    if not agreements.covers_category(agreement.state, granted.category):
        raise CategoryNotInAgreement(granted.operator, granted.category)
    if not agreements.covers_channel(agreement.state, wanted.channel):
        raise ChannelNotInAgreement(granted.operator, wanted.channel)


def _changes(
    collection: Stream[Collection],
    decided: Sequence[Event],
    subject: UUID,
) -> tuple[Change, ...]:
    return tuple(Change(stream=collection.id, event=event, subject=subject) for event in decided)
