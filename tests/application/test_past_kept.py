"""A request to erase a meter's past holds at once, and reaches the log once, when that answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from application import consenting, erasure, inbox, past, viewing
from application.desk import Desk
from application.inbox import Act, Fortune, KindOfAct, TakenDown, awaiting, drain, insist
from application.past import NothingHeld
from application.protocol import RefusedBefore
from application.reactions import write_letters
from application.residents import resident
from application.services import made_by, new_id
from application.upkeep import look_after
from application.viewing import PastErased
from domain.aggregates import account, consent, leaving
from domain.aggregates.consent import ConsentStatus, Origin
from domain.aggregates.leaving import PastHeld
from domain.errors import Corrupt, Unavailable
from domain.events.destruction import KeysDestroyed, PastErasureAskedAgain, PastErasureRequested
from keys.names import KeyName, Purpose
from metroledger.cli.offices import administrator
from metroledger.portal import site_of
from tests.application.test_door import letters
from tests.application.test_erasing import Crash, count, crash_at
from tests.application.test_inbox import erased, silent
from tests.application.test_past import certified, readable, two_meters
from tests.application.world import opened, wish

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from application.services import Services
    from application.views import Overview
    from metroledger.bootstrap import Installation
    from tests.application.world import Household


@pytest.fixture
def home(ledger: Installation, tmp_path: Path) -> Household:
    home, *_ = two_meters(ledger, tmp_path)
    ledger.shown.catch_up()
    return home


def kept(services: Services, home: Household) -> Act:
    """A request to erase the past of a home's first meter that the log did not take."""
    act = Act(
        command=new_id(),
        kind=KindOfAct.PAST_ERASURE_REQUEST,
        account=home.account,
        about=home.meter,
        at=services.clock(),
    )
    with pytest.raises(TakenDown):
        insist(services, act, silent)
    return act


def test_it_denies_that_meter_at_once_and_no_other_and_leaves_the_right_of_access(
    ledger: Installation, tmp_path: Path
) -> None:
    services = ledger.services
    home, other, living = two_meters(ledger, tmp_path)
    kept(services, home)
    for look in (viewing.authorise, viewing.admitted_to):
        with pytest.raises(PastErased):
            look(services, home.account, home.consents[0])
        look(services, home.account, living)
    assert readable(ledger, home.account, home.consents[0]) > 0
    seen = viewing.overview(services, home.account)
    assert seen.pasts_kept == {home.meter} != {other}
    status = {one.id: one.status for one in seen.consents}
    assert status == {
        home.consents[0]: ConsentStatus.WITHDRAWN,
        living: ConsentStatus.GRANTED,
    }
    assert not count(ledger, PastErasureRequested)


def test_it_reaches_the_log_once_dated_when_it_was_made_and_is_carried_out(
    ledger: Installation, home: Household
) -> None:
    act = kept(ledger.services, home)
    later = replace(ledger.services, clock=lambda: act.at + timedelta(days=3))
    assert drain(later) == 1
    (asked,) = past.pasts_of(later, home.account)
    assert (asked.request, asked.requested_at, asked.done) == (made_by(act.command), act.at, False)
    assert ledger.services.inbox.fortune(act.command) is Fortune.DONE
    end = ledger.log.end()
    assert (drain(later), ledger.log.end()) == (0, end)
    look_after(later, ledger.cursors)
    assert certified(ledger, asked.request).keys == 2
    assert (count(ledger, PastErasureRequested), count(ledger, KeysDestroyed)) == (1, 1)
    assert opened(ledger).passed


