"""The rule of a reading: what must hold for it to be taken in, or why it is not.

Theory of operation
-------------------
A reading is covered when all of these hold:

- *at the instant of receipt* (the collection interval): an agreement of the operator is
  in force and covers the category and the channel; the consent, given for the same
  operator's data, is in force; a collection under it is running;
- *of what was measured* (the data perimeter): it is the consent's point and category,
  consumption and not production, and begins no earlier than `first_data_day`.

Whether a reading came before or after a withdrawal is not a matter of clocks: the states
are those of the log at the versions which the commit expects, and a withdrawal moves the
version, so a reading decided on the older one is void.

The perimeter is tested on the first instant that a reading tells of. An index is a state
of the meter and tells of one instant, which must not lie before the midnight that begins
`first_data_day`. That midnight itself is inside: the index at midnight opening day D is
what day D is counted from. It closes day D-1 too, but tells nothing of it, since the index
that day D-1 would be counted from lies outside and is not kept. An interval, a gas day of
06:00 to 06:00 or a month, is inside when it begins inside; a load curve, when its first
step does; a maximum power, when its day and its instant do.

The reasons are tried in one fixed order, from the agreement to the reading, so the same
refusal is counted under the same reason by everybody.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from domain.aggregates import agreement as agreements
from domain.aggregates.agreement import Agreement
from domain.aggregates.collection import Collection, CollectionStatus
from domain.aggregates.consent import Consent, ConsentStatus, has_lapsed
from domain.events.consent import ConsentGranted
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
)
from domain.policies.points import is_above_limit
from domain.values import Category, Channel, Direction, Stream, midnight

CATEGORY_OF: Final[dict[type[Reading], Category]] = {
    IndexReceived: Category.DAILY_INDEX,
    IntervalReceived: Category.DAILY_INDEX,
    LoadCurveDayReceived: Category.LOAD_CURVE,
    MaximumPowerReceived: Category.MAXIMUM_POWER,
}
"""The category of consent each shape of reading needs."""


class Uncovered(StrEnum):
    """Why a reading is not taken in; the values are the keys of a delivery's counts."""

    NO_AGREEMENT = "no_agreement"
    NOT_IN_AGREEMENT = "not_in_agreement"
    NO_CONSENT = "no_consent"
    CONSENT_ENDED = "consent_ended"
    CONSENT_EXPIRED = "consent_expired"
    NO_COLLECTION = "no_collection"
    COLLECTION_SUSPENDED = "collection_suspended"
    ABOVE_36_KVA = "above_36_kva"
    OUTSIDE_SCOPE = "outside_scope"
    ANOTHER_POINT = "another_point"
    OUTSIDE_PERIMETER = "outside_perimeter"
    PAST_RETENTION = "past_retention"
    """Of a year whose period is over: it would be destroyed by the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What a reading would be taken in under, as the log stands; None for what there is not.

    `collection` is the one of this consent over `channel`; `power_kva` the subscribed
    power in kVA, None when unknown.
    """

    channel: Channel
    agreement: Stream[Agreement] | None
    consent: Consent | None
    collection: Collection | None
    power_kva: int | None = None


def collectable(cover: Cover, reading: Reading, *, received_at: datetime) -> Uncovered | None:
    """Return why a reading may not be taken in, None when it may."""
    return uncovered(cover, CATEGORY_OF[type(reading)], received_at=received_at) or (
        _outside(cover.consent, reading)
    )


def uncovered(cover: Cover, category: Category, *, received_at: datetime) -> Uncovered | None:
    """Return why no reading of a category may be taken in at an instant, None when some may.

    The same for every reading of one consent in a delivery, so a bulk path asks once.
    """
    return uncovered_on(
        cover.agreement, cover.channel, footing_of(cover), category, received_at=received_at
    )


class Footing(NamedTuple):
    """What the rule asks of a consent and its collection over a channel, and nothing else.

    A consent that was never granted has `operator` None, a collection that was never
    started `started_at`.
    """

    operator: str | None
    category: Category | None
    status: ConsentStatus
    granted_at: datetime | None
    last_day: date | None
    collection: CollectionStatus
    started_at: datetime | None
    power_kva: int | None


def footing_of(cover: Cover) -> Footing:
    """Return the footing of a cover; a collection of another consent or channel is none."""
    consent, collection = cover.consent or Consent(), cover.collection or Collection()
    granted = consent.granted
    own = granted is not None and collection.consent == granted.consent
    if not own or collection.channel != cover.channel:
        collection = Collection()
    return Footing(
        operator=granted.operator if granted else None,
        category=granted.category if granted else None,
        status=consent.status,
        granted_at=granted.granted_at if granted else None,
        last_day=consent.last_day,
        collection=collection.status,
        started_at=collection.started_at,
        power_kva=cover.power_kva,
    )


