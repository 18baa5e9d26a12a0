"""A request to erase a meter's past that is sent or asked again is one, and erases nothing more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from application import consenting, inbox, past, viewing
from application.acts import Fortune
from application.desk import Desk
from application.inbox import TakenDown, drain
from application.past import NothingHeld
from application.protocol import RefusedBefore
from application.services import made_by, new_id
from application.upkeep import look_after
from domain.aggregates import consent, leaving
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Unavailable
from domain.events.destruction import KeysDestroyed, PastErasureAskedAgain, PastErasureRequested
from keys.names import KeyName, Purpose
from metroledger.portal import site_of
from tests.application.test_erasing import Crash, count, crash_at
from tests.application.test_past_kept import home, kept, kept_late, no_answer, seen
from tests.application.world import wish

if TYPE_CHECKING:
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Household


__all__ = ["home"]


def _readings_of(home: Household, consent_id: UUID) -> KeyName:
    return KeyName(owner=home.account, purpose=Purpose.READINGS, consent=consent_id, year=2031)


def test_asked_again_while_it_waits_for_the_log_it_is_one_request_for_ever(
    ledger: Installation, home: Household
) -> None:
    """Each asking is carried, so none of them, sent again later, erases what came since."""
    services, desk, again = ledger.services, site_of(ledger).desk, new_id()
    act = kept(services, home)
    one = desk.request_past(seen(services, home), home.meter, command=again)
    assert desk.request_past(seen(services, home), home.meter, command=act.command) == one
    drain(services)
    look_after(services, ledger.cursors)
    anew = consenting.grant_consent(services, home.account, home.meter, wish())
    for command in (act.command, again):
        assert desk.request_past(seen(services, home), home.meter, command=command) == one
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED
    assert count(ledger, PastErasureRequested) == 1


def test_sent_again_before_it_is_carried_it_is_of_when_it_was_asked_first(
    ledger: Installation, home: Household
) -> None:
    """What was consented to in between is not of that past."""
    services = ledger.services
    act, _, anew = kept_late(services, home)
    later = replace(services, clock=lambda: act.at + timedelta(hours=2))
    view = viewing.overview(later, home.account)
    desk = Desk(services=later)
    assert desk.request_past(view, home.meter, command=act.command) == made_by(act.command)
    (asked,) = past.pasts_of(services, home.account)
    assert asked.requested_at == act.at
    look_after(later, ledger.cursors)
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED


def test_all_that_the_holder_sees_is_of_the_past_whatever_clock_dated_it(
    ledger: Installation, home: Household
) -> None:
    services = ledger.services
    ahead = replace(services, clock=lambda: ledger.clock() + timedelta(minutes=2))
    consenting.withdraw_consent(services, home.consents[0], origin=Origin.RESIDENT)
    given = consenting.grant_consent(ahead, home.account, home.meter, wish())
    site_of(ledger).desk.request_past(seen(services, home), home.meter, command=new_id())
    assert ledger.ledger.load(consent, given).state.status is ConsentStatus.WITHDRAWN


def test_a_command_that_was_refused_stays_refused(ledger: Installation, home: Household) -> None:
    """Nothing was held when it was asked for; sent again later, it erases nothing that is."""
    services, desk, command = ledger.services, site_of(ledger).desk, new_id()
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    past.erase(services, home.account, request, services.system)
    with pytest.raises(NothingHeld):
        desk.request_past(seen(services, home), home.meter, command=command)
    anew = consenting.grant_consent(services, home.account, home.meter, wish())
    services.keys.mint([_readings_of(home, anew)])
    with pytest.raises(RefusedBefore):
        desk.request_past(seen(services, home), home.meter, command=command)
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED


def test_what_seems_refused_is_not_answered_while_the_log_does_not_answer(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, desk, command = ledger.services, site_of(ledger).desk, new_id()
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    past.erase(services, home.account, request, services.system)

    view = seen(services, home)
    with monkeypatch.context() as outage:
        outage.setattr(past, "request", no_answer)
        with pytest.raises(Unavailable):
            desk.request_past(view, home.meter, command=command)
    assert services.inbox.fortune(command) is None


def test_one_whose_order_lacks_a_key_is_not_joined(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would leave that one: another request erases it, though it is of the same past."""
    services, desk = ledger.services, site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    with pytest.raises(Crash):
        past.erase(
            services, home.account, request, services.system, step=crash_at("destruction ordered")
        )
    (asked,) = past.pasts_of(services, home.account)
    behind = replace(services, clock=lambda: asked.requested_at - timedelta(seconds=5))
    with monkeypatch.context() as unaware:
        unaware.setattr(leaving, "after_pasts", lambda _state, _meter, at: at)
        late = consenting.grant_consent(behind, home.account, home.meter, wish())
    name = _readings_of(home, late)
    services.keys.mint([name])
    other = desk.request_past(seen(services, home), home.meter, command=new_id())
    assert other != request
    look_after(services, ledger.cursors)
    assert name not in services.keys.keys_of(home.account)
    assert all(one.done for one in past.pasts_of(services, home.account))


