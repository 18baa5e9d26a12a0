"""The rule of a reading: the interval at its receipt, the perimeter of what it measures."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs

from domain.aggregates.consent import Origin
from domain.events.agreement import AgreementEnded
from domain.events.collection import CollectionResumed
from domain.events.consent import ConsentExpired, ConsentGranted
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
    Run,
)
from domain.policies.collection import (
    resume_collection,
    suspend_collection,
)
from domain.policies.consent import withdraw
from domain.policies.coverage import CATEGORY_OF, Cover, Uncovered, collectable, outside
from domain.values import Channel, Direction, midnight
from tests.domain.samples import sample
from tests.domain.world import (
    ACCOUNT,
    AGREEMENT,
    CONSENT,
    ENTRY_DAY,
    NOON,
    OTHER_CONSENT,
    START,
    Streams,
    collecting,
    granted,
    start,
)

RECEIVED_AT = NOON + timedelta(days=30)
INDEX = msgspec.structs.replace(sample(IndexReceived), at=midnight(date(2024, 6, 1)))


def _cover(streams: Streams) -> Cover:
    return Cover(
        channel=Channel.SGE,
        agreement=streams.agreement(),
        consent=streams.consent().state,
        collection=streams.collection().state,
        power_kva=6,
    )


def _reason(
    streams: Streams, reading: Reading = INDEX, at: datetime = RECEIVED_AT
) -> Uncovered | None:
    return collectable(_cover(streams), reading, received_at=at)


def test_a_reading_under_all_of_it_is_taken_in() -> None:
    assert _reason(collecting()) is None


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ({"agreement": None}, Uncovered.NO_AGREEMENT),
        ({"consent": None}, Uncovered.NO_CONSENT),
        ({"collection": None}, Uncovered.NO_COLLECTION),
        ({"channel": Channel.ADICT}, Uncovered.NOT_IN_AGREEMENT),
        ({"channel": Channel.DATA_CONNECT}, Uncovered.NO_COLLECTION),
        ({"power_kva": 37}, Uncovered.ABOVE_36_KVA),
        ({"power_kva": 36}, None),
        ({"power_kva": None}, None),
    ],
)
def test_what_lacks_is_the_reason(lacking: dict[str, Any], reason: Uncovered | None) -> None:
    cover = replace(_cover(collecting()), **lacking)
    assert collectable(cover, INDEX, received_at=RECEIVED_AT) is reason


@pytest.mark.parametrize("origin", Origin)
def test_a_withdrawn_consent_covers_nothing_from_then_on_whenever_it_was_received(
    origin: Origin,
) -> None:
    streams = collecting()
    streams.append(
        withdraw(streams.consent(), streams.meter(), withdrawn_at=RECEIVED_AT, origin=origin)
    )
    for at in (NOON, RECEIVED_AT, RECEIVED_AT + timedelta(days=1)):
        assert _reason(streams, at=at) is Uncovered.CONSENT_ENDED


def test_an_expired_consent_covers_nothing_whether_or_not_its_expiry_was_recorded() -> None:
    streams = collecting()
    closing = datetime(2025, 5, 14, 22, tzinfo=UTC)
    assert _reason(streams, at=closing - timedelta(seconds=1)) is None
    assert _reason(streams, at=closing) is Uncovered.CONSENT_EXPIRED
    streams.happened(CONSENT, ConsentExpired(consent=CONSENT, expired_on=date(2025, 5, 15)))
    assert _reason(streams, at=closing) is Uncovered.CONSENT_EXPIRED


def test_nothing_is_covered_before_the_act_nor_before_the_collection_started() -> None:
    streams = granted()
    streams.append(start(streams, replace(START, started_at=NOON + timedelta(days=1))))
    assert _reason(streams, at=NOON - timedelta(seconds=1)) is Uncovered.NO_CONSENT
    assert _reason(streams, at=NOON) is Uncovered.NO_COLLECTION
    assert _reason(streams, at=NOON + timedelta(days=1)) is None


def test_an_ended_agreement_covers_nothing() -> None:
    streams = collecting()
    streams.happened(AGREEMENT, AgreementEnded(reason="terminated"))
    assert _reason(streams) is Uncovered.NO_AGREEMENT


def test_a_renewed_agreement_carries_the_consents_of_the_one_before() -> None:
    streams = collecting()
    other = streams.agreement(OTHER_CONSENT)
    cover = replace(_cover(streams), agreement=replace(other, state=streams.agreement().state))
    assert collectable(cover, INDEX, received_at=RECEIVED_AT) is None


def test_the_agreement_of_another_operator_covers_nothing() -> None:
    streams = collecting()
    signed = streams.agreement().state.signed
    assert signed is not None
    theirs = replace(streams.agreement().state, signed=structs.replace(signed, operator="grdf"))
    cover = replace(_cover(streams), agreement=replace(streams.agreement(), state=theirs))
    assert collectable(cover, INDEX, received_at=RECEIVED_AT) is Uncovered.NO_AGREEMENT


def test_another_consents_collection_covers_nothing() -> None:
    streams = collecting()
    other = replace(streams.collection().state, consent=OTHER_CONSENT)
    cover = replace(_cover(streams), collection=other)
    assert collectable(cover, INDEX, received_at=RECEIVED_AT) is Uncovered.NO_COLLECTION


def test_a_suspended_collection_takes_nothing_in_until_it_is_resumed() -> None:
    streams = collecting()
    at = NOON + timedelta(days=1)
    suspended: dict[str, Any] = {"code": "ADAM-DC-0008", "suspended_at": at}
    streams.append(suspend_collection(streams.collection(), subject=ACCOUNT, **suspended))
    assert _reason(streams) is Uncovered.COLLECTION_SUSPENDED
    resumed_at = at + timedelta(hours=1)
    changes = resume_collection(streams.collection(), streams.consent(), resumed_at=resumed_at)
    assert [change.event for change in changes] == [
        CollectionResumed(consent=CONSENT, resumed_at=resumed_at)
    ]
    streams.append(changes)
    assert _reason(streams) is None
    again = suspend_collection(streams.collection(), subject=ACCOUNT, **suspended)
    assert again == (), "the refusal that was cleared up, told again"


# ── the perimeter ───────────────────────────────────────────────────────────────────────────────

OPENING = midnight(ENTRY_DAY)
SECOND = timedelta(seconds=1)


def _index(at: datetime, **facts: Any) -> Reading:  # noqa: ANN401 - any field of the event
    return msgspec.structs.replace(INDEX, at=at, **facts)


def test_the_index_that_opens_the_first_day_is_inside_and_the_one_before_is_not() -> None:
    streams = collecting()
    assert _reason(streams, _index(OPENING)) is None
    assert _reason(streams, _index(OPENING - SECOND)) is Uncovered.OUTSIDE_PERIMETER
    assert (
        _reason(streams, _index(midnight(ENTRY_DAY - timedelta(days=1))))
        is Uncovered.OUTSIDE_PERIMETER
    )


def test_production_and_another_point_are_outside() -> None:
    streams = collecting()
    produced = _index(OPENING, direction=Direction.PRODUCTION)
    assert _reason(streams, produced) is Uncovered.OUTSIDE_SCOPE
    another = _index(OPENING, number="99999999999999")
    assert _reason(streams, another) is Uncovered.ANOTHER_POINT


def test_a_reading_of_another_category_is_outside_the_scope_of_the_consent() -> None:
    assert _reason(collecting(), sample(MaximumPowerReceived)) is Uncovered.OUTSIDE_SCOPE


def _gas_day(first: date) -> IntervalReceived:
    start = midnight(first) + timedelta(hours=6)
    return msgspec.structs.replace(
        sample(IntervalReceived), start=start, end=start + timedelta(days=1)
    )


def test_a_gas_day_is_inside_when_it_begins_inside() -> None:
    streams = collecting()
    assert _reason(streams, _gas_day(ENTRY_DAY)) is None
    eve = _gas_day(ENTRY_DAY - timedelta(days=1))
    assert _reason(streams, eve) is Uncovered.OUTSIDE_PERIMETER, "though it ends inside"


def _curve(day: date, start: datetime) -> LoadCurveDayReceived:
    run = Run(start=start, step_s=1800, power_w=(100,))
    return msgspec.structs.replace(sample(LoadCurveDayReceived), day=day, runs=(run,))


def _peak(day: date, at: datetime | None) -> MaximumPowerReceived:
    return msgspec.structs.replace(sample(MaximumPowerReceived), day=day, at=at)


@pytest.mark.parametrize(
    ("reading", "inside"),
    [
        (_curve(ENTRY_DAY, OPENING), True),
        (_curve(ENTRY_DAY, OPENING - timedelta(minutes=30)), False),
        (_curve(ENTRY_DAY - timedelta(days=1), OPENING), False),
        (_peak(ENTRY_DAY, None), True),
        (_peak(ENTRY_DAY, OPENING - SECOND), False),
        (_peak(ENTRY_DAY - timedelta(days=1), OPENING), False),
    ],
    ids=str,
)
def test_a_day_is_inside_with_every_instant_it_tells_of(reading: Reading, *, inside: bool) -> None:
    grant = sample(ConsentGranted)
    category = CATEGORY_OF[type(reading)]
    expected = None if inside else Uncovered.OUTSIDE_PERIMETER
    assert outside(msgspec.structs.replace(grant, category=category), reading) is expected
