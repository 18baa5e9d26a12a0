"""What nobody asks for happens: expiries, what a killed command left, the day's epoch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from application import consenting, erasure, inbox, seeing, upkeep
from application.consenting import consents_of
from application.protocol import barrier
from application.residents import resident
from application.services import collection_id, new_id
from application.upkeep import end_epoch_daily, expire_lapsed, look_after
from domain.aggregates import collection, consent, meter
from domain.aggregates.collection import CollectionStatus
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Corrupt, Unavailable
from domain.events import Change
from domain.events.account import AccountErased
from domain.events.notice import NoticeEscalated
from domain.policies.consent import withdraw
from domain.values import Channel
from keys.keyring import FileKeyring, new_epoch
from keys.names import Purpose
from metroledger.bootstrap import administrator, open_ledger
from tests.application.test_certifying import break_wrap
from tests.application.test_erasing import ask, count
from tests.application.test_inbox import kept_withdrawal, silent
from tests.application.world import settle, wish

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from application.transact import Loading
    from metroledger.bootstrap import Installation
    from tests.application.world import Place

NUMBER = "00324585900021"


def collection_of(installation: Installation, consent_id: UUID) -> CollectionStatus:
    stream = collection_id(consent_id, Channel.SGE)
    return installation.ledger.load(collection, stream).state.status


def withdraw_and_die(installation: Installation, consent_id: UUID) -> None:
    """What is on the ledger when the process was killed right after the withdrawal's commit."""
    services = installation.services

    def decide(load: Loading) -> Iterable[Change]:
        given = load(consent, consent_id)
        assert given.state.granted is not None
        on_meter = load(meter, given.state.granted.meter)
        return withdraw(given, on_meter, withdrawn_at=services.clock(), origin=Origin.RESIDENT)

    services.ledger.transact(new_id(), decide, context=services.context())


