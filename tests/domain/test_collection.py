"""A collection starts under a consent, and stops for good."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.aggregates import collection
from domain.aggregates.collection import (
    CollectionEnded,
    CollectionStartedOtherwise,
    StopReason,
)
from domain.aggregates.consent import ConsentEnded, ConsentLapsed, NoSuchConsent, Origin
from domain.events.agreement import AgreementEnded
from domain.events.collection import CollectionStopped, CollectionSuspended
from domain.events.meter import ContractFactsReceived
from domain.policies.collection import (
    AnotherConsent,
    ChannelNotInAgreement,
    resume_collection,
    stop_collection,
)
from domain.policies.consent import NoAgreementInForce, withdraw
from domain.policies.points import PowerAboveChannelLimit
from domain.values import Channel
from tests.domain.world import (
    ACCOUNT,
    AGREEMENT,
    COLLECTION,
    CONSENT,
    METER,
    NOON,
    OTHER_CONSENT,
    START,
    collecting,
    granted,
    start,
)

RECEIVED_AT = NOON + timedelta(days=30)


def test_a_collection_is_not_resumed_without_its_consent() -> None:
    streams = collecting()
    streams.happened(COLLECTION, CollectionSuspended(consent=CONSENT, code="X", suspended_at=NOON))
    with pytest.raises(AnotherConsent):
        resume_collection(
            streams.collection(), streams.consent(OTHER_CONSENT), resumed_at=RECEIVED_AT
        )
    streams.append(
        withdraw(streams.consent(), streams.meter(), withdrawn_at=NOON, origin=Origin.OPERATOR)
    )
    with pytest.raises(ConsentEnded):
        resume_collection(streams.collection(), streams.consent(), resumed_at=RECEIVED_AT)


def test_a_collection_stops_once_and_for_all() -> None:
    streams = collecting()
    facts: dict[str, Any] = {"reason": StopReason.WITHDRAWN, "stopped_at": RECEIVED_AT}
    changes = stop_collection(streams.collection(), subject=ACCOUNT, **facts)
    stopped = CollectionStopped(consent=CONSENT, reason="withdrawn", stopped_at=RECEIVED_AT)
    assert [change.event for change in changes] == [stopped]
    streams.append(changes)
    assert stop_collection(streams.collection(), subject=ACCOUNT, **facts) == ()
    with pytest.raises(CollectionEnded):
        collection.resume(streams.collection().state, resumed_at=RECEIVED_AT)


def test_a_collection_starts_under_a_consent_in_force() -> None:
    streams = granted()
    late = replace(START, started_at=datetime(2025, 5, 14, 22, tzinfo=UTC))
    with pytest.raises(ConsentLapsed):
        start(streams, late)
    del streams.states[CONSENT]
    with pytest.raises(NoSuchConsent):
        start(streams)


def test_a_collection_starts_once() -> None:
    streams = collecting()
    assert start(streams) == ()
    with pytest.raises(CollectionStartedOtherwise):
        start(streams, replace(START, channel=Channel.DATA_CONNECT))


def test_a_collection_starts_over_a_channel_of_the_agreement_that_the_grant_cites() -> None:
    streams = granted()
    with pytest.raises(ChannelNotInAgreement):
        start(streams, replace(START, channel=Channel.ADICT))
    streams.happened(AGREEMENT, AgreementEnded(reason="terminated"))
    with pytest.raises(NoAgreementInForce):
        start(streams)


def test_a_point_above_36_kva_is_refused_on_sge_and_on_no_other_channel() -> None:
    streams = granted()
    told = ContractFactsReceived(from_day=date(2024, 5, 1), power_kva=42, tariff=None)
    streams.happened(METER, told)
    with pytest.raises(PowerAboveChannelLimit):
        start(streams)
    assert len(start(streams, replace(START, channel=Channel.DATA_CONNECT))) == 1