def test_an_asking_that_waited_joins_one_that_was_made_since_and_erases_more(
    ledger: Installation, home: Household
) -> None:
    services = ledger.services
    act, later, _ = kept_late(services, home)
    request = past.request(later, home.account, home.meter)
    assert drain(later) == 1
    assert past.standing(later, home.account, act.command) == request
    assert count(ledger, PastErasureRequested) == 1


def test_what_is_consented_to_after_a_request_is_not_of_that_past_whatever_a_clock_says(
    ledger: Installation, home: Household
) -> None:
    services, desk = ledger.services, site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    (asked,) = past.pasts_of(services, home.account)
    behind = replace(services, clock=lambda: asked.requested_at - timedelta(seconds=5))
    anew = consenting.grant_consent(behind, home.account, home.meter, wish())
    granted = ledger.ledger.load(consent, anew).state.granted
    assert granted is not None
    assert granted.granted_at > asked.requested_at
    past.erase(services, home.account, request, services.system)
    assert not viewing.authorise(services, home.account, anew).ended


def test_asked_by_four_at_once_it_is_one_request(ledger: Installation, home: Household) -> None:
    desk, view = site_of(ledger).desk, seen(ledger.services, home)
    with ThreadPoolExecutor(4) as askers:
        asked = [
            askers.submit(desk.request_past, view, home.meter, command=new_id()) for _ in range(4)
        ]
    assert len({one.result() for one in asked}) == 1
    assert count(ledger, PastErasureRequested) == 1


def test_two_that_waited_for_the_log_are_one_request(ledger: Installation, home: Household) -> None:
    services = ledger.services
    acts = [kept(services, home) for _ in range(2)]
    assert drain(services) == 2
    assert {services.inbox.fortune(one.command) for one in acts} == {Fortune.DONE}
    (request,) = past.pasts_of(services, home.account)
    told = {past.standing(services, home.account, one.command) for one in acts}
    assert told == {request.request}


def test_asked_again_while_it_is_under_way_it_is_the_same_request(
    ledger: Installation, home: Household
) -> None:
    services, desk = ledger.services, site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    for _ in range(3):
        again = desk.request_past(seen(services, home), home.meter, command=new_id())
        assert again == request
    assert count(ledger, PastErasureRequested) == 1
    consenting.grant_consent(services, home.account, home.meter, wish())
    assert desk.request_past(seen(services, home), home.meter, command=new_id()) != request
    look_after(services, ledger.cursors)
    assert count(ledger, PastErasureRequested) == count(ledger, KeysDestroyed) == 2


def test_what_was_found_to_be_another_request_stays_that_one_however_late_it_is_sent_again(
    ledger: Installation, home: Household
) -> None:
    """Sent again after that one is done, it erases nothing of what was consented to since."""
    services, desk, command = ledger.services, site_of(ledger).desk, new_id()
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    assert desk.request_past(seen(services, home), home.meter, command=command) == request
    look_after(services, ledger.cursors)
    anew = consenting.grant_consent(services, home.account, home.meter, wish())
    for forgotten in (timedelta(0), inbox.KEPT + timedelta(days=1)):
        inbox.drop_over(services.inbox, services.clock() + forgotten)
        assert desk.request_past(seen(services, home), home.meter, command=command) == request
    assert services.inbox.fortune(command) is Fortune.DONE
    look_after(services, ledger.cursors)
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED
    assert not viewing.authorise(services, home.account, anew).ended
    assert (count(ledger, PastErasureRequested), count(ledger, PastErasureAskedAgain)) == (1, 1)


@pytest.mark.parametrize("step", ["consents ended", "destruction ordered", "keys destroyed"])
def test_asked_again_wherever_the_erasure_stands_it_is_the_same_request(
    ledger: Installation, home: Household, step: str
) -> None:
    """Also where its keys are gone already: nothing is held, and it is not told so."""
    services, desk = ledger.services, site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    with pytest.raises(Crash):
        past.erase(services, home.account, request, services.system, step=crash_at(step))
    assert desk.request_past(seen(services, home), home.meter, command=new_id()) == request


def test_asked_again_in_an_outage_it_is_kept_and_becomes_the_request_under_way(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, desk, command = ledger.services, site_of(ledger).desk, new_id()
    request = desk.request_past(seen(services, home), home.meter, command=new_id())

    with monkeypatch.context() as outage:
        outage.setattr(past, "request", no_answer)
        with pytest.raises(TakenDown):
            desk.request_past(seen(services, home), home.meter, command=command)
    assert drain(services) == 1
    assert past.standing(services, home.account, command) == request
    assert count(ledger, PastErasureRequested) == 1
