"""Reads go through one seam: the owner sees, a stranger finds nothing, an ending denies at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from application import consenting, viewing
from application.residents import open_account
from application.viewing import NoLongerShown, NothingHere, Use
from domain.aggregates.consent import ConsentStatus, Origin
from tests.application.world import settle

if TYPE_CHECKING:
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
