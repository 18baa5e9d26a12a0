"""Receipts of this ledger: what they open, who can refute them, and what outlives an erasure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import consenting, erasure, residents
from application.receipts import NothingToProve, Press, consent_receipt, reading_receipt
from application.services import new_id
from domain.aggregates.consent import Origin
from domain.errors import MetroledgerError
from metroledger.bootstrap import administrator
from proofs.receipt import verify_receipt
from tests.application.world import SEED, Household, settle_all, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metroledger.bootstrap import Installation

METERS = town(SEED, 10)
DAYS = [date(2025, 3, 1) + timedelta(days=n) for n in range(2)]
GROUPS = {"point", "scope", "period", "evidence", "identity", "subject"}


@pytest.fixture
def homes(ledger: Installation, tmp_path: Path) -> list[Household]:
    households = settle_all(ledger, METERS)
    for path in write_nights(tmp_path / "nights", METERS, DAYS):
        take(ledger, path)
    return households


def press(ledger: Installation) -> Press:
    return Press(publisher=ledger.publisher, tiles=ledger.settings.tiles)


def consented(ledger: Installation, home: Household, *groups: str) -> bytes:
    chosen = groups or None
    return consent_receipt(ledger.services, press(ledger), home.consents[0], groups=chosen)


def read(ledger: Installation, home: Household, number: int = 0) -> bytes:
    return reading_receipt(ledger.services, press(ledger), home.consents[0], number)


def test_a_consents_receipt_opens_all_of_it_and_stands_where_the_grant_is(
    ledger: Installation, homes: list[Household]
) -> None:
    for home in homes:
        proven = verify_receipt(consented(ledger, home), [ledger.verifier])
        assert proven.content.entry["type"] == "ConsentGranted.v1"
        assert proven.content.entry["consent"] == str(home.consents[0])
        assert set(proven.content.disclosed) == GROUPS
        assert proven.content.disclosed["point"]["number"] == home.number  # type: ignore[call-overload,index]  # JSON of any shape


def test_a_receipt_opens_no_more_than_was_asked_for(
    ledger: Installation, homes: list[Household]
) -> None:
    receipt = consented(ledger, homes[0], "scope", "period")
    proven = verify_receipt(receipt, [ledger.verifier])
    assert set(proven.content.disclosed) == {"scope", "period"}
    assert homes[0].number.encode() not in receipt
    assert b"BOUVIER" not in receipt


def test_every_readings_receipt_verifies_and_opens_that_reading(
    ledger: Installation, homes: list[Household]
) -> None:
    for home in homes:
        for number in range(len(DAYS)):
            proven = verify_receipt(read(ledger, home, number), [ledger.verifier])
            assert proven.content.entry["type"] == "DeliveryReceived.v1"
            assert proven.content.reading is not None
            assert proven.content.reading.consent == home.consents[0]
            assert proven.content.disclosed["reading"]["number"] == home.number  # type: ignore[call-overload,index]  # JSON of any shape


def test_no_byte_of_twenty_receipts_can_be_changed(
    ledger: Installation, homes: list[Household]
) -> None:
    """Half of consents, half of readings; of each byte one bit, another one from byte to byte."""
    receipts = twenty(ledger, homes)
    assert kept(ledger, receipts, lambda place: [1 << place % 8]) == []


@pytest.mark.campaign
def test_no_bit_of_twenty_receipts_can_be_changed(
    ledger: Installation, homes: list[Household]
) -> None:
    receipts = twenty(ledger, homes)
    assert kept(ledger, receipts, lambda _: [1 << bit for bit in range(8)]) == []
    print(f"\n{sum(map(len, receipts)) * 8} bits of 20 receipts flipped, 100 % refused")


def twenty(ledger: Installation, homes: list[Household]) -> list[bytes]:
    receipts = [one for home in homes for one in (consented(ledger, home), read(ledger, home))]
    for receipt in receipts:
        verify_receipt(receipt, [ledger.verifier])
    assert len(receipts) == 20
    return receipts


def kept(
    ledger: Installation, receipts: list[bytes], bits_at: Callable[[int], list[int]]
) -> list[tuple[int, int, int]]:
    """Return which receipt still verifies though a bit of it, at which place, was changed."""
    return [
        (number, place, bit)
        for number, receipt in enumerate(receipts)
        for place in range(len(receipt))
        for bit in bits_at(place)
        if verifies(ledger, receipt, place, bit)
    ]


def verifies(ledger: Installation, receipt: bytes, place: int, bit: int) -> bool:
    altered = bytearray(receipt)
    altered[place] ^= bit
    try:
        verify_receipt(bytes(altered), [ledger.verifier])
    except MetroledgerError:
        return False
    return True


def test_a_receipt_given_before_a_withdrawal_and_an_erasure_verifies_after_them(
    ledger: Installation, homes: list[Household]
) -> None:
    home, other = homes[:2]
    given = [consented(ledger, home), read(ledger, home)]
    before = [verify_receipt(one, [ledger.verifier]) for one in given]
    consenting.withdraw_consent(ledger.services, home.consents[0], origin=Origin.RESIDENT)
    services, actor = ledger.services, administrator(ledger)
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, actor, means="in person")
    erasure.validate(services, home.account, actor)
    erasure.erase(services, home.account, actor)
    assert [verify_receipt(one, [ledger.verifier]) for one in given] == before
    with pytest.raises(NothingToProve):
        consented(ledger, home)
    with pytest.raises(NothingToProve):
        read(ledger, home)
    verify_receipt(read(ledger, other), [ledger.verifier])


def test_there_is_no_receipt_of_what_is_not_there(
    ledger: Installation, homes: list[Household]
) -> None:
    for number in (-1, len(DAYS)):
        with pytest.raises(NothingToProve):
            read(ledger, homes[0], number)
    with pytest.raises(NothingToProve):
        consent_receipt(ledger.services, press(ledger), new_id())