def uncovered_on(
    agreement: Stream[Agreement] | None,
    channel: Channel,
    footing: Footing,
    category: Category,
    *,
    received_at: datetime,
) -> Uncovered | None:
    """Return the same as `uncovered`, of the bare facts."""
    return (
        _without_agreement(agreement, channel, category, received_at)
        or _without_consent(footing, received_at)
        or _of_another(agreement, footing, category)
        or _without_collection(channel, footing, received_at)
    )


def outside(granted: ConsentGranted, reading: Reading) -> Uncovered | None:
    """Return why a reading lies outside what the consent is about, None when it does not."""
    perimeter = Perimeter(granted.category, granted.number, granted.first_data_day)
    return outside_of(perimeter, measured_of(reading))


class Perimeter(NamedTuple):
    """What a consent is about: the category, the point's number, the first day."""

    category: Category
    number: str
    first_data_day: date


class Measured(NamedTuple):
    """What the rule asks of a reading: of what, where, which way, and from which instant."""

    category: Category
    direction: Direction
    number: str
    since: datetime


def measured_of(reading: Reading) -> Measured:
    """Return what the rule asks of a reading."""
    return Measured(
        CATEGORY_OF[type(reading)], reading.direction, reading.number, measured_from(reading)
    )


def outside_of(perimeter: Perimeter, measured: Measured) -> Uncovered | None:
    """Return the same as `outside`, of the bare facts."""
    if measured.category != perimeter.category:
        return Uncovered.OUTSIDE_SCOPE
    if measured.direction != Direction.CONSUMPTION:
        return Uncovered.OUTSIDE_SCOPE
    if measured.number != perimeter.number:
        return Uncovered.ANOTHER_POINT
    if measured.since < midnight(perimeter.first_data_day):
        return Uncovered.OUTSIDE_PERIMETER
    return None


def measured_from(reading: Reading) -> datetime:
    """Return the first instant that a reading tells of."""
    match reading:
        case IndexReceived():
            return reading.at
        case IntervalReceived():
            return reading.start
        case LoadCurveDayReceived():
            return min([midnight(reading.day), *(run.start for run in reading.runs)])
        case MaximumPowerReceived():
            day = midnight(reading.day)
            return day if reading.at is None else min(day, reading.at)


def _without_agreement(
    agreement: Stream[Agreement] | None, channel: Channel, category: Category, at: datetime
) -> Uncovered | None:
    if agreement is None or not agreements.in_force(agreement.state, at):
        return Uncovered.NO_AGREEMENT
    covered = agreements.covers_category(agreement.state, category)
    if not covered or not agreements.covers_channel(agreement.state, channel):
        return Uncovered.NOT_IN_AGREEMENT
    return None


def _without_consent(footing: Footing, at: datetime) -> Uncovered | None:
    if footing.granted_at is None:
        return Uncovered.NO_CONSENT
    if footing.status is ConsentStatus.EXPIRED:
        return Uncovered.CONSENT_EXPIRED
    if footing.status is not ConsentStatus.GRANTED:
        return Uncovered.CONSENT_ENDED
    if at < footing.granted_at:
        return Uncovered.NO_CONSENT
    lapsed = has_lapsed(Consent(last_day=footing.last_day), at)
    return Uncovered.CONSENT_EXPIRED if lapsed else None


def _of_another(
    agreement: Stream[Agreement] | None, footing: Footing, category: Category
) -> Uncovered | None:
    signed = agreement.state.signed if agreement else None
    if footing.operator is None or signed is None or footing.operator != signed.operator:
        return Uncovered.NO_AGREEMENT
    return Uncovered.OUTSIDE_SCOPE if footing.category != category else None


def _without_collection(channel: Channel, footing: Footing, at: datetime) -> Uncovered | None:
    if footing.started_at is None:
        return Uncovered.NO_COLLECTION
    if footing.collection is CollectionStatus.SUSPENDED:
        return Uncovered.COLLECTION_SUSPENDED
    if footing.collection is not CollectionStatus.RUNNING or at < footing.started_at:
        return Uncovered.NO_COLLECTION
    return Uncovered.ABOVE_36_KVA if is_above_limit(channel, footing.power_kva) else None


def _outside(consent: Consent | None, reading: Reading) -> Uncovered | None:
    if consent is None or consent.granted is None:
        return Uncovered.NO_CONSENT
    return outside(consent.granted, reading)
