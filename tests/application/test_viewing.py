"""Reads go through one seam: the owner sees, a stranger finds nothing, an ending denies at once."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import consenting, offices, viewing
from application.residents import open_account
from application.viewing import NoLongerShown, NothingHere, TermsToAccept, Use
from domain.aggregates.consent import ConsentStatus, Origin
from domain.events.terms import TextKind
from domain.values import Category
from metroledger.bootstrap import administrator
from tests.application.world import SEED, settle, take, wish, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation

NUMBER = "00324585900021"


def test_the_holder_sees_their_meters_and_consents(ledger: Installation) -> None:
    household = settle(ledger, NUMBER)
    seen = viewing.overview(ledger.services, household.account)
    assert [one.id for one in seen.meters] == [household.meter]
    assert {one.id for one in seen.consents} >= set(household.consents)
    assert all(one.status is ConsentStatus.GRANTED for one in seen.consents)
    assert not seen.must_accept


def test_a_consent_that_is_not_the_readers_does_not_exist_for_them(ledger: Installation) -> None:
    consent = settle(ledger, NUMBER).consents[0]
    other = open_account(ledger.services, name="Other", email="other@example.org", language="fr")
    for use in Use:
        with pytest.raises(NothingHere):
            viewing.authorise(ledger.services, other, consent, use)


def test_a_withdrawal_denies_at_once_and_leaves_the_right_of_access(ledger: Installation) -> None:
    household = settle(ledger, NUMBER)
    consent = household.consents[0]
    assert not viewing.authorise(ledger.services, household.account, consent).ended
    consenting.withdraw_consent(ledger.services, consent, origin=Origin.RESIDENT)
    with pytest.raises(NoLongerShown):
        viewing.authorise(ledger.services, household.account, consent)
    assert viewing.authorise(ledger.services, household.account, consent, Use.ACCESS).ended


def test_one_look_admits_and_authorises_as_two_do(ledger: Installation) -> None:
    household, other = settle(ledger, NUMBER), settle(ledger, "00324585900022")
    consent, services = household.consents[0], ledger.services
    seen, access = viewing.admitted_to(services, household.account, consent)
    assert seen == viewing.admitted(services, household.account)
    assert access == viewing.authorise(services, household.account, consent)
    with pytest.raises(NothingHere):
        viewing.admitted_to(services, other.account, consent)
    consenting.withdraw_consent(services, consent, origin=Origin.RESIDENT)
    with pytest.raises(NoLongerShown):
        viewing.admitted_to(services, household.account, consent)


def test_where_new_terms_wait_nothing_is_shown_and_what_is_held_can_be_taken_away(
    ledger: Installation,
) -> None:
    household = settle(ledger, NUMBER)
    assert not viewing.admitted(ledger.services, household.account).must_accept
    text = offices.Text(version="2", language="fr", text="Autre chose.")
    offices.publish_text(ledger.services, administrator(ledger), TextKind.TERMS_OF_USE, text)
    with pytest.raises(TermsToAccept):
        viewing.admitted(ledger.services, household.account)
    with pytest.raises(TermsToAccept):
        viewing.admitted_to(ledger.services, household.account, household.consents[0])
    access = viewing.authorise(
        ledger.services, household.account, household.consents[0], Use.ACCESS
    )
    assert list(viewing.readings(ledger.services, access)) == []


def test_what_is_held_is_told_as_it_was_received(ledger: Installation, tmp_path: Path) -> None:
    (meter,) = town(SEED, 1)
    household = settle(ledger, meter.number)
    access = viewing.authorise(ledger.services, household.account, household.consents[0])
    assert viewing.received_last(ledger.services, access) is None
    days = [date(2026, 11, day) for day in (10, 11, 12)]
    for path in write_nights(tmp_path / "in", [meter], days):
        take(ledger, path)
    ledger.shown.catch_up()
    held = list(viewing.readings(ledger.services, access))
    assert len(held) == len(days)
    assert viewing.received_last(ledger.services, access) == max(one.received_at for one in held)


def test_what_was_just_refused_is_shown_at_once(ledger: Installation) -> None:
    household = settle(ledger, NUMBER)
    refusal = consenting.refuse_consent(
        ledger.services, household.account, household.meter, wish(Category.MAXIMUM_POWER)
    )
    seen = viewing.overview(ledger.services, household.account)
    assert {one.id: one.status for one in seen.consents}[refusal] is ConsentStatus.REFUSED
