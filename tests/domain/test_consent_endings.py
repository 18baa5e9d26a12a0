"""A consent is extended by an act or not at all, and ends at a word."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.aggregates.consent import (
    ActBeforeGrant,
    ConsentEnded,
    ConsentLapsed,
    ConsentNotLapsed,
    NothingLengthened,
    Origin,
    has_ended,
)
from domain.aggregates.meter import BeforeEntryDay, ConsentsLiveOnMeter, MeterLeft
from domain.events import Change
from domain.events.account import ErasureRequested, ErasureValidated
from domain.events.agreement import AgreementEnded
from domain.events.consent import (
    ConsentExpired,
    ConsentExtended,
    ConsentWithdrawn,
)
from domain.events.meter import ConsentDetached, MeterMovedOut
from domain.policies.consent import (
    Extension,
    NoAgreementInForce,
    expire,
    extend,
    grant,
    withdraw,
)
from domain.policies.meter import Departure, MeterNotThisAccounts, move_out
from domain.policies.period import TooManyYears
from tests.domain.world import (
    ACCOUNT,
    AGREEMENT,
    CONSENT,
    ENTRY_DAY,
    EVIDENCE,
    GRANT,
    METER,
    NOON,
    OTHER_CONSENT,
    REQUEST,
    Streams,
    granted,
    ready,
)

LAST_DAY = date(2025, 5, 14)


def test_an_extension_is_a_new_act_of_three_years_at_most() -> None:
    streams = granted()
    at = datetime(2025, 2, 1, 8, tzinfo=UTC)
    extension = Extension(extended_at=at, evidence=EVIDENCE, years=3)
    (change,) = extend(streams.consent(), streams.ground(), extension)
    assert isinstance(change.event, ConsentExtended)
    assert change.event.last_day == date(2028, 2, 1)
    streams.append([change])
    assert extend(streams.consent(), streams.ground(), extension) == ()
    too_long = Extension(extended_at=at, evidence=EVIDENCE, last_day=date(2028, 2, 2))
    with pytest.raises(TooManyYears):
        extend(streams.consent(), streams.ground(), too_long)


def test_an_extension_neither_shortens_nor_revives() -> None:
    streams = granted()
    shorter = Extension(extended_at=NOON, evidence=EVIDENCE, last_day=LAST_DAY - timedelta(days=1))
    with pytest.raises(NothingLengthened):
        extend(streams.consent(), streams.ground(), shorter)
    late = Extension(extended_at=datetime(2025, 5, 14, 22, tzinfo=UTC), evidence=EVIDENCE, years=1)
    with pytest.raises(ConsentLapsed):
        extend(streams.consent(), streams.ground(), late)
    early = Extension(extended_at=NOON - timedelta(days=1), evidence=EVIDENCE, years=2)
    with pytest.raises(ActBeforeGrant):
        extend(streams.consent(), streams.ground(), early)
    streams.append(_withdraw(streams))
    with pytest.raises(ConsentEnded):
        extend(streams.consent(), streams.ground(), replace(late, extended_at=NOON))


def test_an_extension_rests_on_the_agreement_that_the_grant_cites() -> None:
    streams = granted()
    extension = Extension(extended_at=NOON + timedelta(days=1), evidence=EVIDENCE, years=2)
    other = replace(streams.ground(), agreement=streams.agreement(UUID(int=0xC9)))
    with pytest.raises(NoAgreementInForce):
        extend(streams.consent(), other, extension)


@pytest.mark.parametrize("origin", Origin)
def test_a_withdrawal_is_possible_at_once_and_frees_the_meter(origin: Origin) -> None:
    streams = granted()
    changes = withdraw(streams.consent(), streams.meter(), withdrawn_at=NOON, origin=origin)
    withdrawn = ConsentWithdrawn(consent=CONSENT, withdrawn_at=NOON, origin=origin.value)
    assert changes == (
        Change(stream=CONSENT, event=withdrawn, subject=ACCOUNT),
        Change(stream=METER, event=ConsentDetached(consent=CONSENT), subject=ACCOUNT),
    )
    streams.append(changes)
    assert _withdraw(streams) == ()
    assert expire(streams.consent(), streams.meter(), on=date(2026, 1, 1)) == ()
    assert has_ended(streams.consent().state)


def test_a_withdrawal_asks_for_nobodys_leave() -> None:
    streams = granted()
    streams.happened(AGREEMENT, AgreementEnded(reason="terminated"))
    streams.happened(
        ACCOUNT,
        ErasureRequested(request=REQUEST, requested_at=NOON),
        ErasureValidated(request=REQUEST),
    )
    assert len(_withdraw(streams)) == 2


def test_an_ending_is_written_on_the_consents_own_meter() -> None:
    streams = granted()
    with pytest.raises(MeterNotThisAccounts):
        withdraw(
            streams.consent(),
            streams.meter(UUID(int=0xB9)),
            withdrawn_at=NOON,
            origin=Origin.RESIDENT,
        )


def test_an_expiry_is_recorded_from_the_day_after_the_last_one() -> None:
    streams = granted()
    with pytest.raises(ConsentNotLapsed):
        expire(streams.consent(), streams.meter(), on=LAST_DAY)
    expired = ConsentExpired(consent=CONSENT, expired_on=date(2025, 5, 15))
    for on in (date(2025, 5, 15), date(2025, 8, 1)):
        assert expire(streams.consent(), streams.meter(), on=on)[0].event == expired
    streams.append(expire(streams.consent(), streams.meter(), on=date(2025, 8, 1)))
    assert streams.meter().state.attached == ()
    assert expire(streams.consent(), streams.meter(), on=date(2025, 9, 1)) == ()


def test_who_moves_out_withdraws_all_that_lives_on_the_meter() -> None:
    streams = granted()
    streams.append(
        grant(streams.consent(OTHER_CONSENT), streams.ground(), replace(GRANT, purpose="advice"))
    )
    departure = Departure(last_day=date(2024, 6, 30), told_at=NOON, told_by=Origin.RESIDENT)
    living = [streams.consent(), streams.consent(OTHER_CONSENT)]
    with pytest.raises(ConsentsLiveOnMeter):
        move_out(streams.meter(), living[:1], departure)
    changes = move_out(streams.meter(), living, departure)
    assert changes[-1].event == MeterMovedOut(last_day=date(2024, 6, 30))
    streams.append(changes)
    assert all(has_ended(streams.consent(one.id).state) for one in living)
    assert move_out(streams.meter(), [], departure) == ()
    with pytest.raises(MeterLeft):
        grant(streams.consent(UUID(int=9)), streams.ground(), GRANT)


def test_nobody_moves_out_before_moving_in() -> None:
    departure = Departure(
        last_day=ENTRY_DAY - timedelta(days=1), told_at=NOON, told_by=Origin.RESIDENT
    )
    with pytest.raises(BeforeEntryDay):
        move_out(ready().meter(), [], departure)


def _withdraw(streams: Streams) -> tuple[Change, ...]:
    return withdraw(streams.consent(), streams.meter(), withdrawn_at=NOON, origin=Origin.RESIDENT)
