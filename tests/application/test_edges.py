"""What a newcomer, a second account or a second agreement does to the write path."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from eventsourcing.persistence import StoredEvent

from adapters.dso.enedis.series import town
from application import consenting, deliveries, offices, parking
from application.driving import drive
from application.protocol import NeverAcceptable, Proposal, submit
from application.receipts import NoSuchGroups, Press, consent_receipt
from application.recorder import opaque_commit
from application.services import collection_id, new_id
from application.transact import RecordTooLarge, proposal_of
from domain.events import Change
from domain.events.account import DestructionOrdered
from domain.events.agreement import AgreementSigned
from domain.events.terms import TextKind
from domain.values import Category, Channel
from keys.names import KeyName, Purpose
from keys.tree import KeyDestroyed
from ledger.record import RECORD_MAX, assemble, encode_header
from ledger.store import REGISTER_MARKS
from metroledger.bootstrap import administrator
from proofs.merkle import leaf_hash, root
from schemas.canonical import b64
from tests.application.world import (
    ROOT,
    SEED,
    closed,
    readings_held,
    settle,
    settle_all,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from metroledger.bootstrap import Installation

METERS = town(SEED, 6)
DAY = date(2025, 3, 1)


def test_a_file_whose_copies_outgrow_a_record_is_taken_in_once_for_each_account(
    ledger: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = METERS[0].number
    for person in range(4):
        settle(ledger, number, email=f"person{person}@example.org")
    settle_all(ledger, METERS[1:])
    (path,) = write_nights(tmp_path / "nights", METERS, [DAY])
    monkeypatch.setattr(deliveries, "PART_BYTES", 2_600)

    outcome = take(ledger, path)

    held = readings_held(ledger)
    assert set(held.values()) == {1}
    indexes = Counter(consent for consent, reading in held if b'"registers"' in reading)
    assert len(indexes) == 4 + len(METERS) - 1
    assert outcome.rows[number]["accepted"] >= 4
    assert take(ledger, path).result is deliveries.Result.ALREADY_TAKEN_IN
    assert readings_held(ledger) == held
    assert closed(ledger).passed


def test_a_record_no_log_would_take_is_not_appended() -> None:
    header, frames = opaque_commit([StoredEvent(new_id(), 1, "t", bytes(RECORD_MAX))])
    with pytest.raises(RecordTooLarge):
        proposal_of(assemble(encode_header(header), frames), header)


def test_a_record_void_for_its_form_is_told_at_once(ledger: Installation) -> None:
    header, _ = opaque_commit([StoredEvent(new_id(), 1, "t", b"s")])
    broken = assemble(encode_header(header), ()) + b"no frames"
    proposal = Proposal(record=broken, expects=tuple(header.expects()))
    begun = time.monotonic()
    with pytest.raises(NeverAcceptable):
        drive(submit(header.command, proposal), ledger.ledger.committer)
    assert time.monotonic() - begun < 2


def test_a_collection_started_twice_is_started_once(ledger: Installation) -> None:
    home = settle(ledger, METERS[0].number)
    (consent,) = home.consents
    again = consenting.start(ledger.services, consent, Channel.SGE)
    assert again == collection_id(consent, Channel.SGE)
    head = ledger.store.heads([again.bytes])[again.bytes]
    assert (head.version, head.ended) == (1, False)


def test_a_second_agreement_carries_the_consents_of_the_first(
    ledger: Installation, tmp_path: Path
) -> None:
    home = settle(ledger, METERS[0].number)
    renewed = AgreementSigned(
        operator="enedis",
        reference="convention 2",
        channels=(Channel.SGE,),
        categories=(Category.DAILY_INDEX,),
        first_day=date(2019, 7, 5),
        last_day=date(2099, 12, 31),
    )
    offices.sign_agreement(ledger.services, administrator(ledger), renewed)
    (path,) = write_nights(tmp_path / "nights", METERS[:1], [DAY])
    assert take(ledger, path).rows[home.number]["accepted"] >= 1
    assert closed(ledger).passed


def test_a_text_can_be_shown_again_as_it_was_shown(ledger: Installation) -> None:
    kind = TextKind.CONSENT_WORDING
    shown = offices.shown_text(ledger.services, kind, version="1", language="fr")
    assert shown.text == f"Le texte de {kind}."


def test_the_database_marks_the_register_as_the_ledger_does() -> None:
    schema = (ROOT / "adapters/postgres/schema.sql").read_text("utf-8")
    found = re.findall(r"position\('\\x([0-9a-f]+)'::bytea in entry\)", schema)
    assert [bytes.fromhex(mark) for mark in found] == list(REGISTER_MARKS)


def test_a_parked_file_is_gone_for_good_when_its_days_are_over(
    ledger: Installation, tmp_path: Path
) -> None:
    (path := tmp_path / "ERDF_R151_broken.zip").write_bytes(b"neither plain nor under a key")
    parked = take(ledger, path)
    kept = ledger.settings.parked / str(parked.id)
    assert parking.drop_expired(ledger.services) == 0
    over = time.time() - (parking.KEPT_DAYS + 1) * 24 * 3600
    os.utime(kept, (over, over))
    assert parking.drop_expired(ledger.services) == 1
    assert not kept.exists()
    with pytest.raises(KeyDestroyed):
        ledger.services.keys.mint([KeyName(owner=parked.id, purpose=Purpose.PARKED)])
    assert take(ledger, path).result is deliveries.Result.ALREADY_PARKED
    assert closed(ledger).passed


def test_a_receipt_of_a_group_that_is_none_is_refused_by_its_name(ledger: Installation) -> None:
    (consent,) = settle(ledger, METERS[0].number).consents
    press = Press(publisher=ledger.publisher, tiles=ledger.settings.tiles)
    with pytest.raises(NoSuchGroups, match="postcode"):
        consent_receipt(ledger.services, press, consent, groups=["point", "postcode"])


def test_an_order_of_destruction_that_its_leaf_belies_excuses_no_missing_key(
    ledger: Installation,
) -> None:
    lost = new_id()
    belied = DestructionOrdered(request=new_id(), keys=1, root=b64(root([leaf_hash(b"another")])))
    context = ledger.services.context(None, **{DestructionOrdered.TOPIC: lost.bytes})
    change = Change(stream=new_id(), event=belied)
    ledger.ledger.transact(new_id(), lambda _: [change], context=context)
    assert lost not in ledger.register.read().ordered
