"""Idempotency keys: kept nowhere, of one account each, and gone with the account's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from application import erasure, residents
from application.asking import command_of, digest_of
from application.services import new_id
from domain.errors import Refused
from metroledger.bootstrap import administrator
from tests.application.world import settle

if TYPE_CHECKING:
    from metroledger.bootstrap import Installation


def test_a_key_leads_to_one_command_of_one_account(ledger: Installation) -> None:
    services, one, other = ledger.services, new_id(), new_id()
    assert command_of(services, one, "a key") == command_of(services, one, "a key")
    apart = {command_of(services, who, key) for who in (one, other) for key in ("k", "l")}
    assert len(apart) == 4


def test_two_requests_have_two_digests_however_their_parts_are_cut(ledger: Installation) -> None:
    services = ledger.services
    account = settle(ledger, "00324585900021").account
    cuts = [(b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"", b"abc")]
    assert len({digest_of(services, account, *cut) for cut in cuts}) == len(cuts)
    other = residents.open_account(services, name="B", email="b@example.org", language="fr")
    assert digest_of(services, account, b"abc") != digest_of(services, other, b"abc")


def test_of_an_erased_account_no_digest_can_be_made_any_more(ledger: Installation) -> None:
    services, actor = ledger.services, administrator(ledger)
    account = settle(ledger, "00324585900021").account
    digest_of(services, account, b"abc")
    erasure.request(services, account, residents.resident(account))
    erasure.check_identity(services, account, actor, means="in person")
    erasure.validate(services, account, actor)
    erasure.erase(services, account, actor)
    with pytest.raises(Refused):
        digest_of(services, account, b"abc")