def test_while_it_goes_from_the_inbox_to_the_log_nothing_is_shown(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, consent_id = ledger.services, home.consents[0]
    kept(services, home)

    def away(*_: object, **_more: object) -> None:
        with pytest.raises(PastErased):
            viewing.authorise(services, home.account, consent_id)
        raise Unavailable

    with monkeypatch.context() as outage:
        outage.setattr(past, "withdraw_consent", away)
        with pytest.raises(Unavailable):
            drain(services)
    assert count(ledger, PastErasureRequested) == 1
    with pytest.raises(PastErased):
        viewing.authorise(services, home.account, consent_id)
    assert drain(services) == 1
    assert count(ledger, PastErasureRequested) == 1
    with pytest.raises(PastErased):
        viewing.authorise(services, home.account, consent_id)


def test_no_version_refuses_it(ledger: Installation, home: Household) -> None:
    services = ledger.services
    act = kept(services, home)
    consenting.withdraw_consent(services, home.consents[0], origin=Origin.RESIDENT)
    erasure.request(services, home.account, resident(home.account))
    assert drain(services) == 1
    assert services.inbox.fortune(act.command) is Fortune.DONE
    assert [one.request for one in ledger.ledger.load(account, home.account).state.pasts] == [
        made_by(act.command)
    ]


def test_a_consent_given_after_it_is_not_of_that_past(
    ledger: Installation, home: Household
) -> None:
    """Whatever was consented to after the person asked is read and shown."""
    services = ledger.services
    act = kept(services, home)
    consenting.withdraw_consent(services, home.consents[0], origin=Origin.RESIDENT)
    later = replace(services, clock=lambda: act.at + timedelta(hours=1))
    anew = consenting.grant_consent(later, home.account, home.meter, wish())
    assert drain(later) == 1
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED
    assert not viewing.authorise(later, home.account, anew).ended


def test_acts_of_all_kinds_are_carried_in_the_order_they_came(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = ledger.services
    kinds = [
        (KindOfAct.PAST_ERASURE_REQUEST, home.meter),
        (KindOfAct.WITHDRAWAL, home.consents[0]),
        (KindOfAct.ERASURE_REQUEST, home.account),
    ]
    for kind, about in kinds:
        act = Act(
            command=new_id(), kind=kind, account=home.account, about=about, at=services.clock()
        )
        with pytest.raises(TakenDown):
            insist(services, act, silent)
    assert [(act.kind, act.about) for act in awaiting(services)] == kinds
    carried: list[KindOfAct] = []
    carry = inbox._carry

    def told(whose: Services, act: Act) -> None:
        carried.append(act.kind)
        carry(whose, act)

    monkeypatch.setattr(inbox, "_carry", told)
    assert drain(services) == 3
    assert carried == [kind for kind, _ in kinds]
    assert not list(awaiting(services))


def test_its_letter_is_written_when_it_is_on_the_log(ledger: Installation, home: Household) -> None:
    kept(ledger.services, home)
    write_letters(ledger.services, ledger.cursors)
    assert not letters(ledger)
    assert drain(ledger.services) == 1
    for _ in range(2):
        write_letters(ledger.services, ledger.cursors)
        (letter,) = letters(ledger)
        assert "/effacement/passe/suivi/" in letter


def test_one_of_somebody_erased_since_waits_no_more(ledger: Installation, home: Household) -> None:
    act = kept(ledger.services, home)
    erased(ledger, home)
    assert drain(ledger.services) == 1
    assert ledger.services.inbox.fortune(act.command) is Fortune.DONE
    assert not count(ledger, PastErasureRequested)


def test_what_is_refused_in_any_case_is_refused_before_it_is_kept(
    ledger: Installation, home: Household
) -> None:
    services, desk = ledger.services, site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    assert past.erase(services, home.account, request, services.system)
    command = new_id()
    with pytest.raises(NothingHeld):
        desk.request_past(seen(services, home), home.meter, command=command)
    assert services.inbox.fortune(command) is None
    erasure.request(services, home.account, resident(home.account))
    site_of(ledger).desk.hold(home.account, administrator(ledger), reason="a court")
    command = new_id()
    with pytest.raises(PastHeld):
        desk.request_past(seen(services, home), home.meter, command=command)
    assert services.inbox.fortune(command) is None


def test_with_the_log_at_hand_it_is_done_before_the_answer_and_sent_again_is_the_same(
    ledger: Installation, home: Household
) -> None:
    services, command = ledger.services, new_id()
    desk = site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=command)
    assert services.inbox.fortune(command) is Fortune.DONE
    state = ledger.ledger.load(consent, home.consents[0]).state
    assert state.status is ConsentStatus.WITHDRAWN
    look_after(services, ledger.cursors)
    assert desk.request_past(seen(services, home), home.meter, command=command) == request
    assert count(ledger, PastErasureRequested) == 1


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
    act = kept(services, home)
    consenting.withdraw_consent(services, home.consents[0], origin=Origin.RESIDENT)
    between = replace(services, clock=lambda: act.at + timedelta(hours=1))
    anew = consenting.grant_consent(between, home.account, home.meter, wish())
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

    def away(*_: object, **__: object) -> None:
        raise Unavailable

    view = seen(services, home)
    with monkeypatch.context() as outage:
        outage.setattr(past, "request", away)
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
    act = kept(services, home)
    consenting.withdraw_consent(services, home.consents[0], origin=Origin.RESIDENT)
    later = replace(services, clock=lambda: act.at + timedelta(hours=1))
    consenting.grant_consent(later, home.account, home.meter, wish())
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


def test_under_a_hold_whoever_asks_again_is_told_of_it(
    ledger: Installation, home: Household
) -> None:
    services, desk = ledger.services, site_of(ledger).desk
    desk.request_past(seen(services, home), home.meter, command=new_id())
    erasure.request(services, home.account, resident(home.account))
    desk.hold(home.account, administrator(ledger), reason="a court")
    with pytest.raises(PastHeld):
        desk.request_past(seen(services, home), home.meter, command=new_id())


def test_while_the_log_does_not_answer_it_is_not_known_how_pasts_stand(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, desk = ledger.services, site_of(ledger).desk
    request = desk.request_past(seen(services, home), home.meter, command=new_id())
    assert [one.request for one in past.last_asked(services) or ()] == [request]

    def silent_log(*_: object, **__: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(ledger.ledger.folder.log, "read", silent_log)
        assert past.last_asked(services) is None


def test_what_cannot_be_stopped_does_not_keep_the_request_waiting(
    ledger: Installation, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> None:
        raise Corrupt

    services, command = ledger.services, new_id()
    monkeypatch.setattr(past, "stop", unreadable)
    site_of(ledger).desk.request_past(seen(services, home), home.meter, command=command)
    assert services.inbox.fortune(command) is Fortune.DONE


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

    def away(*_: object, **__: object) -> None:
        raise Unavailable

    with monkeypatch.context() as outage:
        outage.setattr(past, "request", away)
        with pytest.raises(TakenDown):
            desk.request_past(seen(services, home), home.meter, command=command)
    assert drain(services) == 1
    assert past.standing(services, home.account, command) == request
    assert count(ledger, PastErasureRequested) == 1


def _readings_of(home: Household, consent_id: UUID) -> KeyName:
    return KeyName(owner=home.account, purpose=Purpose.READINGS, consent=consent_id, year=2031)


def seen(services: Services, home: Household) -> Overview:
    return viewing.overview(services, home.account)
