"""Counts over public leaves: read once, by anybody, whoever wrote them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from adapters.dso.enedis.crypto import Keyring
from adapters.dso.refusal import Code
from application import consenting
from application.tally import OTHER, Tally
from domain.aggregates.consent import Origin
from domain.values import civil_day
from metroledger.cli.files import ingest_file
from tests.application.world import settle

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation

CODES = frozenset(Code)
PERSON = "marge_bouvier"
CONSENT = UUID(int=7).hex


def read(ledger: Installation, limit: int) -> Tally:
    tally = Tally(CODES)
    while not tally.read(ledger.store, limit):
        pass
    return tally


def test_it_is_the_same_however_it_is_read(ledger: Installation, tmp_path: Path) -> None:
    settle(ledger, "30001112223334")
    (broken := tmp_path / "ERDF_R151_broken.zip").write_bytes(b"no file of anybody")
    ingest_file(ledger.services, Keyring(keys=()), broken)
    whole, bits = read(ledger, 100_000), read(ledger, 3)
    assert whole == bits
    assert whole.events.total() == whole.size == ledger.store.cursor().size
    assert OTHER not in whole.events
    assert whole.parked.total() == 1
    assert OTHER not in whole.parked


def test_a_consent_lapses_the_day_after_its_last(ledger: Installation) -> None:
    settle(ledger, "30001112223334")
    tally = read(ledger, 100_000)
    (last,) = tally.lasts.values()
    assert last > civil_day(ledger.clock())
    assert tally.lapsed(last) == 0
    assert tally.lapsed(last + timedelta(days=1)) == 1


def test_a_consent_that_was_withdrawn_lapses_no_more(ledger: Installation) -> None:
    home = settle(ledger, "30001112223334")
    tally = read(ledger, 100_000)
    consenting.withdraw_consent(ledger.services, home.consents[0], origin=Origin.RESIDENT)
    tally.read(ledger.store)
    assert tally.lapsed(date.max) == 0


def leaf(topic: str, payload: object = None, **more: object) -> bytes:
    return json.dumps(
        {"type": topic, "hour": "2026-11-25T03Z", "payload": payload or {}, **more}
    ).encode()


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'{"type":7}',
        leaf("DeliveryReceived.v1", ["no object"]),
        leaf("DeliveryReceived.v1", {"readings": "many"}),
        leaf("DeliveryReceived.v1", {"counts": {"blank": PERSON}}),
        leaf("DeliveryParked.v1", {"reason": 3}),
        leaf("ConsentGranted.v1", consent=CONSENT, last_day="some day"),
        leaf("ConsentGranted.v1", consent=PERSON),
        b'{"type":"ConsentGranted.v1","hour":"three"}',
    ],
)
def test_a_leaf_that_is_none_of_ours_counts_as_other_alone(entry: bytes) -> None:
    tally = Tally(CODES)
    tally.add(entry)
    assert tally == Tally(CODES, events=tally.events)
    assert tally.events == {OTHER: 1}


@pytest.mark.parametrize(
    ("entry", "counted"),
    [
        (leaf(PERSON), "events"),
        (leaf("DeliveryReceived.v1", {"counts": {PERSON: 1}}), "refused"),
        (leaf("DeliveryParked.v1", {"reason": PERSON}), "parked"),
    ],
)
def test_a_word_that_is_not_known_is_no_label(entry: bytes, counted: str) -> None:
    tally = Tally(CODES)
    tally.add(entry)
    found: dict[str, Any] = getattr(tally, counted)
    assert found == {OTHER: 1}


def test_a_count_below_nothing_sets_nothing_back() -> None:
    tally = Tally(CODES)
    tally.add(leaf("DeliveryReceived.v1", {"counts": {"blank": -5}, "readings": -5}))
    assert (tally.readings, tally.refused["blank"]) == (0, 0)
