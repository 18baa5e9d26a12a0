"""A request to erase a meter's past holds at once, and reaches the log once, when that answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from application import consenting, erasure, inbox, past, viewing
from application.acts import Act, Fortune, KindOfAct
from application.consenting import StillWithdrawing
from application.inbox import TakenDown, awaiting, drain, insist
from application.past import NothingHeld
from application.reactions import write_letters
from application.residents import resident
from application.services import made_by, new_id
from application.upkeep import look_after
from application.viewing import PastErased
from domain.aggregates import account, consent
from domain.aggregates.consent import ConsentStatus, Origin
from domain.aggregates.leaving import PastHeld
from domain.errors import Corrupt, Unavailable
from domain.events.destruction import KeysDestroyed, PastErasureRequested
from metroledger.bootstrap import administrator
from metroledger.portal import site_of
from tests.application.test_door import letters
from tests.application.test_erasing import count
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


def no_answer(*_: object, **__: object) -> None:
    """What the log comes to in an outage."""
    raise Unavailable


def kept_late(services: Services, home: Household) -> tuple[Act, Services, UUID]:
    """Keep a request only when a consent was given after it, in another process.

    Returns it, the use cases an hour later, and the consent of that hour.
    """
    asked_at = services.clock()
    consenting.withdraw_consent(services, home.consents[0], origin=Origin.RESIDENT)
    later = replace(services, clock=lambda: asked_at + timedelta(hours=1))
    anew = consenting.grant_consent(later, home.account, home.meter, wish())
    return kept(replace(services, clock=lambda: asked_at), home), later, anew


def seen(services: Services, home: Household) -> Overview:
    return viewing.overview(services, home.account)


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
    _, later, anew = kept_late(ledger.services, home)
    assert drain(later) == 1
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED
    assert not viewing.authorise(later, home.account, anew).ended


def test_a_consent_waits_for_the_asking_before_it_and_is_not_barred(
    ledger: Installation, home: Household
) -> None:
    """Dated by a clock that is behind, it would be of that past."""
    services, command = ledger.services, new_id()
    act = kept(services, home)
    behind = replace(services, clock=lambda: act.at - timedelta(minutes=1))
    for _ in range(2):
        with pytest.raises(StillWithdrawing):
            consenting.grant_consent(behind, home.account, home.meter, wish(), command=command)
    assert drain(services) == 1
    anew = consenting.grant_consent(behind, home.account, home.meter, wish(), command=command)
    look_after(services, ledger.cursors)
    assert ledger.ledger.load(consent, anew).state.status is ConsentStatus.GRANTED


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

    with monkeypatch.context() as patch:
        patch.setattr(ledger.ledger.folder.log, "read", no_answer)
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
