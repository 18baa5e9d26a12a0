"""Consents that lapse: their expiry is recorded when the person is asked anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from application import consenting
from application.services import collection_id
from domain.aggregates import collection, consent, meter
from domain.aggregates.collection import CollectionStatus
from domain.aggregates.consent import ConsentNotLapsed, ConsentStatus, Origin
from domain.policies.consent import ConsentAlreadyLives
from domain.values import Channel
from keys.names import KeyName, Purpose
from keys.tree import MintingClosed
from tests.application.world import closed, settle, wish

if TYPE_CHECKING:
    from uuid import UUID

    from application.services import Services
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

GRANTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
YEAR = replace(wish(), years=1)
LAST_DAY = date(2027, 3, 1)


@dataclass
class Clock:
    """A clock that stands where it is put."""

    at: datetime = GRANTED_AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def later(ledger: Installation, clock: Clock) -> Services:
    """Use cases of a ledger whose clock is in our hands."""
    return replace(ledger.services, clock=clock)


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, "09111642617347", categories=())


def test_a_lapsed_consent_is_expired_first_when_the_person_consents_anew(
    later: Services, home: Household, clock: Clock
) -> None:
    first = consenting.grant_consent(later, home.account, home.meter, YEAR)
    consenting.start(later, first, Channel.SGE)
    clock.at = datetime(2027, 3, 2, 8, tzinfo=UTC)
    second = consenting.grant_consent(later, home.account, home.meter, YEAR)
    states = {one: later.ledger.load(consent, one) for one in (first, second)}
    assert states[first].state.status is ConsentStatus.EXPIRED
    assert states[first].ended
    assert states[second].state.status is ConsentStatus.GRANTED
    attached = later.ledger.load(meter, home.meter).state.attached
    assert [one.consent for one in attached] == [second]


def test_the_collection_of_an_expired_consent_is_stopped_and_no_key_minted_for_it(
    later: Services, home: Household, clock: Clock
) -> None:
    first = consenting.grant_consent(later, home.account, home.meter, YEAR)
    running = consenting.start(later, first, Channel.SGE)
    assert running == collection_id(first, Channel.SGE)
    clock.at = datetime(2027, 3, 2, 8, tzinfo=UTC)
    consenting.grant_consent(later, home.account, home.meter, YEAR)
    stopped = later.ledger.load(collection, running).state
    assert stopped.status is CollectionStatus.STOPPED
    name = KeyName(owner=home.account, purpose=Purpose.READINGS, consent=first, year=2027)
    with pytest.raises(MintingClosed):
        later.keys.mint([name])


def test_on_its_last_day_a_consent_still_lives_and_is_not_expired(
    later: Services, home: Household, clock: Clock
) -> None:
    """Until midnight in Paris, which is 23:00 UTC in winter."""
    first = consenting.grant_consent(later, home.account, home.meter, YEAR)
    clock.at = datetime(2027, 3, 1, 22, 59, 59, tzinfo=UTC)
    with pytest.raises(ConsentAlreadyLives):
        consenting.grant_consent(later, home.account, home.meter, YEAR)
    with pytest.raises(ConsentNotLapsed, match=str(LAST_DAY)):
        consenting.expire_consent(later, first)
    assert later.ledger.load(consent, first).state.status is ConsentStatus.GRANTED
    clock.at += timedelta(seconds=1)
    consenting.grant_consent(later, home.account, home.meter, YEAR)
    assert later.ledger.load(consent, first).state.status is ConsentStatus.EXPIRED


def test_a_refused_expiry_bars_nothing_and_a_repeated_one_happens_once(
    later: Services, home: Household, clock: Clock
) -> None:
    """Its command is derived: refused today, it is accepted when the day has come."""
    first = consenting.grant_consent(later, home.account, home.meter, YEAR)
    with pytest.raises(ConsentNotLapsed):
        consenting.expire_consent(later, first)
    clock.at = datetime(2027, 6, 1, tzinfo=UTC)
    for _ in range(3):
        consenting.expire_consent(later, first)
    assert later.ledger.load(consent, first).version == 2
    assert later.ledger.load(consent, first).state.status is ConsentStatus.EXPIRED


def test_a_consent_of_another_category_is_left_alone(
    later: Services, home: Household, clock: Clock
) -> None:
    first = consenting.grant_consent(later, home.account, home.meter, YEAR)
    clock.at = datetime(2027, 3, 2, tzinfo=UTC)
    other = replace(YEAR, recipient="energy agency")
    consenting.grant_consent(later, home.account, home.meter, other)
    assert later.ledger.load(consent, first).state.status is ConsentStatus.GRANTED


def test_consents_that_followed_each_other_pass_the_audit_and_are_all_listed(
    ledger: Installation, later: Services, home: Household, clock: Clock
) -> None:
    made = []
    for day in (date(2026, 3, 5), date(2027, 3, 6), date(2028, 3, 7)):
        clock.at = datetime.combine(day, time(12), UTC)
        made.append(consenting.grant_consent(later, home.account, home.meter, YEAR))
    listed = consenting.consents_of(later, home.account)
    assert [listed[one].status.value for one in made] == ["expired", "expired", "granted"]
    assert closed(ledger).passed


def test_the_command_line_grants_anew_after_a_lapse(place: Place) -> None:
    """Years ago by the clock of then, today by the machine's."""
    with place.open() as ledger:
        home = settle(ledger, "09111642617347", categories=())
        then = replace(ledger.services, clock=Clock(datetime(2021, 3, 1, tzinfo=UTC)))
        first = consenting.grant_consent(then, home.account, home.meter, YEAR)
    scope = ("--category", "daily_index", "--holder", "B", "--act", "x", "--wording-version", "1")
    said = place.run("consent", "grant", home.account, home.meter, *scope)
    assert (said.code, said.err) == (0, "")
    listed = place.run("consents", home.account).out.splitlines()
    assert [line.split()[1] for line in listed if line.startswith(str(first))] == ["expired"]
    assert len(listed) == 2


def test_a_clock_that_is_behind_starts_the_collection_all_the_same(ledger: Installation) -> None:
    home = settle(ledger, "09111642617347", categories=())
    now = ledger.clock()
    ahead = replace(ledger.services, clock=lambda: now + timedelta(minutes=2))
    given = consenting.grant_consent(ahead, home.account, home.meter, wish())
    consenting.start_agreed(replace(ledger.services, clock=lambda: now), given)
    (channel,) = _channels_of(ledger, given)
    state = ledger.ledger.load(collection, collection_id(given, channel)).state
    assert state.status is CollectionStatus.RUNNING
    assert state.started_at == now + timedelta(minutes=2)


def _channels_of(ledger: Installation, given: UUID) -> tuple[Channel, ...]:
    granted = ledger.ledger.load(consent, given).state.granted
    assert granted is not None
    signed = ledger.register.read().agreements[granted.agreement].signed
    assert signed is not None
    return tuple(signed.channels)


def test_no_clock_that_is_behind_refuses_a_withdrawal(ledger: Installation) -> None:
    home = settle(ledger, "09111642617347")
    (given,) = home.consents
    granted = ledger.ledger.load(consent, given).state.granted
    assert granted is not None
    behind = replace(ledger.services, clock=lambda: granted.granted_at - timedelta(minutes=2))
    consenting.withdraw_consent(behind, given, origin=Origin.RESIDENT)
    withdrawn = ledger.ledger.load(consent, given).state
    assert withdrawn.status is ConsentStatus.WITHDRAWN
    assert withdrawn.withdrawn_at == granted.granted_at
    assert closed(ledger).passed