def test_a_keeper_that_does_not_answer_keeps_no_erasure_from_destroying_its_keys(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the epoch's end and the certificate wait for it, and no other duty does."""
    services, homes = ledger.services, [settle(ledger, f"{n}" * 14) for n in (1, 2)]
    for home in homes:
        ask(ledger, home)

    def away(_now: datetime) -> None:
        raise Unavailable

    with monkeypatch.context() as outage:
        outage.setattr(services.keys, "end_epoch", away)
        with pytest.raises(Unavailable):
            look_after(services, ledger.cursors)
        assert not any(ledger.keys.keys_of(home.account) for home in homes)
        assert not count(ledger, AccountErased)
        assert count(ledger, NoticeEscalated) == len(homes)
    look_after(services, ledger.cursors)
    assert count(ledger, AccountErased) == len(homes)


def test_a_day_on_which_something_once_a_day_failed_is_not_over(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = replace(ledger.services, clock=lambda: ledger.clock() + timedelta(days=1))
    before = ledger.keys.epoch().generation

    def away(*_: object, **__: object) -> int:
        raise Unavailable

    with monkeypatch.context() as outage:
        outage.setattr(upkeep, "keep_to_periods", away)
        with pytest.raises(Unavailable):
            look_after(tomorrow, ledger.cursors)
    assert ledger.keys.epoch().generation == before
    assert look_after(tomorrow, ledger.cursors).epoch_ended
    assert ledger.keys.epoch().generation == before + 1


def test_what_is_broken_is_raised_before_what_does_not_answer(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> int:
        raise Unavailable

    def broken(*_: object) -> int:
        raise Corrupt

    monkeypatch.setattr(upkeep, "write_letters", away)
    monkeypatch.setattr(upkeep, "expire_lapsed", broken)
    with pytest.raises(Corrupt):
        look_after(ledger.services, ledger.cursors)


def test_a_broken_key_of_one_person_holds_up_nothing_of_another(ledger: Installation) -> None:
    services, broken, other = ledger.services, settle(ledger, "1" * 14), settle(ledger, "2" * 14)
    erasure.request(services, broken.account, resident(broken.account))
    seeing.requester(services, broken.account, administrator(ledger))
    (key,) = (
        one
        for name, one in ledger.keys.keys_of(broken.account).items()
        if name.purpose is Purpose.ACCESS
    )
    break_wrap(ledger, key)
    ask(ledger, other)
    look_after(services, ledger.cursors)
    assert not ledger.keys.keys_of(other.account)
    assert count(ledger, AccountErased) == 1


def test_a_collection_is_stopped_though_the_process_that_withdrew_was_killed(
    ledger: Installation,
) -> None:
    (consent_id,) = settle(ledger, NUMBER).consents
    withdraw_and_die(ledger, consent_id)
    assert collection_of(ledger, consent_id) is CollectionStatus.RUNNING
    assert look_after(ledger.services, ledger.cursors).endings == 1
    assert collection_of(ledger, consent_id) is CollectionStatus.STOPPED
    assert look_after(ledger.services, ledger.cursors).idle


def test_a_collection_is_started_though_the_process_that_granted_was_killed(
    ledger: Installation,
) -> None:
    home = settle(ledger, NUMBER, categories=())
    given = consenting.grant_consent(ledger.services, home.account, home.meter, wish())
    assert collection_of(ledger, given) is CollectionStatus.IDLE
    assert look_after(ledger.services, ledger.cursors).starts == 1
    assert collection_of(ledger, given) is CollectionStatus.RUNNING
    assert look_after(ledger.services, ledger.cursors).idle


def test_an_act_that_gets_no_answer_holds_up_no_other_duty_and_is_told_at_the_end(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = kept_withdrawal(ledger.services, settle(ledger, "30001112223334"))
    home = settle(ledger, NUMBER, categories=())
    given = consenting.grant_consent(ledger.services, home.account, home.meter, wish())
    with monkeypatch.context() as stuck:
        stuck.setattr(inbox, "withdraw_consent", lambda *_, **__: silent())
        with pytest.raises(Unavailable):
            look_after(ledger.services, ledger.cursors)
    assert collection_of(ledger, given) is CollectionStatus.RUNNING
    assert look_after(ledger.services, ledger.cursors).kept == 1
    assert ledger.ledger.load(consent, act.about).state.status is ConsentStatus.WITHDRAWN


def test_what_has_ended_is_not_started(ledger: Installation) -> None:
    home = settle(ledger, NUMBER, categories=())
    given = consenting.grant_consent(ledger.services, home.account, home.meter, wish())
    consenting.withdraw_consent(ledger.services, given, origin=Origin.RESIDENT)
    assert look_after(ledger.services, ledger.cursors).starts == 0
    assert collection_of(ledger, given) is CollectionStatus.IDLE


def test_on_the_day_after_its_last_a_consent_is_expired_and_not_before(place: Place) -> None:
    with place.open() as installation:
        household = settle(installation, NUMBER)
        (consent_id,) = household.consents
        last_day = consents_of(installation.services, household.account)[consent_id].last_day
    assert last_day is not None
    for days, status in ((0, ConsentStatus.GRANTED), (1, ConsentStatus.EXPIRED)):
        noon = datetime.combine(last_day + timedelta(days=days), datetime.min.time(), UTC)
        at = noon + timedelta(hours=12)
        with open_ledger(place.settings, clock=lambda at=at: at) as installation:  # type: ignore[misc]  # bound now
            installation.shown.catch_up()
            assert expire_lapsed(installation.services) == days
            assert installation.ledger.load(consent, consent_id).state.status is status
            installation.shown.catch_up()
            assert expire_lapsed(installation.services) == 0
    with place.open() as installation:
        assert collection_of(installation, consent_id) is CollectionStatus.STOPPED


def test_an_epoch_ends_once_a_day(place: Place) -> None:
    with place.open() as installation:
        began = installation.keys.epoch()
        assert not end_epoch_daily(installation.services)
    tomorrow = began.since + timedelta(days=1)
    with open_ledger(place.settings, clock=lambda: tomorrow) as installation:
        assert end_epoch_daily(installation.services)
        assert not end_epoch_daily(installation.services)
        assert installation.keys.epoch().generation == began.generation + 1


def test_an_epochs_end_that_was_cut_short_is_finished_the_same_day(place: Place) -> None:
    keyring = FileKeyring(place.settings.keyring)
    with place.open() as installation:
        keyring.add(young := new_epoch(installation.services.clock()))
        assert end_epoch_daily(installation.services)
        assert keyring.epochs() == (young,)
        assert installation.keys.epoch().id == young.id
        assert not end_epoch_daily(installation.services)


def test_what_a_writer_appended_and_did_not_live_to_fold_is_folded_and_published(
    ledger: Installation,
) -> None:
    ledger.log.append([barrier(new_id().bytes), b"a foreign writer's bytes"])
    behind = ledger.log.end()
    assert ledger.store.cursor().offset == behind - 2
    look_after(ledger.services, ledger.cursors)
    assert ledger.store.cursor().offset == behind
    published = ledger.publisher.published()
    assert published is not None
    assert published.checkpoint.size == ledger.store.cursor().size
